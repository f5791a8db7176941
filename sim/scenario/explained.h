// explained.h - a played scenario in plain words, and whether what would fix it does.
//
// Owner:    none; pure functions of a scenario and a seed.
// Memory:   as the plays.
// Time:     virtual.
// Bytes:    none.
// Cost:     a play, and one for each fix that can be tried.
// Lifetime: none.
// Spec:     design, "Control": `lapse explain CODE|FLOW|FILE`.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "control/explain/explain.h"
#include "sim/scenario/runner.h"

namespace lapse::sim {

// What is known of a play, for explanations and for a record of it.
explain::Run run_of(const Scenario& scenario, const Outcome& outcome, const std::string& command);

struct Explained {
  explain::Run run;
  std::vector<explain::Explanation> explanations;
};
// Plays the scenario of the file with these settings, explains each conversation, and plays it again with each fix.
absl::StatusOr<Explained> explain_scenario(const std::string& path, const std::vector<std::string>& settings,
                                           uint64_t seed, const std::string& command, topology::Findings& findings);

}  // namespace lapse::sim
