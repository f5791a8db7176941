// What the API answers about the addresses of NAT gateways.
#include "absl/strings/str_cat.h"

#include "control/api/answers.h"
#include "control/api/handlers.h"
#include "control/api/request.h"
#include "control/api/to_json.h"

namespace lapse::api {

using nlohmann::json;

absl::StatusOr<json> Handlers::addresses_json(const std::string& box) const {
  const auto list = instance_.addresses(box);
  if (!list.ok()) {
    return list.status();
  }
  const Now now = instance_.now();
  json addresses = json::array();
  for (const NatAddresses::Entry& entry : *list) {
    json one{{"address", to_string(entry.address)}, {"primary", addresses.empty()}};
    const bool draining = entry.state == NatAddresses::State::kDraining;
    one["state"] = draining ? "draining" : "active";
    if (draining) {
      one["released_in"] = seconds(to_instant(entry.released_at, now.now) - now.now);
    }
    addresses.push_back(one);
  }
  return json{{"box", box}, {"addresses", addresses}};
}

void Handlers::list_addresses(const Request& request, Response& response) {
  Query query(request, {"box"});
  const std::string box = query.text("box", "");
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  json boxes = json::array();
  for (const topology::Directory::Box& one : directory().boxes) {
    if (box.empty() || one.name == box) {
      if (const auto listed = addresses_json(one.name); listed.ok()) {
        boxes.push_back(*listed);
      }
    }
  }
  if (boxes.empty() && !box.empty()) {
    refuse(response, addresses_json(box).status());
    return;
  }
  answer(response, {{"boxes", boxes}});
}

void Handlers::change_addresses(const Request& request, Response& response) {
  const auto change = parse_address_request(request.body);
  if (!change.ok()) {
    refuse(response, change.status());
    return;
  }
  const absl::Status done = change->kind == AddressRequest::Kind::kAssociate
                                ? instance_.associate_address(change->box, change->address)
                                : instance_.disassociate_address(change->box, change->address, change->drain);
  if (!done.ok()) {
    refuse(response, done);
    return;
  }
  answer(response, *addresses_json(change->box));
}

}  // namespace lapse::api
