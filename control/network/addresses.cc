#include "control/network/addresses.h"

#include <algorithm>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/topology/values.h"
#include "dataplane/box/nat_gateway.h"

namespace lapse {
namespace {

// aws-behaviour section 1.
constexpr Duration kShortestDrain = std::chrono::seconds(1);
constexpr Duration kLongestDrain = std::chrono::seconds(4000);

struct Found {
  NatAddresses& addresses;
  const topology::NatGatewayBox& said;
};

absl::StatusOr<Found> find(const AddressesOf& boxes, std::string_view name) {
  for (size_t id = 0; id < boxes.topology.boxes.size(); ++id) {
    const topology::Box& box = boxes.topology.boxes[id];
    auto* const gateway = dynamic_cast<NatGateway*>(&boxes.network.box(BoxId{static_cast<uint8_t>(id)}));
    if (box.name == name && gateway != nullptr) {
      return Found{gateway->addresses(), box.nat_gateway};
    }
  }
  return absl::NotFoundError(absl::StrCat(
      "no NAT gateway is called ", std::string(name), "; there is ",
      absl::StrJoin(boxes.topology.boxes, ", ", [](std::string* out, const auto& box) { out->append(box.name); })));
}

std::string list_text(const NatAddresses& addresses) {
  std::vector<std::string> texts;
  for (const NatAddresses::Entry& entry : addresses.entries()) {
    if (entry.state != NatAddresses::State::kUnused) {
      texts.push_back(
          absl::StrCat(to_string(entry.address), entry.state == NatAddresses::State::kDraining ? " (draining)" : ""));
    }
  }
  return absl::StrJoin(texts, ", ");
}

// A host, or a side of a box, that has the address by the file.
std::optional<std::string> holder(const topology::Directory& directory, Ipv4Address address) {
  if (const auto host = directory.hosts.find(address); host != directory.hosts.end()) {
    return host->second;
  }
  const auto box = directory.box_addresses.find(address);
  return box == directory.box_addresses.end() ? std::nullopt : std::optional(box->second);
}

absl::Status check_new(const AddressesOf& boxes, const std::string& box, const topology::NatGatewayBox& said,
                       Ipv4Address address) {
  const topology::Link& link = *boxes.topology.find_link(said.outside.link);
  const std::string text = to_string(address);
  const bool has_ends = link.subnet.length <= 30;
  if (!link.subnet.contains(address) ||
      (has_ends && (address == link.subnet.network || address == link.subnet.broadcast()))) {
    return absl::InvalidArgumentError(absl::StrCat(text, " is no address for a station on ", link.name,
                                                   ", where the outside of ", box, " is; accepted is one in ",
                                                   to_string(link.subnet)));
  }
  // One of its own by the file may have been released meanwhile, and may come back.
  if (const auto other = holder(boxes.directory, address); other && *other != box + ".outside") {
    return absl::FailedPreconditionError(absl::StrCat(text, " belongs to ", *other));
  }
  return absl::OkStatus();
}

absl::Status explain(NatAddresses::Outcome outcome, const std::string& box, Ipv4Address address,
                     const NatAddresses& addresses) {
  const std::string text = to_string(address);
  switch (outcome) {
    case NatAddresses::Outcome::kDone:
      return absl::OkStatus();
    case NatAddresses::Outcome::kFull:
      return absl::FailedPreconditionError(absl::StrCat(box, " has ", NatAddresses::kMost, " addresses, as many as a ",
                                                        "NAT gateway can have: ", list_text(addresses)));
    case NatAddresses::Outcome::kTaken:
      return absl::FailedPreconditionError(absl::StrCat(box, " has ", text, " already: ", list_text(addresses)));
    case NatAddresses::Outcome::kUnknown:
      return absl::FailedPreconditionError(
          absl::StrCat(box, " has no address ", text, " in service: ", list_text(addresses)));
    case NatAddresses::Outcome::kPrimary:
      return absl::FailedPreconditionError(
          absl::StrCat(text, " is the primary address of ", box, " and stays as long as it"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<NatAddresses::Entry>> list_addresses(const AddressesOf& boxes, std::string_view box) {
  const auto found = find(boxes, box);
  if (!found.ok()) {
    return found.status();
  }
  std::vector<NatAddresses::Entry> list;
  for (const NatAddresses::Entry& entry : found->addresses.entries()) {
    if (entry.state != NatAddresses::State::kUnused) {
      list.push_back(entry);
    }
  }
  return list;
}

absl::Status associate_address(const AddressesOf& boxes, std::string_view box, Ipv4Address address) {
  const auto found = find(boxes, box);
  if (!found.ok()) {
    return found.status();
  }
  const std::string name(box);
  if (auto status = check_new(boxes, name, found->said, address); !status.ok()) {
    return status;
  }
  return explain(found->addresses.associate(address), name, address, found->addresses);
}

absl::Status disassociate_address(const AddressesOf& boxes, std::string_view box, Ipv4Address address,
                                  std::optional<Duration> drain, const Now& now) {
  const auto found = find(boxes, box);
  if (!found.ok()) {
    return found.status();
  }
  const Duration lasting = drain.value_or(found->said.max_drain);
  if (lasting < kShortestDrain || lasting > kLongestDrain) {
    return absl::InvalidArgumentError(absl::StrCat("the drain is out of range (", topology::duration_text(lasting),
                                                   "); accepted is ", topology::duration_text(kShortestDrain), " to ",
                                                   topology::duration_text(kLongestDrain)));
  }
  return explain(found->addresses.disassociate(address, to_tick(now.now + lasting)), std::string(box), address,
                 found->addresses);
}

}  // namespace lapse
