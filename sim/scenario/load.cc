// From the YAML tree to a Scenario: the tables say which keys, this file what they mean together.
#include "sim/scenario/load.h"

#include <algorithm>
#include <array>
#include <set>

#include "control/topology/reader.h"
#include "control/topology/text.h"
#include "sim/scenario/schema.h"
#include "sim/world.h"

namespace lapse::sim {
namespace {

using topology::concat;
using topology::Entry;
using topology::Node;
using topology::ObjectReader;
using topology::Report;
using topology::Said;
using topology::shown;

constexpr std::string_view kEnd = "end";
// What says what a step does; exactly one of them stands in it.
constexpr std::array<std::string_view, 8> kActions{"connect", "datagram", "request",   "send",
                                                   "close",   "vanish",   "readdress", "stop"};

// A key that nobody asked for does not go with the others.
void refuse_the_rest(ObjectReader& reader, const topology::Object& object) {
  for (const std::string_view key : object.key_names()) {
    if (reader.was_asked(key)) {
      continue;
    }
    if (reader.is_map() && reader.has(key)) {
      reader.error(reader.place_of(key), key, "has no meaning beside the others");
    }
    reader.set_aside(key);
  }
}

class Loader {
 public:
  Loader(Scenario& scenario, Report& report) : scenario_(scenario), report_(report) {}

  void load(const Node& root);

 private:
  void load_defaults(ObjectReader& reader);
  void load_live(ObjectReader& reader);
  void load_step(const Node& node, const std::string& path);
  std::optional<std::string_view> action_of(ObjectReader& reader, const Node& node);
  void load_action(ObjectReader& reader, std::string_view action, Step step);
  Connect load_connect(ObjectReader& reader);
  Request load_request(ObjectReader& reader);
  Datagram load_datagram(ObjectReader& reader);
  void load_program(ObjectReader& reader, const std::string& host, std::string_view prefix, ProgramSettings& settings);
  void load_target(ObjectReader& reader, std::string_view key, Ipv4Address& address, Be16& port);
  std::optional<Keepalive> load_keepalive(ObjectReader& reader, std::string_view key, const Keepalive& defaults);
  Keepalive keepalive_of(const std::string& host) const;
  std::string host_at(Ipv4Address address) const;
  std::string state(ObjectReader& reader);

  void load_expectation(const Node& node, const std::string& path);
  void load_what(ObjectReader& reader, const Node& node, Expectation& expectation);
  EventFilter load_filter(ObjectReader& reader);
  ExpectCount load_count(const Entry& entry, const std::string& path, bool never);
  void load_change(const Node& node, const std::string& path);

  std::string host(ObjectReader& reader);
  std::string box(ObjectReader& reader);
  std::string flow(ObjectReader& reader);
  std::string new_flow(ObjectReader& reader);
  std::optional<Party> party(ObjectReader& reader, std::string_view key);
  std::optional<Ipv4Address> resolve(std::string_view name) const;

