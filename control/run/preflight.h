// preflight.h - everything that stands in the way of a run, told at once and before anything is started.
//
// Owner:    none; pure functions of what was read and asked for.
// Memory:   ordinary.
// Time:     none.
// Bytes:    sizes in bytes.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     issue B; DPDK Getting Started Guide for Linux.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "control/run/machine.h"
#include "control/topology/topology.h"
#include "dataplane/io/device_plan.h"
#include "dataplane/io/eal.h"

namespace lapse::run {

// Index, record, wheel, ports and RCU together take less than this for each flow of a box.
inline constexpr size_t kBytesAFlow = 128;

struct Request {
  const topology::Topology& topology;
  size_t workers = 1;
  std::vector<int> cores;  // one for each worker, or none
  bool spins = false;      // workers never sleep
};

struct Preflight {
  // A sentence each: what is wrong, and what helps.
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
  // Links whose lack of queues has been told.
  std::set<std::string> queues_told;
  // How EAL is to be started; of use when there are no errors.
  io::EalMemory memory = io::EalMemory::kOrdinary;
  size_t memory_mebibytes = 0;
};

Preflight check(const Request& request, const Machine& machine);

// What the file wants of its devices, in the order of its ports.
std::vector<io::PortWish> wishes_of(const topology::Topology& topology, size_t workers);

}  // namespace lapse::run
