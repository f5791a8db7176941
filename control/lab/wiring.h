// wiring.h - links and hosts of a topology as bridges, veth pairs and addresses.
//
// Owner:    the supervisor.
// Memory:   ordinary.
// Time:     none.
// Bytes:    wire order.
// Cost:     a few netlink requests for each interface.
// Lifetime: everything dies with the lab's namespaces; nothing is made in the machine's own.
// Spec:     design, sections 3 and 7.
//
//   lab's namespace:  tap (the data plane's port) ── bridge ── veth        one tap and bridge a link
//   host's namespace:                                            └── eth0  named as in the topology
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "control/lab/netlink.h"
#include "control/topology/topology.h"

namespace lapse::lab {

struct LinkDevices {
  std::string link;
  std::string tap;
  std::string bridge;
};

struct Wire {
  std::string host;
  std::string interface;  // in the host
  std::string near_end;   // of the veth pair, in the lab's namespace
  std::string bridge;
};

struct WiringPlan {
  std::vector<LinkDevices> links;  // those that have a host; the others stay inside the data plane
  std::vector<Wire> wires;
};

// Names fit the kernel's 15 characters: a link's own name where it does, otherwise its number.
WiringPlan plan_wiring(const topology::Topology& topology);

// link -> EAL device, as InstanceOptions::ports wants it.
std::map<std::string, std::string> tap_devices(const WiringPlan& plan);

// Loopback up and IPv6 off, in the calling thread's namespace.
absl::Status prepare_namespace();

// In the calling thread's namespace, which is the one that 'lab' speaks to.
absl::Status build_bridges(Netlink& lab, const WiringPlan& plan);

// Cables, addresses, routes and static neighbours of one host.
absl::Status connect_host(Netlink& lab, const WiringPlan& plan, const topology::Topology& topology,
                          const topology::Host& host, int host_namespace_fd);

// Once the data plane has made its taps.
absl::Status attach_taps(Netlink& lab, const WiringPlan& plan);

}  // namespace lapse::lab
