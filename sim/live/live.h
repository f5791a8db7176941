// live.h - `lapse sim --live`: a scenario's steps on kernel sockets in a lab, and whether the ladder is the simulated one.
//
// Owner:    the command.
// Memory:   ordinary; a lab in processes of its own.
// Time:     virtual time jumps over silence and passes as the kernels' does, times the scenario's scale, elsewhere.
// Bytes:    none.
// Cost:     about a second, and the real time that kernels need.
// Lifetime: nothing is left behind.
// Spec:     issue C, "Live twin" and "Simulator against kernel".
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "sim/scenario/runner.h"
#include "sim/scenario/scenario.h"

namespace lapse::live {

struct LiveOptions {
  uint64_t seed = 1;     // of the simulation
  unsigned workers = 1;  // threads of the lab's data plane
};

struct LiveOutcome {
  std::vector<sim::Miss> misses;
  std::vector<std::string> differences;  // from the simulated ladders; empty: none
  std::vector<std::string> ladders;      // one for each conversation, oldest first
};

// kFailedPrecondition when the scenario or the machine does not allow it. A signal that ends the command does so when the
// lab is gone.
absl::StatusOr<LiveOutcome> play_live(const sim::Scenario& scenario, const LiveOptions& options);

}  // namespace lapse::live
