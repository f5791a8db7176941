#include "control/expect/outcome.h"

#include <algorithm>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lapse::expect {
namespace {

using nlohmann::json;

std::string_view told_word(Told told) {
  switch (told) {
    case Told::kNobody:
      return "nobody";
    case Told::kSender:
      return "sender";
    case Told::kBothEnds:
      break;
  }
  return "both_ends";
}

bool contains(const json& names, const std::string& name) {
  return std::find(names.begin(), names.end(), json(name)) != names.end();
}

bool is_like(const json& event, const EventsAre& meant) {
  return event.value("kind", "") == name(meant.kind) && (meant.box.empty() || event.value("box", "") == meant.box) &&
         (!meant.told || event.value("told", "") == told_word(*meant.told)) &&
         (meant.to.empty() || contains(event.value("told_names", json::array()), meant.to));
}

// What was there instead; empty when the expectation is met.
std::string found_instead(const MetricIs& expected, const RunOutcome& outcome) {
  const uint64_t value = outcome.boxes.at(expected.box).metrics.at(expected.metric);
  return expected.bounds.hold(value) ? "" : absl::StrCat(expected.metric, " was ", value);
}

std::string found_instead(const FlowsLeft& expected, const RunOutcome& outcome) {
  const uint64_t flows = outcome.boxes.at(expected.box).flows;
  return expected.bounds.hold(flows) ? "" : absl::StrCat(expected.box, " remembers ", flows);
}

// An instance keeps the newest events only: of how many there is no trace, the counters know.
uint64_t without_trace(const EventsAre& expected, const RunOutcome& outcome) {
  uint64_t counted = 0;
  uint64_t kept = 0;
  for (const auto& [box, seen] : outcome.boxes) {
    const auto count = seen.events.find(std::string(name(expected.kind)));
    if (count != seen.events.end() && (expected.box.empty() || expected.box == box)) {
      counted += count->second;
    }
  }
  const EventsAre any{.kind = expected.kind, .box = expected.box};
  for (const json& event : outcome.events) {
    kept += is_like(event, any) ? 1 : 0;
  }
  return counted > kept ? counted - kept : 0;
}

std::string found_instead(const EventsAre& expected, const RunOutcome& outcome) {
  uint64_t count = 0;
  std::string first;
  for (const json& event : outcome.events) {
    if (is_like(event, expected) && count++ == 0) {
      first = absl::StrFormat("%.3f s", event.value("virtual_time", 0.0));
    }
  }
  const uint64_t lost = without_trace(expected, outcome);
  const bool is_narrow = expected.told || !expected.to.empty();
  // Those that are lost were of this kind and box, and nothing else is known of them.
  if (expected.bounds.hold(is_narrow ? count : count + lost) && (!is_narrow || expected.bounds.hold(count + lost))) {
    return "";
  }
  if (count + lost == 0) {
    return "no such event";
  }
  return absl::StrCat(count, count == 1 ? " time" : " times", count > 0 ? absl::StrCat(", first at ", first) : "",
                      lost > 0 ? absl::StrCat("; ", lost, " more are not kept any longer") : "");
}

// "{never: {event: rst_sent}} (run.yaml:3)".
std::string expected_text(const Expectation& expectation) {
  return expectation.place.line == 0
             ? expectation.text
             : absl::StrCat(expectation.text, " (", expectation.place.file, ":", expectation.place.line, ")");
}

}  // namespace

absl::StatusOr<RunOutcome> read_outcome(const json& status, const json& flows, const std::string& events) {
  RunOutcome outcome;
  try {
    for (const json& box : status.at("boxes")) {
      BoxOutcome& seen = outcome.boxes[box.at("name").get<std::string>()];
      seen.metrics = box.at("metrics").get<std::map<std::string, uint64_t>>();
      seen.events = box.at("events").get<std::map<std::string, uint64_t>>();
    }
    for (const json& flow : flows.at("flows")) {
      ++outcome.boxes[flow.at("box").get<std::string>()].flows;
    }
    std::istringstream lines(events);
    for (std::string line; std::getline(lines, line);) {
      outcome.events.push_back(json::parse(line));
    }
  } catch (const json::exception& error) {
    return absl::InternalError(absl::StrCat("the data plane's answer cannot be read: ", error.what()));
  }
  return outcome;
}

std::vector<Miss> misses(const std::vector<Expectation>& expectations, const RunOutcome& outcome) {
  std::vector<Miss> all;
  for (const Expectation& expectation : expectations) {
    std::string instead =
        std::visit([&](const auto& expected) { return found_instead(expected, outcome); }, expectation.what);
    if (!instead.empty()) {
      all.push_back({expected_text(expectation), std::move(instead)});
    }
  }
  return all;
}

}  // namespace lapse::expect
