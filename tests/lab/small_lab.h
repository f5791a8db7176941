// small_lab.h - two hosts on one link, without a data plane: what most tests of namespaces need.
//
// Owner:    the child process of a test; it enters the lab's namespace.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls.
// Lifetime: gone with the process, but for names under /run/netns.
// Spec:     none.
#pragma once

#include <map>
#include <string>

#include "control/lab/namespaces.h"
#include "control/lab/wiring.h"

namespace lapse::lab {

struct SmallLab {
  topology::Topology topology;
  WiringPlan plan;
  UniqueFd own;
  std::map<std::string, UniqueFd> hosts;

  // The topology alone: `one` 10.7.0.1 and `two` 10.7.0.2 on the link `wire`.
  SmallLab();
  // Namespaces and cables, in the network namespace that the process is in now.
  absl::Status build();
};

// "" when a TCP connection from one host to the other's address passes a byte.
std::string try_tcp(const SmallLab& lab, const std::string& from, const std::string& to, const char* address);

}  // namespace lapse::lab
