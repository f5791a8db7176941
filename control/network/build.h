// build.h - from a checked topology to the data plane's network: boxes, links, attachments.
//
// Owner:    the caller owns the network.
// Memory:   allocates the boxes' tables.
// Time:     none.
// Bytes:    none.
// Cost:     once, at start.
// Lifetime: 'quiescence' outlives the network.
// Spec:     design, "The topology file"; ids are those of topology::Directory.
#pragma once

#include <functional>
#include <memory>

#include "control/topology/topology.h"
#include "dataplane/net/network.h"
#include "dataplane/quiescence.h"

namespace lapse {

struct BuildOptions {
  size_t workers = 1;
  // Where hash keys and random streams come from: the kernel in run and lab, the scenario's seed in sim.
  std::function<uint64_t()> random;
};

std::unique_ptr<Network> build_network(const topology::Topology& topology, const BuildOptions& options,
                                       Quiescence& quiescence);

}  // namespace lapse
