// What has to come of it.
#include <algorithm>
#include <array>
#include <cstring>

#include "control/metrics/metrics.h"
#include "control/topology/directory.h"
#include "control/topology/text.h"
#include "control/topology/values.h"
#include "dataplane/flow/tcp_state.h"
#include "sim/scenario/loader.h"
#include "sim/scenario/schema.h"
#include "sim/tcp_socket.h"

namespace lapse::sim {
namespace {

using topology::concat;
using topology::Entry;
using topology::Node;
using topology::shown;

constexpr std::string_view kEnd = "end";
constexpr int kMostErrors = 134;  // Linux' last errno

std::string one_line(const Node& node) {
  if (node.kind == Node::Kind::kText) {
    return node.text;
  }
  std::string text;
  for (const Entry& entry : node.entries) {
    text +=
        concat(text.empty() ? "" : ", ", entry.key, ": ",
               entry.value.kind == Node::Kind::kMap ? concat("{", one_line(entry.value), "}") : one_line(entry.value));
  }
  return text;
}

// As ss prints them.
std::vector<std::string_view> socket_states() {
  std::vector<std::string_view> names{"none"};
  for (auto state = TcpSocketState::kSynSent; state < TcpSocketState::kClosed;
       state = static_cast<TcpSocketState>(static_cast<uint8_t>(state) + 1)) {
    names.push_back(name(state));
  }
  return names;
}

// Of a TCP connection in a box; "open" is all that can be said of others.
std::vector<std::string_view> flow_states() {
  std::vector<std::string_view> names{"none", "open"};
  for (size_t state = 0; state < kTcpStateCount; ++state) {
    names.push_back(name(static_cast<TcpState>(state)));
  }
  return names;
}

std::vector<std::string_view> error_names() {
  std::vector<std::string_view> names{"none", "TIMEOUT", "EOF"};
  for (int error = 1; error < kMostErrors; ++error) {
    if (const char* const name = strerrorname_np(error)) {
      names.emplace_back(name);
    }
  }
  return names;
}

}  // namespace

void Loader::load_expectation(const Node& node, const std::string& path) {
  ObjectReader reader(node, kExpectationObject, path, node.place, report_);
  Expectation expectation{.at = {}, .place = node.place, .text = one_line(node), .what = ExpectEvent{}};
  if (const auto at = reader.text("at"); at && at->value != kEnd) {
    const auto when = topology::parse_duration(at->value);
    if (!when.ok()) {
      reader.error(at->place, "at",
                   concat(std::string(when.status().message()), "; accepted is a duration like 350s, or end"));
    } else if (scenario_.end != Instant{} && Instant(*when) > scenario_.end) {
      reader.error(at->place, "at",
                   concat("after the story's end (", at->value, "); accepted is up to ",
                          topology::duration_text(scenario_.end.time_since_epoch()), ", or end"));
    } else {
      expectation.at = Instant(*when);
    }
  }
  load_what(reader, node, expectation);
  refuse_the_rest(reader, kExpectationObject);
  scenario_.expectations.push_back(std::move(expectation));
}

void Loader::load_what(ObjectReader& reader, const Node& node, Expectation& expectation) {
  const auto has = [&reader](std::string_view key) { return reader.is_map() && reader.has(key); };
  if (has("never") || has("count")) {
    const bool never = has("never");
    const std::string_view key = never ? "never" : "count";
    if (const Entry* const entry = reader.entry(key)) {
      expectation.what = load_count(*entry, reader.path_of(key), never);
    }
  } else if (has("event")) {
    expectation.what = ExpectEvent{load_filter(reader), expectation.at};
    expectation.happens_at = true;
  } else if (has("log")) {
    expectation.what = load_log(reader);
    expectation.happens_at = true;
  } else if (has("metric")) {
    expectation.what = load_metric(reader);
  } else if (has("host")) {
    ExpectSocket socket{.host = host(reader), .flow = flow(reader), .state = state(reader, socket_states())};
    expectation.what = socket;
  } else if (has("box") && has("flows")) {
    expectation.what = ExpectFlows{.box = box(reader), .count = value_or(reader.count("flows"), uint64_t{0})};
  } else if (has("box")) {
    ExpectFlow of_box{.box = box(reader), .flow = flow(reader), .state = state(reader, flow_states())};
    expectation.what = of_box;
  } else if (has("end") && has("flow")) {
    expectation.what = load_program(reader, expectation);
  } else {
    report_.error(node.place, reader.path(),
                  "nothing is expected here; accepted is one of event, never, count, metric, log, host and state, "
                  "box and state, box and flows, flow and end");
  }
}

ExpectProgram Loader::load_program(ObjectReader& reader, Expectation& expectation) {
  ExpectProgram program{.flow = flow(reader), .party = party(reader, "end").value_or(Party::kClient)};
  const auto what = flows_.find(program.flow);
  if (reader.has("received")) {
    program.received = value_or(reader.count("received"), uint64_t{0});
  }
  if (what != flows_.end() && what->second == Named::kDatagrams) {
    if (!reader.has("received")) {
      missing(reader, "received", "a number of bytes: of datagrams there is nothing else to know");
    }
    return program;
  }
  if (reader.has("error")) {
    program.error = error_name(reader);
    expectation.happens_at = expectation.at.has_value() && program.error != "none";
  }
  if (program.party == Party::kClient) {
    if (const auto waiting = reader.choice("waiting")) {
      program.waiting = waiting->value == "true";
    }
    for (const auto& [key, field] :
         {std::pair{"status", &program.status}, std::pair{"connections", &program.connections}}) {
      if (const auto said = reader.count(key)) {
        *field = said->value;
      }
    }
  }
  if (!program.error && !program.received && !program.waiting && !program.status && !program.connections) {
    report_.error(
        reader.declared(), reader.path(),
        "nothing is said of this end; accepted is error or received, and of a client waiting, status, connections");
  }
  return program;
}

ExpectMetric Loader::load_metric(ObjectReader& reader) {
  ExpectMetric expected{.box = box(reader), .metric = ""};
  const auto boxes = topology::make_directory(scenario_.topology).boxes;
  const auto found =
      std::find_if(boxes.begin(), boxes.end(), [&expected](const auto& one) { return one.name == expected.box; });
  const auto metric = reader.text("metric");
  if (metric && found != boxes.end() && metrics::find(found->kind, metric->value) == nullptr) {
    const auto known = metrics::names_of(found->kind);
    reader.error(metric->place, "metric",
                 concat("not counted here (", shown(metric->value), ")", topology::suggestion(metric->value, known),
                        "accepted is one of ", topology::listed(known)));
  }
  expected.metric = value_or(metric, std::string());
  load_range(reader, expected.least, expected.most);
  if (!reader.has("equals") && !reader.has("at_least") && !reader.has("at_most")) {
    missing(reader, "equals", "equals, at_least or at_most, with a number");
  }
  return expected;
}

ExpectLog Loader::load_log(ObjectReader& reader) {
  static constexpr std::array kFit{Named::kProxy};
  ExpectLog log{.proxy = flow(reader, "log", kFit)};
  if (const auto status = reader.count("status")) {
    log.status = status->value;
  }
  if (const auto took = reader.duration("took")) {
    log.took = took->value;
  }
  load_range(reader, log.least, log.most);
  return log;
}

void Loader::load_range(ObjectReader& reader, uint64_t& least, uint64_t& most) {
  if (const auto exactly = reader.count("equals")) {
    least = most = exactly->value;
  }
  least = value_or(reader.count("at_least"), reader.has("at_most") && !reader.has("equals") ? uint64_t{0} : least);
  const auto at_most = reader.count("at_most");
  most = value_or(at_most, most);
  if (least > most) {
    report_.error(reader.declared(), reader.path(), "no number is both: at least so many and at most so many");
  }
}

EventFilter Loader::load_filter(ObjectReader& reader) {
  EventFilter filter;
  if (const auto event = reader.choice("event")) {
    const auto kind = std::find_if(kEventKindTexts.begin(), kEventKindTexts.end(),
                                   [&](const EventKindText& text) { return text.name == event->value; });
    filter.kind = static_cast<EventKind>(kind - kEventKindTexts.begin());
  }
  filter.box = reader.has("box") ? box(reader) : "";
  filter.flow = reader.has("flow") ? flow(reader) : "";
  if (const auto told = reader.choice("told")) {
    filter.told = told->value == "nobody" ? Told::kNobody : told->value == "sender" ? Told::kSender : Told::kBothEnds;
  }
  filter.to = party(reader, "to");
  return filter;
}

ExpectCount Loader::load_count(const Entry& entry, const std::string& path, bool never) {
  ObjectReader reader(entry.value, kEventObject, path, entry.place, report_);
  ExpectCount count{};
  if (!reader.is_map()) {
    refuse_the_rest(reader, kEventObject);
    return count;
  }
  if (!reader.has("event")) {
    missing(reader, "event", "the name of an event");
  }
  count.filter = load_filter(reader);
  if (never) {
    count.most = 0;
  } else {
    load_range(reader, count.least, count.most);
    if (count.least == 0 && count.most == UINT64_MAX) {
      missing(reader, "equals", "equals, at_least or at_most, with a number");
    }
  }
  refuse_the_rest(reader, kEventObject);
  return count;
}

std::string Loader::error_name(ObjectReader& reader) {
  const auto said = reader.text("error");
  const auto known = error_names();
  if (said && std::find(known.begin(), known.end(), said->value) == known.end()) {
    reader.error(said->place, "error",
                 concat("no error (", shown(said->value), ")", topology::suggestion(said->value, known),
                        "accepted is an errno like ECONNRESET, TIMEOUT for the program's own patience, EOF, or none"));
  }
  return value_or(said, std::string());
}

std::string Loader::state(ObjectReader& reader, std::span<const std::string_view> known) {
  const auto said = reader.text("state");
  if (!said) {
    missing(reader, "state", concat("one of ", topology::listed(known)));
  } else if (std::find(known.begin(), known.end(), said->value) == known.end()) {
    reader.error(said->place, "state",
                 concat("unknown state (", shown(said->value), ")", topology::suggestion(said->value, known),
                        "accepted is one of ", topology::listed(known)));
  }
  return value_or(said, std::string());
}

}  // namespace lapse::sim
