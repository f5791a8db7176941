// What happens, and when.
#include <algorithm>
#include <array>

#include "control/topology/text.h"
#include "control/topology/values.h"
#include "sim/scenario/loader.h"
#include "sim/scenario/schema.h"
#include "sim/world.h"

namespace lapse::sim {
namespace {

using topology::concat;
using topology::Entry;
using topology::shown;

constexpr Duration kLongestOption = std::chrono::seconds(32767);  // MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL
constexpr uint64_t kLargestDatagram = 1400;

}  // namespace

void Loader::load_step(const Node& node, const std::string& path) {
  ObjectReader reader(node, kStepObject, path, node.place, report_);
  Step step{.at = {}, .place = node.place, .action = Stop{}};
  if (const auto at = reader.duration("at")) {
    step.at = Instant(at->value);
    if (scenario_.end != Instant{}) {
      reader.error(at->place, "at",
                   concat("behind the step that stops the story at ",
                          topology::duration_text(scenario_.end.time_since_epoch()), "; accepted is a step before it"));
    } else if (!scenario_.steps.empty() && step.at < scenario_.steps.back().at) {
      reader.error(at->place, "at",
                   concat("earlier than the step before it (", topology::duration_text(at->value),
                          "); steps stand in the order of time, so accepted is ",
                          topology::duration_text(scenario_.steps.back().at.time_since_epoch()), " or later"));
    }
  }
  if (const auto action = action_of(reader, node)) {
    load_action(reader, *action, std::move(step));
    refuse_the_rest(reader, kStepObject);
  }
}

std::optional<std::string_view> Loader::action_of(ObjectReader& reader, const Node& node) {
  const std::vector<std::string_view> found = reader.alternatives();
  if (found.size() == 1) {
    return found.front();
  }
  report_.error(node.place, reader.path(),
                concat(found.empty() ? "the step does nothing"
                                     : concat("the step does several things (", topology::listed(found), ")"),
                       "; accepted is one of ", topology::listed(kStepObject.alternatives.keys)));
  for (const std::string_view key : kStepObject.key_names()) {
    reader.set_aside(key);
  }
  return std::nullopt;
}

void Loader::load_action(ObjectReader& reader, std::string_view action, Step step) {
  if (action == "connect") {
    step.action = load_connect(reader);
  } else if (action == "pool") {
    step.action = load_pool(reader);
  } else if (action == "proxy") {
    step.action = load_proxy(reader);
  } else if (action == "datagram") {
    step.action = load_datagram(reader);
  } else if (action == "request") {
    step.action = load_request(reader);
  } else if (action == "send") {
    step.action = load_send(reader);
  } else if (action == "close") {
    step.action = load_close(reader);
  } else if (action == "vanish") {
    reader.choice("vanish");
    step.action = Vanish{host(reader)};
  } else if (action == "readdress") {
    step.action = load_readdress(reader);
  } else {
    reader.choice("stop");
    scenario_.end = step.at;
  }
  scenario_.steps.push_back(std::move(step));
}

// ---- who speaks ----

Connect Loader::load_connection(ObjectReader& reader, std::string_view target, Named what) {
  Connect connect;
  connect.host = host(reader);
  load_target(reader, target, connect.to, connect.port);
  connect.flow = new_flow(reader, what);
  const std::string server = host_at(connect.to);
  load_keepalive(reader, "keepalive", connect.host, connect.client);
  load_keepalive(reader, "server_keepalive", server, connect.server);
  connect.client.user_timeout = value_or(reader.duration("user_timeout"), Duration{});
  connect.server.idle_timeout = value_or(reader.duration("server_idle_timeout"), Duration{});
  return connect;
}

Connect Loader::load_connect(ObjectReader& reader) {
  Connect connect = load_connection(reader, "connect", Named::kConnection);
  connect.client.idle_timeout = value_or(reader.duration("idle_timeout"), Duration{});
  const auto on_reset = reader.choice("on_reset");
  connect.reconnects = on_reset && on_reset->value == "reconnect";
  return connect;
}

PoolSettings Loader::load_pool_settings(ObjectReader& reader) {
  const auto on_stale = reader.choice("on_stale");
  return {.discard_after = value_or(reader.duration("discard_after"), Duration{}),
          .on_stale = on_stale && on_stale->value == "retry_once" ? OnStale::kRetryOnce : OnStale::kFail};
}

OpenPool Loader::load_pool(ObjectReader& reader) {
  return {.connect = load_connection(reader, "pool", Named::kPool), .pool = load_pool_settings(reader)};
}

OpenProxy Loader::load_proxy(ObjectReader& reader) {
  OpenProxy proxy;
  if (!reader.has("upstream")) {
    missing(reader, "upstream", "NAME:PORT like \"api:8080\"");
  }
  proxy.upstream = load_connection(reader, "upstream", Named::kProxy);
  proxy.pool = load_pool_settings(reader);
  proxy.port = be16(static_cast<uint16_t>(value_or(reader.count("proxy"), uint64_t{0})));
  proxy.timeout = value_or(reader.duration("timeout"), Duration{});
  proxy.idle_timeout = value_or(reader.duration("idle_timeout"), Duration{});
  const auto gone = reader.choice("on_client_gone");
  proxy.abandons = !gone || gone->value == "abandon";
  return proxy;
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

void Loader::load_keepalive(ObjectReader& reader, std::string_view key, const std::string& host,
                            ProgramSettings& settings) {
  const Entry* const entry = reader.entry(key);
  if (entry == nullptr) {
    return;
  }
  ObjectReader parts(entry->value, kKeepaliveObject, reader.path_of(key), entry->place, report_);
  const topology::Host* const found = scenario_.topology.find_host(host);
  const auto system = parts.choice("system");
  Keepalive keepalive = system && system->value == "windows" ? kWindowsKeepalive
                        : found == nullptr                   ? Keepalive{}
                                                             : tcp_settings(found->sysctls).keepalive;
  for (const auto& [name, field] : {std::pair{"time", &keepalive.time}, std::pair{"interval", &keepalive.interval}}) {
    const auto said = parts.duration(name);
    if (!said) {
      continue;
    }
    if (said->value < std::chrono::seconds(1) || said->value > kLongestOption ||
        said->value % std::chrono::seconds(1) != Duration{}) {
      parts.error(said->place, name,
                  concat("no value of the socket option (", topology::duration_text(said->value),
                         "); accepted is 1s to 32767s, in whole seconds"));
    }
    *field = said->value;
    settings.own_keepalive_time |= field == &keepalive.time;
  }
  keepalive.probes = static_cast<uint32_t>(value_or(parts.count("probes"), uint64_t{keepalive.probes}));
  const auto on = parts.choice("on");
  keepalive.on = !on || on->value == "on";
  settings.keepalive = keepalive;
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
    reader.error(target->place, key,
                 concat("leads nowhere (", shown(target->value),
                        "); accepted is NAME:PORT with the name or address of a host, and a port from 1 to 65535"));
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

// ---- what they say ----

Request Loader::load_request(ObjectReader& reader) {
  static constexpr std::array kFit{Named::kConnection, Named::kPool};
  Request request;
  request.flow = flow(reader, "flow", kFit);
  request.size = value_or(reader.count("request"), uint64_t{0});
  request.response = value_or(reader.count("response"), uint64_t{0});
  request.after = value_or(reader.duration("after"), Duration{});
  if (const auto timeout = reader.duration("timeout")) {
    request.timeout = timeout->value;
    if (request.response == 0) {
      reader.error(timeout->place, "timeout",
                   "there is no answer to wait for; accepted beside it is a response of 1 or more");
    }
  }
  return request;
}

Send Loader::load_send(ObjectReader& reader) {
  static constexpr std::array kFit{Named::kConnection, Named::kDatagrams};
  Send send{.flow = flow(reader, "flow", kFit), .party = party(reader, "end").value_or(Party::kClient)};
  const auto what = flows_.find(send.flow);
  const bool datagrams = what != flows_.end() && what->second == Named::kDatagrams;
  send.size = datagrams ? datagram_size(reader, "send", 0) : value_or(reader.count("send"), uint64_t{0});
  return send;
}

Close Loader::load_close(ObjectReader& reader) {
  static constexpr std::array kFit{Named::kConnection};
  const auto how = reader.choice("close");
  return {.flow = flow(reader, "flow", kFit),
          .party = party(reader, "end").value_or(Party::kClient),
          .how = how && how->value == "half"  ? CloseHow::kHalf
                 : how && how->value == "rst" ? CloseHow::kRst
                                              : CloseHow::kFin};
}

uint64_t Loader::datagram_size(ObjectReader& reader, std::string_view key, uint64_t otherwise) {
  const auto said = reader.count(key);
  if (said && said->value > kLargestDatagram) {
    reader.error(said->place, key,
                 concat("no datagram carries so much (", std::to_string(said->value), "); accepted is up to ",
                        std::to_string(kLargestDatagram)));
  }
  return value_or(said, otherwise);
}

Datagram Loader::load_datagram(ObjectReader& reader) {
  Datagram datagram;
  datagram.host = host(reader);
  load_target(reader, "datagram", datagram.to, datagram.port);
  datagram.flow = new_flow(reader, Named::kDatagrams);
  datagram.size = datagram_size(reader, "size", 32);
  datagram.response = datagram_size(reader, "response", 0);
  datagram.after = value_or(reader.duration("after"), Duration{});
  return datagram;
}

Readdress Loader::load_readdress(ObjectReader& reader) {
  Readdress readdress{.host = host(reader), .address = {}};
  const auto address = reader.address("readdress");
  const topology::Host* const moved = scenario_.topology.find_host(readdress.host);
  if (!address || moved == nullptr || moved->interfaces.empty()) {
    return readdress;
  }
  readdress.address = address->value;
  const std::string owner = host_at(address->value);
  const topology::Link* const link = scenario_.topology.find_link(moved->interfaces.begin()->second.link);
  if (!owner.empty()) {
    reader.error(
        address->place, "readdress",
        concat("that is the address of ", owner, " (", to_string(address->value), "); accepted is a free one"));
  } else if (link != nullptr && !link->subnet.contains(address->value)) {
    reader.error(address->place, "readdress",
                 concat("not in the subnet of its link (", to_string(address->value), "); accepted is an address of ",
                        to_string(link->subnet)));
  }
  return readdress;
}

}  // namespace lapse::sim
