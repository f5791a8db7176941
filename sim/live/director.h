// director.h - plays a scenario in a running lab and compares the ladders with the simulated ones.
//
// Owner:    play_live().
// Memory:   the recordings of both.
// Time:     the lab's instance.
// Bytes:    none.
// Cost:     the simulation, beside the lab.
// Lifetime: outlived by the scenario.
// Spec:     none.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "control/lab/director.h"
#include "control/story/recorder.h"
#include "sim/live/hosts.h"
#include "sim/scenario/scenario.h"

namespace lapse::live {

// The socket in an instance's folder at which endpoints find their director.
std::string meeting_point(const std::string& directory);

class StoryDirector final : public lab::Director {
 public:
  StoryDirector(const sim::Scenario& scenario, uint64_t seed) : scenario_(scenario), seed_(seed) {}

  absl::Status prepare(const std::string& directory) override;
  // What came of it as JSON, or {"error": message}; an expectation is named by its number.
  std::string direct(Instance& instance) override;

 private:
  class Play;

  absl::StatusOr<nlohmann::json> play(Instance& instance);
  absl::StatusOr<nlohmann::json> compared(const story::Recorder& recorder, const topology::Directory& directory,
                                          const nlohmann::json& misses) const;

  const sim::Scenario& scenario_;
  uint64_t seed_;
  Hosts hosts_;
};

}  // namespace lapse::live
