// in_child.h - runs a piece of a test in a process of its own, because entering a namespace is for good.
//
// Owner:    the test.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     one fork.
// Lifetime: the child is waited for.
// Spec:     none.
#pragma once

#include <functional>
#include <string>

#include <grp.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace lapse::lab {

// Empty when 'body' is; otherwise what it says is wrong, or how it died.
inline std::string in_child(const std::function<std::string()>& body) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return "pipe";
  }
  const pid_t child = fork();
  if (child == 0) {
    const std::string wrong = body();
    const ssize_t written = write(ends[1], wrong.data(), wrong.size());
    _exit(written == static_cast<ssize_t>(wrong.size()) ? 0 : 1);
  }
  close(ends[1]);
  std::string wrong;
  char chunk[4096];
  for (ssize_t got = read(ends[0], chunk, sizeof(chunk)); got > 0; got = read(ends[0], chunk, sizeof(chunk))) {
    wrong.append(chunk, static_cast<size_t>(got));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    wrong += " (the child died, status " + std::to_string(status) + ")";
  }
  return wrong;
}

inline std::string text(const absl::Status& status) {
  return status.ok() ? "" : std::string(status.ToString());
}

// Gives up root for good. /proc/self belongs to root afterwards unless the process may be dumped.
inline bool become_ordinary(uid_t uid) {
  return setgroups(0, nullptr) == 0 && setresgid(uid, uid, uid) == 0 && setresuid(uid, uid, uid) == 0 &&
         prctl(PR_SET_DUMPABLE, 1) == 0;
}

}  // namespace lapse::lab
