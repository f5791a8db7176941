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

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "control/report/run_record.h"
#include "control/story/conversation.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/stage.h"

namespace lapse::sim {

struct Miss {
  Place place;        // of the expectation
  std::string text;   // the expectation, on a line
  std::string found;  // what was there instead
};

struct AccessLog {
  std::string proxy;
  std::vector<Proxy::Line> lines;
};

struct Outcome {
  std::vector<Miss> misses;
  uint64_t events = 0;
  std::vector<Experience> experiences;                   // of both ends of each connection, by name
  std::map<std::string, std::vector<FiveTuple>> tuples;  // of each connection, as its client sends them
  std::vector<AccessLog> logs;
  std::vector<std::string> ladders;  // one for each conversation, oldest first
  std::vector<story::Conversation> conversations;
  std::shared_ptr<const report::RunRecord> record;
  std::vector<report::LivingFlow> living;  // in all boxes, at the end
  Instant end;
};

// Whether the record has the frames that crossed links, for a capture.
enum class Frames : uint8_t { kNone, kKept };

// kResourceExhausted when it does not come to its end: after 'most_events' timers and frames.
inline constexpr uint64_t kMostEvents = 20'000'000;
absl::StatusOr<Outcome> play(const Scenario& scenario, uint64_t seed, Frames frames = Frames::kNone,
                             uint64_t most_events = kMostEvents);

// "app (c1) ECONNRESET at 351s, received 57": what it got, or that it waits for ever.
std::string to_string(const Experience& experience);

// The lines of must_fail_with that broke no expectation; a line that cannot be applied is one of them, with the reason.
std::vector<Miss> lines_that_change_nothing(const std::string& file, uint64_t seed);

}  // namespace lapse::sim
