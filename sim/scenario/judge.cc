#include "sim/scenario/judge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/story/text.h"

namespace lapse::sim {
namespace {

std::string time_text(Instant instant) {
  return story::exact(std::chrono::round<std::chrono::milliseconds>(instant.time_since_epoch()));
}

// What differs, as a list.
class Differences {
 public:
  template <typename... Parts>
  void add(const Parts&... parts) {
    absl::StrAppend(&text_, text_.empty() ? "" : ", ", parts...);
  }
  std::string text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

std::string Judge::found_instead(const Expectation& expectation) {
  return std::visit([&](const auto& expected) { return found(expectation, expected); }, expectation.what);
}

std::string Judge::found(const Expectation&, const ExpectEvent& expected) {
  std::vector<std::string> others;
  for (const Event& event : stage_.events()) {
    if (!fits(event, expected.filter)) {
      continue;
    }
    if (!expected.at || near(event.time, *expected.at)) {
      return "";
    }
    others.push_back(time_text(event.time));
  }
  if (others.empty()) {
    return "no such event";
  }
  return absl::StrCat("it happened at ", others.front(), others.size() > 1 ? " and later" : "");
}

std::string Judge::found(const Expectation&, const ExpectCount& expected) {
  uint64_t count = 0;
  std::string first;
  for (const Event& event : stage_.events()) {
    if (fits(event, expected.filter)) {
      first = count++ == 0 ? time_text(event.time) : first;
    }
  }
  if (count >= expected.least && count <= expected.most) {
    return "";
  }
  return absl::StrCat(count, count == 1 ? " time" : " times", count > 0 ? absl::StrCat(", first at ", first) : "");
}

std::string Judge::found(const Expectation& expectation, const ExpectProgram& expected) {
  const Experience lived = stage_.experience(expected.flow, expected.party);
  if (!lived.began) {
    return "the server never had the connection";
  }
  const std::string error = lived.error.empty() ? "none" : lived.error;
  Differences differences;
  if (expected.error && *expected.error != error) {
    differences.add("error ", error);
  } else if (expected.error && expectation.at && error != "none" && !near(lived.error_at, *expectation.at)) {
    differences.add("error ", error, " at ", time_text(lived.error_at));
  }
  if (expected.received && *expected.received != lived.received) {
    differences.add("received ", lived.received);
  }
  if (expected.waiting && *expected.waiting != lived.waiting) {
    differences.add("waiting ", lived.waiting ? "true" : "false");
  }
  if (expected.status && *expected.status != lived.status) {
    differences.add(lived.status == 0 ? "no answer" : absl::StrCat("status ", lived.status));
  }
  if (expected.connections && *expected.connections != lived.connections) {
    differences.add("connections ", lived.connections);
  }
  return differences.text();
}

// The newest connection of that name counts; the host may be either of its ends.
std::string Judge::found(const Expectation&, const ExpectSocket& expected) {
  const auto tuples = stage_.tuples(expected.flow);
  std::string state = "none";
  for (const Ground::Socket& socket : stage_.ground().sockets(expected.host)) {
    const bool is_client = !tuples.empty() && socket.tuple == tuples.back();
    const bool is_server = !is_client && is_of(socket.tuple, expected.flow) &&
                           std::find(tuples.begin(), tuples.end(), socket.tuple) == tuples.end();
    state = is_client || is_server ? socket.state : state;
  }
  return state == expected.state ? "" : absl::StrCat("state ", state);
}

std::string Judge::found(const Expectation&, const ExpectFlow& expected) {
  std::string state = "none";
  stage_.ground().visit_flows(box(expected.box), [&](const FlowSnapshot& flow) {
    if (is_of(flow.original, expected.flow)) {
      const bool is_tcp = flow.original.protocol == static_cast<uint8_t>(Protocol::kTcp);
      state = is_tcp ? std::string(name(flow.control.tcp_state)) : "open";
    }
  });
  return state == expected.state ? "" : absl::StrCat("state ", state);
}

std::string Judge::found(const Expectation&, const ExpectFlows& expected) {
  uint64_t count = 0;
  stage_.ground().visit_flows(box(expected.box), [&count](const FlowSnapshot&) { ++count; });
  return count == expected.count ? "" : absl::StrCat("flows ", count);
}

std::string Judge::found(const Expectation&, const ExpectMetric& expected) {
  const uint64_t value = stage_.ground().metric(box(expected.box), expected.metric);
  return value >= expected.least && value <= expected.most ? "" : absl::StrCat(expected.metric, " ", value);
}

std::string Judge::found(const Expectation& expectation, const ExpectLog& expected) {
  const auto proxy = stage_.proxies().find(expected.proxy);
  std::string lines;
  uint64_t count = 0;
  if (proxy != stage_.proxies().end()) {
    for (const Proxy::Line& line : proxy->second->log()) {
      absl::StrAppend(&lines, lines.empty() ? "" : ", ", to_string(line));
      const bool fits = (!expected.status || *expected.status == line.status) &&
                        (!expected.took || near(*expected.took, line.took)) &&
                        (!expectation.at || near(*expectation.at, line.at));
      count += fits ? 1 : 0;
    }
  }
  if (count >= expected.least && count <= expected.most) {
    return "";
  }
  return lines.empty() ? "an empty log" : absl::StrCat("in the log: ", lines);
}

bool Judge::near(Duration left, Duration right) const {
  return left >= right - tolerance_ && left <= right + tolerance_;
}

// ---- names ----

bool Judge::fits(const Event& event, const EventFilter& filter) {
  if (event.kind != filter.kind || (!filter.box.empty() && event.box != box(filter.box)) ||
      (filter.told && event.told != *filter.told) || (!filter.flow.empty() && !is_of(event.tuple, filter.flow))) {
    return false;
  }
  if (!filter.to) {
    return true;
  }
  const auto is_to = [&](const std::string& flow) {
    return is_of(event.tuple, flow) && from_client(event, flow) == (*filter.to == Party::kClient);
  };
  if (!filter.flow.empty()) {
    return is_to(filter.flow);
  }
  const auto flows = stage_.flow_names();
  return std::any_of(flows.begin(), flows.end(), is_to);
}

const std::set<std::string>& Judge::known(const std::string& flow) {
  Known& known = known_[flow];
  const auto add = [&known](const FiveTuple& tuple) {
    known.tuples.insert(to_string(tuple));
    known.tuples.insert(to_string(tuple.reversed()));
  };
  const auto tuples = stage_.tuples(flow);
  if (tuples.size() != known.connections_seen) {
    std::for_each(tuples.begin() + static_cast<ptrdiff_t>(known.connections_seen), tuples.end(), add);
    known.connections_seen = tuples.size();
    known.events_seen = 0;
  }
  for (; known.events_seen < stage_.events().size(); ++known.events_seen) {
    const Event& event = stage_.events()[known.events_seen];
    if (event.kind == EventKind::kFlowNew &&
        (known.tuples.contains(to_string(event.tuple)) || known.tuples.contains(to_string(event.reply)))) {
      add(event.tuple);
      add(event.reply);
    }
  }
  return known.tuples;
}

bool Judge::from_client(const Event& event, const std::string& flow) const {
  const auto tuples = stage_.tuples(flow);
  // A reset's tuple is its own: it travels towards whom it answers.
  const Be16 spoken_to = event.kind == EventKind::kRstSent ? event.tuple.source_port : event.tuple.destination_port;
  return !tuples.empty() && spoken_to == tuples.back().destination_port;
}

BoxId Judge::box(const std::string& name) const {
  const auto& boxes = stage_.ground().directory().boxes;
  const auto found = std::find_if(boxes.begin(), boxes.end(), [&name](const auto& one) { return one.name == name; });
  return found == boxes.end() ? kNoBox : BoxId{static_cast<uint8_t>(found - boxes.begin())};
}

}  // namespace lapse::sim
