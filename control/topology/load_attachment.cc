#include <algorithm>
#include <utility>

#include "control/topology/loader.h"
#include "control/topology/text.h"

namespace lapse::topology {
namespace {

void append_addresses(std::vector<Said<Ipv4Address>>& all, std::optional<std::vector<Said<Ipv4Address>>> more) {
  if (more) {
    all.insert(all.end(), more->begin(), more->end());
  }
}

// `address` and `addresses` say the same fact; both may stand there only when they agree.
std::vector<Said<Ipv4Address>> load_addresses(ObjectReader& reader) {
  std::vector<Said<Ipv4Address>> one;
  if (const auto address = reader.address("address")) {
    one.push_back(*address);
  }
  std::vector<Said<Ipv4Address>> list;
  append_addresses(list, reader.addresses("addresses"));
  if (one.empty() || list.empty()) {
    return one.empty() ? list : one;
  }
  if (list.size() != 1 || list.front().value != one.front().value) {
    reader.error(list.front().place, "addresses",
                 concat("said twice with different values (address is ", to_string(one.front().value),
                        "); accepted is one of address and addresses"));
  }
  return list;
}

void load_routes(ObjectReader& reader, DraftAttachment& draft) {
  const Entry* routes = reader.entry("routes");
  if (routes == nullptr) {
    return;
  }
  size_t number = 0;
  for (const Node& item : routes->value.items) {
    const std::string path = reader.path_of(concat("routes.", std::to_string(number++)));
    ObjectReader route(item, kRouteObject, path, item.place, reader.report());
    const auto to = route.prefix("to");
    const auto via = route.address("via");
    if (!to || !via) {
      continue;
    }
    const auto same = std::find_if(draft.attachment.routes.begin(), draft.attachment.routes.end(),
                                   [&](const Route& other) { return other.to == to->value; });
    if (same != draft.attachment.routes.end()) {
      reader.report().error(to->place, concat(path, ".to"),
                            concat("a second route to the same (", to_string(to->value), ")"));
      continue;
    }
    draft.attachment.routes.push_back({to->value, via->value});
    draft.via_places.push_back(via->place);
  }
}

void load_neighbours(ObjectReader& reader, DraftAttachment& draft) {
  const Entry* neighbours = reader.entry("neighbours");
  if (neighbours == nullptr) {
    return;
  }
  for (const Entry& entry : neighbours->value.entries) {
    const std::string path = concat("neighbours.", shown(entry.key));
    const absl::StatusOr<Ipv4Address> address = parse_address(entry.key);
    if (!address.ok()) {
      reader.error(entry.place, path, std::string(address.status().message()));
      continue;
    }
    if (entry.value.kind != Node::Kind::kText) {
      reader.error(entry.value.place, path, concat("a MAC address is needed, found ", describe(entry.value)));
      continue;
    }
    const absl::StatusOr<MacAddress> mac = parse_station_mac(entry.value.text);
    if (!mac.ok()) {
      reader.error(entry.value.place, path,
                   concat(std::string(mac.status().message()), "; accepted is one like \"02:00:00:00:00:02\""));
      continue;
    }
    draft.attachment.neighbours[*address] = *mac;
    draft.neighbour_places[*address] = entry.place;
  }
}

// The route to everywhere is the gateway by another name.
void check_default_route(const ObjectReader& reader, const DraftAttachment& draft) {
  for (size_t number = 0; number < draft.attachment.routes.size(); ++number) {
    const Route& route = draft.attachment.routes[number];
    if (route.to.length == 0 && draft.attachment.gateway && *draft.attachment.gateway != route.via) {
      reader.error(draft.via_places[number], concat("routes.", std::to_string(number), ".via"),
                   concat("said twice with different values (", to_string(route.via), "); gateway is ",
                          to_string(*draft.attachment.gateway)));
    }
  }
}

}  // namespace

std::optional<Attachment> load_attachment(ObjectReader& reader, std::string owner, std::string part, Draft& draft) {
  DraftAttachment result;
  result.owner = std::move(owner);
  result.part = std::move(part);
  result.path = reader.path();
  result.attachment.place = reader.declared();
  const bool says_address = !reader.alternatives().empty();
  if (const auto link = reader.text("link")) {
    result.attachment.link = link->value;
    result.link_place = link->place;
  }
  result.address_key = reader.has("addresses") ? "addresses" : "address";
  const size_t errors_before = reader.report().error_count();
  for (const Said<Ipv4Address>& address : load_addresses(reader)) {
    result.attachment.addresses.push_back(address.value);
    result.address_places.push_back(address.place);
  }
  result.whole = says_address && reader.report().error_count() == errors_before;
  if (const auto gateway = reader.address("gateway")) {
    result.attachment.gateway = gateway->value;
    result.gateway_place = gateway->place;
  }
  load_routes(reader, result);
  load_neighbours(reader, result);
  check_default_route(reader, result);
  if (reader.is_map() && !says_address) {
    reader.report().error(reader.declared(), reader.path(),
                          "address is missing; accepted is address: 10.0.1.10, or addresses: [...]");
  }
  if (result.attachment.link.empty()) {
    draft.complete = false;
    return std::nullopt;
  }
  draft.attachments.push_back(result);
  if (result.attachment.addresses.empty()) {
    return std::nullopt;
  }
  return result.attachment;
}

}  // namespace lapse::topology