  Scenario& scenario_;
  Report& report_;
  std::set<std::string, std::less<>> flows_;
};

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

template <typename Value>
Value value_or(const std::optional<Said<Value>>& said, Value fallback) {
  return said ? said->value : fallback;
}

void Loader::load(const Node& root) {
  ObjectReader reader(root, kScenarioObject, "", {scenario_.file}, report_);
  if (const auto name = reader.text("scenario")) {
    scenario_.name = name->value;
  }
  scenario_.title = value_or(reader.text("title"), std::string());
  reader.set_aside("topology");
  load_defaults(reader);
  load_live(reader);
  const auto each = [&](std::string_view key, auto load_one) {
    const Entry* const list = reader.entry(key);
    for (size_t number = 0; list != nullptr && number < list->value.items.size(); ++number) {
      load_one(list->value.items[number], concat(key, ".", std::to_string(number)));
    }
  };
  each("steps", [this](const Node& node, const std::string& path) { load_step(node, path); });
  each("expect", [this](const Node& node, const std::string& path) { load_expectation(node, path); });
  each("must_fail_with", [this](const Node& node, const std::string& path) { load_change(node, path); });
  if (scenario_.end == Instant{} && !report_.has_errors()) {
    report_.error({scenario_.file}, "steps", "the story never ends; accepted is a last step {at: 3700s, stop: true}");
  }
}

void Loader::load_defaults(ObjectReader& reader) {
  if (const auto step = reader.choice("timer_step")) {
    scenario_.defaults.timer_step = step->value == "hz250"    ? TimerStep::kHz250
                                    : step->value == "hz1000" ? TimerStep::kHz1000
                                                              : TimerStep::kExact;
  }
}

void Loader::load_live(ObjectReader& reader) {
  const Entry* const entry = reader.entry("live");
  if (entry == nullptr) {
    return;
  }
  ObjectReader parts(entry->value, kLiveObject, reader.path_of("live"), entry->place, report_);
  const auto clock = parts.choice("clock");
  scenario_.live.jumps = !clock || clock->value == "jump";
  scenario_.live.scale = static_cast<unsigned>(value_or(parts.count("scale"), uint64_t{1}));
  scenario_.live.why_not = value_or(parts.text("no"), std::string());
}

// ---- steps ----

void Loader::load_step(const Node& node, const std::string& path) {
  ObjectReader reader(node, kStepObject, path, node.place, report_);
  Step step{.at = {}, .place = node.place, .action = Stop{}};
  if (const auto at = reader.duration("at")) {
    step.at = Instant(at->value);
    if (!scenario_.steps.empty() && step.at < scenario_.steps.back().at) {
      reader.error(at->place, "at", "earlier than the step before it; steps stand in the order of time");
    }
  }
  if (const auto action = action_of(reader, node)) {
    load_action(reader, *action, std::move(step));
    refuse_the_rest(reader, kStepObject);
  }
}

std::optional<std::string_view> Loader::action_of(ObjectReader& reader, const Node& node) {
  std::vector<std::string_view> found;
  for (const std::string_view action : kActions) {
    if (reader.has(action)) {
      found.push_back(action);
    }
  }
  if (found.size() == 1) {
    return found.front();
  }
  report_.error(node.place, reader.path(),
                concat(found.empty() ? "the step does nothing"
                                     : concat("the step does several things (", topology::listed(found), ")"),
                       "; accepted is one of ", topology::listed(kActions)));
  for (const std::string_view key : kStepObject.key_names()) {
    reader.set_aside(key);
  }
  return std::nullopt;
}

void Loader::load_action(ObjectReader& reader, std::string_view action, Step step) {
  if (action == "connect") {
    step.action = load_connect(reader);
  } else if (action == "datagram") {
    step.action = load_datagram(reader);
  } else if (action == "request") {
    step.action = load_request(reader);
  } else if (action == "send") {
    Send send{.flow = flow(reader), .party = party(reader, "end").value_or(Party::kClient)};
    send.size = value_or(reader.count("send"), uint64_t{0});
    step.action = send;
  } else if (action == "close") {
    const auto how = reader.choice("close");
    Close close{.flow = flow(reader), .party = party(reader, "end").value_or(Party::kClient)};
    close.how = how && how->value == "half"  ? CloseHow::kHalf
                : how && how->value == "rst" ? CloseHow::kRst
                                             : CloseHow::kFin;
    step.action = close;
  } else if (action == "vanish") {
    reader.choice("vanish");
    step.action = Vanish{host(reader)};
  } else if (action == "readdress") {
    step.action = Readdress{host(reader), value_or(reader.address("readdress"), Ipv4Address{})};
  } else {
    reader.choice("stop");
    scenario_.end = step.at;
  }
  scenario_.steps.push_back(std::move(step));
}

Connect Loader::load_connect(ObjectReader& reader) {
  Connect connect;
  connect.host = host(reader);
  load_target(reader, "connect", connect.to, connect.port);
  connect.flow = new_flow(reader);
  load_program(reader, connect.host, "", connect.client);
  load_program(reader, host_at(connect.to), "server_", connect.server);
  if (const auto timeout = reader.duration("user_timeout")) {
    connect.client.user_timeout = timeout->value;
  }
  const auto on_reset = reader.choice("on_reset");
  connect.reconnects = on_reset && on_reset->value == "reconnect";
  return connect;
}

void Loader::load_program(ObjectReader& reader, const std::string& host, std::string_view prefix,
                          ProgramSettings& settings) {
  settings.keepalive = load_keepalive(reader, concat(prefix, "keepalive"), keepalive_of(host));
  settings.idle_timeout = value_or(reader.duration(concat(prefix, "idle_timeout")), Duration{});
}

Keepalive Loader::keepalive_of(const std::string& host) const {
  const topology::Host* const found = scenario_.topology.find_host(host);
  return found == nullptr ? Keepalive{} : tcp_settings(found->sysctls).keepalive;
}

std::string Loader::host_at(Ipv4Address address) const {
  for (const topology::Host& host : scenario_.topology.hosts) {
    for (const auto& [name, attachment] : host.interfaces) {
      if (std::find(attachment.addresses.begin(), attachment.addresses.end(), address) != attachment.addresses.end()) {
        return host.name;
      }
    }
  }
  return "";
}

std::optional<Keepalive> Loader::load_keepalive(ObjectReader& reader, std::string_view key, const Keepalive& defaults) {
  const Entry* const entry = reader.entry(key);
  if (entry == nullptr) {
    return std::nullopt;
  }
  Keepalive keepalive = defaults;
  ObjectReader parts(entry->value, kKeepaliveObject, reader.path_of(key), entry->place, report_);
  for (const auto& [name, field] : {std::pair{"time", &keepalive.time}, std::pair{"interval", &keepalive.interval}}) {
    const auto said = parts.duration(name);
    if (said && (said->value < std::chrono::seconds(1) || said->value % std::chrono::seconds(1) != Duration{})) {
      parts.error(said->place, name, "the socket option takes whole seconds from 1");
    } else if (said) {
      *field = said->value;
    }
  }
  keepalive.probes = static_cast<uint32_t>(value_or(parts.count("probes"), uint64_t{keepalive.probes}));
  const auto on = parts.choice("on");
  keepalive.on = !on || on->value == "on";
  return keepalive;
}

void Loader::load_target(ObjectReader& reader, std::string_view key, Ipv4Address& address, Be16& port) {
  const auto target = reader.text(key);
  if (!target) {
    return;
  }
  const size_t colon = target->value.rfind(':');
  const absl::StatusOr<uint64_t> number =
      topology::parse_count(colon == std::string::npos ? "" : std::string_view(target->value).substr(colon + 1));
  const auto found = resolve(std::string_view(target->value).substr(0, colon));
  if (!number.ok() || *number < 1 || *number > 65535 || !found) {
    reader.error(
        target->place, key,
        concat("leads nowhere (", shown(target->value), "); accepted is NAME:PORT with the name or address of a host"));
    return;
  }
  address = *found;
  port = be16(static_cast<uint16_t>(*number));
}

std::optional<Ipv4Address> Loader::resolve(std::string_view name) const {
  for (const topology::Host& host : scenario_.topology.hosts) {
    const bool called = host.name == name || std::find(host.names.begin(), host.names.end(), name) != host.names.end();
    if (called && !host.interfaces.empty()) {
      return host.interfaces.begin()->second.addresses.front();
    }
  }
  return parse_ipv4(name);
}

Request Loader::load_request(ObjectReader& reader) {
  Request request;
  request.flow = flow(reader);
  request.size = value_or(reader.count("request"), uint64_t{0});
  request.response = value_or(reader.count("response"), uint64_t{0});
  request.after = value_or(reader.duration("after"), Duration{});
  request.timeout = value_or(reader.duration("timeout"), Duration{});
  return request;
}

Datagram Loader::load_datagram(ObjectReader& reader) {
  Datagram datagram;
  datagram.host = host(reader);
  load_target(reader, "datagram", datagram.to, datagram.port);
  datagram.flow = new_flow(reader);
  datagram.size = value_or(reader.count("size"), uint64_t{32});
  datagram.response = value_or(reader.count("response"), uint64_t{0});
  datagram.after = value_or(reader.duration("after"), Duration{});
  return datagram;
}

// ---- expectations ----

void Loader::load_expectation(const Node& node, const std::string& path) {
  ObjectReader reader(node, kExpectationObject, path, node.place, report_);
  Expectation expectation{.at = {}, .place = node.place, .text = one_line(node), .what = ExpectEvent{}};
  if (const auto at = reader.text("at"); at && at->value != kEnd) {
    const auto when = topology::parse_duration(at->value);
    if (when.ok()) {
      expectation.at = Instant(*when);
    } else {
      reader.error(at->place, "at",
                   concat(std::string(when.status().message()), "; accepted is a duration like 350s, or end"));
    }
  }
  load_what(reader, node, expectation);
  refuse_the_rest(reader, kExpectationObject);
  scenario_.expectations.push_back(std::move(expectation));
}

void Loader::load_what(ObjectReader& reader, const Node& node, Expectation& expectation) {
  if (reader.has("never") || reader.has("count")) {
    const bool never = reader.has("never");
    const std::string_view key = never ? "never" : "count";
    if (const Entry* const entry = reader.entry(key)) {
      expectation.what = load_count(*entry, reader.path_of(key), never);
    }
  } else if (reader.has("event")) {
    expectation.what = ExpectEvent{load_filter(reader), expectation.at};
  } else if (reader.has("host")) {
    ExpectSocket socket{.host = host(reader), .flow = flow(reader), .state = state(reader)};
    expectation.what = socket;
  } else if (reader.has("box")) {
    ExpectFlow of_box{.box = box(reader), .flow = flow(reader), .state = state(reader)};
    expectation.what = of_box;
  } else if (reader.has("end") && reader.has("flow")) {
    ExpectProgram program{.flow = flow(reader), .party = party(reader, "end").value_or(Party::kClient)};
    if (const auto error = reader.text("error")) {
      program.error = error->value;
      expectation.happens_at = expectation.at.has_value();
    }
    if (const auto received = reader.count("received")) {
      program.received = received->value;
    }
    if (const auto waiting = reader.choice("waiting")) {
      program.waiting = waiting->value == "true";
    }
    expectation.what = program;
  } else {
    report_.error(node.place, reader.path(),
                  "nothing is expected here; accepted is one of event, never, count, host and state, box and state, "
                  "flow and end");
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
  ExpectCount count{load_filter(reader), 0, never ? 0 : UINT64_MAX};
  if (const auto exactly = reader.count("equals")) {
    count.least = count.most = exactly->value;
  }
  count.least = value_or(reader.count("at_least"), count.least);
  count.most = value_or(reader.count("at_most"), count.most);
  refuse_the_rest(reader, kEventObject);
  return count;
}

void Loader::load_change(const Node& node, const std::string& path) {
  ObjectReader reader(node, kChangeObject, path, node.place, report_);
  Change change{.settings = {}, .place = node.place};
  for (const Said<std::string>& setting : reader.texts("set")) {
    change.settings.push_back(setting.value);
  }
  scenario_.must_fail_with.push_back(std::move(change));
}

// ---- names ----

std::string Loader::host(ObjectReader& reader) {
  const auto said = reader.text("host");
  if (said && scenario_.topology.find_host(said->value) == nullptr) {
    reader.error(said->place, "host", concat("no host of the topology (", shown(said->value), ")"));
  }
  return value_or(said, std::string());
}

std::string Loader::state(ObjectReader& reader) {
  const auto said = reader.text("state");
  if (!said) {
    report_.error(reader.declared(), reader.path(), "state is missing; accepted is a state like ESTABLISHED, or none");
  }
  return value_or(said, std::string());
}

std::string Loader::box(ObjectReader& reader) {
  const auto said = reader.text("box");
  if (said && scenario_.topology.find_box(said->value) == nullptr) {
    reader.error(said->place, "box", concat("no box of the topology (", shown(said->value), ")"));
  }
  return value_or(said, std::string());
}

std::string Loader::flow(ObjectReader& reader) {
  const auto said = reader.text("flow");
  if (said && !flows_.contains(said->value)) {
    reader.error(said->place, "flow", concat("no connection is called so (", shown(said->value), ") by a step before"));
  }
  return value_or(said, std::string());
}

std::string Loader::new_flow(ObjectReader& reader) {
  const auto said = reader.text("as");
  if (said && !flows_.insert(said->value).second) {
    reader.error(said->place, "as", concat("a second connection of that name (", shown(said->value), ")"));
  }
  if (!said) {
    report_.error(reader.declared(), reader.path(), "as is missing; accepted is a name like c1");
  }
  return value_or(said, std::string());
}

std::optional<Party> Loader::party(ObjectReader& reader, std::string_view key) {
  const auto said = reader.choice(key);
  if (!said) {
    return std::nullopt;
  }
  return said->value == "server" ? Party::kServer : Party::kClient;
}

}  // namespace

void read_scenario(const Node& root, Scenario& scenario, Report& report) {
  Loader(scenario, report).load(root);
}

}  // namespace lapse::sim
