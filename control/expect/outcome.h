// outcome.h - what the boxes of a run have to show at its end, and which expectations that does not meet.
//
// Owner:    none; plain values and pure functions.
// Memory:   ordinary; the events that the instance still keeps.
// Time:     of events: virtual.
// Bytes:    none.
// Cost:     an expectation about events: all events.
// Lifetime: none.
// Spec:     control/api: /v1/status, /v1/flows, /v1/events.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "control/expect/expectation.h"

namespace lapse::expect {

struct BoxOutcome {
  std::map<std::string, uint64_t> metrics;
  std::map<std::string, uint64_t> events;  // all that there were, by name
  uint64_t flows = 0;                      // that it remembers
};

struct RunOutcome {
  std::map<std::string, BoxOutcome> boxes;
  std::vector<nlohmann::json> events;  // as the API tells them; those that were kept
};

// From the API's answers: status, living flows, and the events, one a line.
absl::StatusOr<RunOutcome> read_outcome(const nlohmann::json& status, const nlohmann::json& flows,
                                        const std::string& events);

struct Miss {
  std::string expected;  // with its place, where that is a file
  std::string found;
};
std::vector<Miss> misses(const std::vector<Expectation>& expectations, const RunOutcome& outcome);

}  // namespace lapse::expect
