#include "sim/live/judge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/topology/values.h"

namespace lapse::live {
namespace {

using nlohmann::json;
using sim::Party;

std::string time_text(Instant instant) {
  return topology::duration_text(std::chrono::round<std::chrono::milliseconds>(instant.time_since_epoch()));
}

std::string endpoint_text(Ipv4Address address, Be16 port) {
  return absl::StrCat(to_string(address), ":", port.host());
}

}  // namespace

absl::StatusOr<std::string> Judge::found_instead(const sim::Expectation& expectation) {
  return std::visit([&](const auto& expected) { return found(expectation, expected); }, expectation.what);
}

Judge::Answer Judge::found(const sim::Expectation&, const sim::ExpectEvent& expected) {
  std::string first;
  for (const Event& event : evidence_.events) {
    if (!fits(event, expected.filter)) {
      continue;
    }
    if (!expected.at || near(event.time, *expected.at)) {
      return std::string();
    }
    first = first.empty() ? time_text(event.time) : first;
  }
  return first.empty() ? "no such event" : absl::StrCat("it happened at ", first);
}

Judge::Answer Judge::found(const sim::Expectation&, const sim::ExpectCount& expected) {
  const auto& events = evidence_.events;
  const auto count = static_cast<uint64_t>(
      std::count_if(events.begin(), events.end(), [&](const Event& event) { return fits(event, expected.filter); }));
  return count >= expected.least && count <= expected.most ? "" : absl::StrCat(count, count == 1 ? " time" : " times");
}

Judge::Answer Judge::found(const sim::Expectation& expectation, const sim::ExpectProgram& expected) {
  const Talk& talk = evidence_.stage.talks().at(expected.flow);
  const End& end = expected.party == Party::kClient ? talk.client : talk.server;
  if (!end.began) {
    return "the server never had the connection";
  }
  const std::string error = end.error.empty() ? "none" : end.error;
  std::string instead;
  const auto add = [&instead](const auto&... parts) {
    absl::StrAppend(&instead, instead.empty() ? "" : ", ", parts...);
  };
  if (expected.error && *expected.error != error) {
    add("error ", error);
  } else if (expected.error && expectation.at && error != "none" && !near(end.error_at, *expectation.at)) {
    add("error ", error, " at ", time_text(end.error_at));
  }
  if (expected.received && *expected.received != end.received) {
    add("received ", end.received);
  }
  if (expected.waiting && *expected.waiting != talk.waiting()) {
    add("waiting ", talk.waiting() ? "true" : "false");
  }
  return instead;
}

Judge::Answer Judge::found(const sim::Expectation&, const sim::ExpectSocket& expected) {
  const Talk& talk = evidence_.stage.talks().at(expected.flow);
  const auto states = evidence_.hosts.ask(expected.host, {{"do", "states"}});
  if (!states.ok()) {
    return states.status();
  }
  const bool at_client = talk.client.host == expected.host;
  const std::string server_side = talk.peer.empty() ? "" : absl::StrCat(talk.peer, ":", talk.peer_port);
  std::string state = "none";
  for (const json& socket : states->at("sockets")) {
    const bool is_it =
        at_client ? talk.tuple && socket.at("local") == endpoint_text(talk.tuple->source, talk.tuple->source_port)
                  : socket.at("remote") == server_side;
    state = is_it ? socket.at("state").get<std::string>() : state;
  }
  return state == expected.state ? "" : absl::StrCat("state ", state);
}

Judge::Answer Judge::found(const sim::Expectation&, const sim::ExpectFlow& expected) {
  const auto tuples = known(evidence_.stage.talks().at(expected.flow));
  std::string state = "none";
  for (const FlowView& view : evidence_.instance.flows()) {
    if (box_name(view.box) == expected.box && tuples.contains(to_string(view.flow.original))) {
      const bool is_tcp = view.flow.original.protocol == static_cast<uint8_t>(Protocol::kTcp);
      state = is_tcp ? std::string(name(view.flow.control.tcp_state)) : "open";
    }
  }
  return state == expected.state ? "" : absl::StrCat("state ", state);
}

Judge::Answer Judge::found(const sim::Expectation&, const sim::ExpectFlows& expected) {
  const auto flows = evidence_.instance.flows();
  const auto count = static_cast<uint64_t>(std::count_if(
      flows.begin(), flows.end(), [&](const FlowView& view) { return box_name(view.box) == expected.box; }));
  return count == expected.count ? "" : absl::StrCat("flows ", count);
}

Judge::Answer Judge::found(const sim::Expectation&, const sim::ExpectMetric& expected) {
  uint64_t value = 0;
  for (const BoxStatus& box : evidence_.instance.status().boxes) {
    if (box_name(box.box) == expected.box) {
      value = box.metrics.at(expected.metric);
    }
  }
  return value >= expected.least && value <= expected.most ? "" : absl::StrCat(expected.metric, " ", value);
}

// Only proxies have one, and no story with a proxy is played live.
Judge::Answer Judge::found(const sim::Expectation&, const sim::ExpectLog&) {
  return absl::UnimplementedError("there is no proxy whose log could be read");
}

// ---- names ----

bool Judge::near(Instant left, Instant right) const {
  return left >= right - evidence_.tolerance && left <= right + evidence_.tolerance;
}

bool Judge::fits(const Event& event, const sim::EventFilter& filter) const {
  if (event.kind != filter.kind || (!filter.box.empty() && box_name(event.box) != filter.box) ||
      (filter.told && event.told != *filter.told)) {
    return false;
  }
  if (filter.flow.empty() && !filter.to) {
    return true;
  }
  for (const auto& [flow, talk] : evidence_.stage.talks()) {
    if ((filter.flow.empty() || filter.flow == flow) && known(talk).contains(to_string(event.tuple)) &&
        (!filter.to || is_from_client(event, talk) == (*filter.to == Party::kClient))) {
      return true;
    }
  }
  return false;
}

bool Judge::is_from_client(const Event& event, const Talk& talk) const {
  // A reset's tuple is its own: it travels towards whom it answers.
  const Be16 spoken_to = event.kind == EventKind::kRstSent ? event.tuple.source_port : event.tuple.destination_port;
  return talk.tuple && spoken_to == talk.tuple->destination_port;
}

std::set<std::string> Judge::known(const Talk& talk) const {
  std::set<std::string> tuples;
  const auto add = [&tuples](const FiveTuple& tuple) {
    tuples.insert(to_string(tuple));
    tuples.insert(to_string(tuple.reversed()));
  };
  for (const FiveTuple& tuple : talk.tuples) {
    add(tuple);
  }
  for (const Event& event : evidence_.events) {
    if (event.kind == EventKind::kFlowNew &&
        (tuples.contains(to_string(event.tuple)) || tuples.contains(to_string(event.reply)))) {
      add(event.tuple);
      add(event.reply);
    }
  }
  return tuples;
}

std::string Judge::box_name(BoxId box) const {
  return box == kNoBox ? "" : evidence_.instance.directory().boxes[index(box)].name;
}

}  // namespace lapse::live
