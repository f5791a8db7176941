// messages.h - what lab, shell and exec say on standard error.
//
// Owner:    the command.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     one write.
// Lifetime: none.
// Spec:     issue A, "Manners".
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <unistd.h>

namespace lapse::lab {

inline void say(std::string_view text) {
  std::string line = "lapse: ";
  line.append(text);
  if (line.back() != '\n') {
    line.push_back('\n');
  }
  std::fwrite(line.data(), 1, line.size(), stderr);
}

// For what takes long: a person sees it, a pipe does not.
inline void say_progress(std::string_view text) {
  if (isatty(STDERR_FILENO) != 0) {
    say(text);
  }
}

inline bool wants_colour() {
  return isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
}

}  // namespace lapse::lab
