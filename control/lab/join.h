// join.h - entering a host of a lab that runs.
//
// Owner:    the command; the calling process becomes the program.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls.
// Lifetime: the program ends with the lab.
// Spec:     design, section 8: exec, shell.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace lapse::lab {

struct JoinOptions {
  std::optional<std::string> instance;  // without it: the only one that runs
  std::string host;                     // empty: the topology's start_at
  std::vector<std::string> program;
  bool as_root = false;  // of the lab: to capture packets, to bind low ports
  bool prompt_hint = false;
};

// Returns only on failure, with the exit status; the message has been printed.
int join_lab(const JoinOptions& options);

}  // namespace lapse::lab
