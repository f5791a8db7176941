// runner.h - plays a scenario and says which expectations it did not meet.
//
// Owner:    none; a pure function of scenario and seed. Scenarios may be played in parallel.
// Memory:   a world, and every event that is no packet.
// Time:     virtual; the wall time it takes is none of its business.
// Bytes:    none.
// Cost:     as its events.
// Lifetime: none.
// Spec:     design, "Control"; aws-behaviour section 11.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "control/story/conversation.h"
#include "sim/scenario/scenario.h"

namespace lapse::sim {

struct Miss {
  Place place;        // of the expectation
  std::string text;   // the expectation, on a line
  std::string found;  // what was there instead
};

struct Outcome {
  std::vector<Miss> misses;
  uint64_t events = 0;
  std::vector<std::string> ladders;  // one for each conversation, oldest first
  std::vector<story::Conversation> conversations;
};

// kResourceExhausted when it does not come to its end.
absl::StatusOr<Outcome> play(const Scenario& scenario, uint64_t seed);

// The lines of must_fail_with that broke no expectation; a line that cannot be applied is one of them, with the reason.
std::vector<Miss> lines_that_change_nothing(const std::string& file, uint64_t seed);

}  // namespace lapse::sim
