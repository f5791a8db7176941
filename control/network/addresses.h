// addresses.h - addresses that come to a NAT gateway, and go, while it runs.
//
// Owner:    the network's; one thread at a time.
// Memory:   ordinary.
// Time:     a drain counts virtual time.
// Bytes:    addresses in wire order.
// Cost:     none that matters; flows of a released address are ended by the workers, a budget a pass.
// Lifetime: as the network.
// Spec:     aws-behaviour 3.1, "Addresses, zonal", "Removing an address"; section 1, "address drain"; C-18.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/topology/directory.h"
#include "control/topology/topology.h"
#include "dataplane/box/nat_addresses.h"
#include "dataplane/net/network.h"

namespace lapse {

// A box of the topology with its network's ids, as instance and simulation have them.
struct AddressesOf {
  Network& network;
  const topology::Topology& topology;
  const topology::Directory& directory;
};

// The first is the primary one. kNotFound for a box that does not exist or has none of the kind.
absl::StatusOr<std::vector<NatAddresses::Entry>> list_addresses(const AddressesOf& boxes, std::string_view box);

// New flows are spread over it from now on. Refused unless it is a free address of the outside link.
absl::Status associate_address(const AddressesOf& boxes, std::string_view box, Ipv4Address address);

// The flows that it has go on until 'drain' is over; without one: as the box's MaxDrainDurationSeconds says.
absl::Status disassociate_address(const AddressesOf& boxes, std::string_view box, Ipv4Address address,
                                  std::optional<Duration> drain, const Now& now);

}  // namespace lapse
