#include "control/explain/run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/topology/nat_gateway_defaults.h"

namespace lapse::explain {
namespace {

constexpr std::string_view kKeepaliveSysctls = "net.ipv4.tcp_keepalive_";

Origin origin_of(const topology::Place& place) {
  if (place.line > 0) {
    return {.by = SetBy::kFile, .place = absl::StrCat(place.file, ":", place.line)};
  }
  return place.file.empty() ? Origin{} : Origin{.by = SetBy::kCommandLine, .place = place.file};
}

BoxFacts facts_of(const topology::Box& box) {
  const topology::NatGatewayBox& gateway = box.nat_gateway;
  BoxFacts facts{.name = box.name, .kind = "nat-gateway"};
  for (const topology::TimeoutDefault& known : topology::kNatGatewayTimeouts) {
    const auto position = static_cast<size_t>(known.timeout_class);
    TimeoutFacts& timeout = facts.timeouts[position];
    timeout = {gateway.timeouts[position], origin_of(gateway.timeout_places[position]), known.least, known.most};
    if (timeout.origin.by == SetBy::kDefault) {
      timeout.origin.reference = std::string(known.row);
      timeout.origin.confidence = std::string(topology::name(known.confidence));
    }
  }
  facts.late = {{"inside", gateway.late_inside, origin_of(gateway.late_inside_place)},
                {"outside", gateway.late_outside, origin_of(gateway.late_outside_place)}};
  return facts;
}

HostFacts facts_of(const topology::Host& host) {
  HostFacts facts{.name = host.name};
  for (const auto& [key, value] : host.sysctls) {
    if (key.starts_with(kKeepaliveSysctls)) {
      const auto place = host.sysctl_places.find(key);
      facts.sysctls[key] = {value, place == host.sysctl_places.end() ? Origin{} : origin_of(place->second)};
    }
  }
  return facts;
}

}  // namespace

const BoxFacts* Run::box(BoxId id) const {
  return index(id) < boxes.size() ? &boxes[index(id)] : nullptr;
}

const HostFacts* Run::host(std::string_view wanted) const {
  const auto found = std::find_if(hosts.begin(), hosts.end(), [&](const auto& host) { return host.name == wanted; });
  return found == hosts.end() ? nullptr : &*found;
}

const ConnectionFacts* Run::connection_of(const story::Conversation& conversation) const {
  FiveTuple wanted = conversation.tuple;
  wanted.scope = 0;
  for (const ConnectionFacts& connection : connections) {
    if (std::find(connection.tuples.begin(), connection.tuples.end(), wanted) != connection.tuples.end()) {
      return &connection;
    }
  }
  return nullptr;
}

void add_topology(const topology::Topology& topology, Run& run) {
  run.directory = topology::make_directory(topology);
  for (const topology::Box& box : topology.boxes) {
    run.boxes.push_back(facts_of(box));
  }
  for (const topology::Host& host : topology.hosts) {
    run.hosts.push_back(facts_of(host));
  }
}

}  // namespace lapse::explain
