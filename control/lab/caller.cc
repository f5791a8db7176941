#include "control/lab/caller.h"

#include <cerrno>
#include <cstdlib>

#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "control/lab/files.h"

namespace lapse::lab {
namespace {

std::string user_name(uid_t uid) {
  const passwd* entry = getpwuid(uid);
  return entry != nullptr ? entry->pw_name : std::to_string(uid);
}

bool read_number(const char* variable, uint32_t& number) {
  const char* text = getenv(variable);
  return text != nullptr && absl::SimpleAtoi(text, &number);
}

absl::Status become_sudo_user(const Caller& caller) {
  if (initgroups(caller.user.c_str(), caller.gid) != 0 && setgroups(0, nullptr) != 0) {
    return errno_status(errno, absl::StrCat("taking the groups of ", caller.user));
  }
  if (setresgid(caller.gid, caller.gid, caller.gid) != 0 || setresuid(caller.uid, caller.uid, caller.uid) != 0) {
    return errno_status(errno, absl::StrCat("becoming ", caller.user));
  }
  return absl::OkStatus();
}

// A namespace in which the lab's root, who is the caller outside, has the caller's own number again.
absl::Status enter_own_number(const Caller& caller) {
  if (unshare(CLONE_NEWUSER) != 0) {
    return errno_status(errno, "making the caller's user namespace");
  }
  for (const auto& status : {write_existing("/proc/self/setgroups", "deny"),
                             write_existing("/proc/self/uid_map", absl::StrCat(caller.uid, " 0 1")),
                             write_existing("/proc/self/gid_map", absl::StrCat(caller.gid, " 0 1"))}) {
    if (!status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

}  // namespace

Caller find_caller() {
  Caller caller{Caller::Kind::kOrdinary, geteuid(), getegid(), user_name(geteuid())};
  if (caller.uid != 0) {
    return caller;
  }
  caller.kind = Caller::Kind::kRoot;
  uint32_t uid = 0;
  uint32_t gid = 0;
  if (read_number("SUDO_UID", uid) && read_number("SUDO_GID", gid) && uid != 0) {
    caller = {Caller::Kind::kSudo, uid, gid, user_name(uid)};
  }
  return caller;
}

absl::Status become_caller(const Caller& caller) {
  switch (caller.kind) {
    case Caller::Kind::kRoot:
      return absl::OkStatus();
    case Caller::Kind::kSudo:
      return become_sudo_user(caller);
    case Caller::Kind::kOrdinary:
      return enter_own_number(caller);
  }
  return absl::OkStatus();
}

}  // namespace lapse::lab
