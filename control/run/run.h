// run.h - `lapse run` from the loaded command line to the exit status.
//
// Owner:    the command; the main thread waits, the API and the workers have threads of their own.
// Memory:   ordinary.
// Time:     real.
// Bytes:    none.
// Cost:     none.
// Lifetime: everything that it makes is gone when it returns.
// Spec:     design, sections 1, 7 and 8.
#pragma once

#include <string>
#include <vector>

#include "control/topology/topology.h"

namespace lapse::run {

struct RunOptions {
  std::string name;        // of the instance
  std::vector<int> cores;  // a worker each; empty: as many workers as queues are asked for, bound to no core
  bool adaptive = false;   // workers on cores of their own sleep, too
  bool verbose = false;    // DPDK's log
};

// Returns an exit status. 'topology' is valid and has ports.
int run(const topology::Topology& topology, const RunOptions& options);

}  // namespace lapse::run
