// eal.h - DPDK's environment: started once a process, without hugepages, quiet unless asked.
//
// Owner:    the process; started from the thread that later stops it.
// Memory:   EAL's own heap.
// Time:     none.
// Bytes:    none.
// Cost:     about 0.15 s to start.
// Lifetime: until the process ends; EAL cannot be started twice.
// Spec:     DPDK Programmer's Guide, "Environment Abstraction Layer".
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace lapse::io {

struct EalOptions {
  std::vector<std::string> devices;  // --vdev strings
  std::string runtime_directory;     // exists; EAL keeps its own folder in it
  size_t memory_mebibytes = 256;
  bool verbose = false;  // DPDK's log lines on standard error
};

// Called before other threads exist: it leaves the calling thread's CPU affinity as it was.
absl::Status start_eal(const EalOptions& options);
void stop_eal();

}  // namespace lapse::io
