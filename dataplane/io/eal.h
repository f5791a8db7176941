// eal.h - DPDK's environment: started once a process, quiet unless asked.
//
// Owner:    the process; started from the thread that later stops it.
// Memory:   EAL's own heap: ordinary memory, or huge pages where devices reach it directly.
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

enum class EalMemory : unsigned char { kOrdinary, kHugePages };

struct EalOptions {
  std::vector<std::string> devices;  // "net_tap0,iface=x", or PCI addresses; no other device is looked at
  std::string runtime_directory;     // exists; EAL keeps its own folder in it
  EalMemory memory = EalMemory::kOrdinary;
  size_t memory_mebibytes = 256;
  bool verbose = false;  // DPDK's log lines on standard error
};

// "0000:3b:00.0", and not a virtual device.
bool is_pci_device(const std::string& device);

// Called before other threads exist: it leaves the calling thread's CPU affinity as it was.
absl::Status start_eal(const EalOptions& options);
void stop_eal();

}  // namespace lapse::io
