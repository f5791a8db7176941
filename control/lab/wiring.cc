#include "control/lab/wiring.h"

#include <algorithm>
#include <cctype>

#include <net/if.h>

#include "absl/strings/str_cat.h"

#include "control/lab/files.h"
#include "control/lab/namespaces.h"

namespace lapse::lab {
namespace {

constexpr uint32_t kQueuePackets = 1000;

std::string device_name(const std::string& prefix, const std::string& link, size_t number) {
  const bool plain = std::all_of(link.begin(), link.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  const std::string wanted = absl::StrCat(prefix, "-", link);
  return plain && wanted.size() < IFNAMSIZ ? wanted : absl::StrCat(prefix, number);
}

// The bridge would take frames to a port's own address for itself, and the tap starts with the address of the data
// plane's port: it gets one that nobody sends to.
MacAddress tap_mac(size_t number) {
  return MacAddress{{0x0a, 0x6c, 0x70, 0x73, static_cast<uint8_t>(number >> 8), static_cast<uint8_t>(number)}};
}

absl::Status configure_interface(Netlink& host, const std::string& name, const topology::Attachment& attachment,
                                 uint8_t prefix_length) {
  if (auto status = host.set_up(name); !status.ok()) {
    return status;
  }
  for (const Ipv4Address address : attachment.addresses) {
    if (auto status = host.add_address(name, address, prefix_length); !status.ok()) {
      return status;
    }
  }
  for (const auto& [address, mac] : attachment.neighbours) {
    if (auto status = host.add_neighbour(name, address, mac); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

// The kernels at both ends know what the link carries; the tap learns it from the data plane, the bridge from its ports.
absl::Status set_mtu(Netlink& lab, Netlink& inside, const Wire& wire, uint16_t mtu) {
  if (mtu == 0) {
    return absl::OkStatus();
  }
  auto status = lab.set_mtu(wire.near_end, mtu);
  return status.ok() ? inside.set_mtu(wire.interface, mtu) : status;
}

absl::Status add_routes(Netlink& host, const topology::Attachment& attachment) {
  for (const topology::Route& route : attachment.routes) {
    if (auto status = host.add_route(route.to, route.via); !status.ok()) {
      return status;
    }
  }
  return attachment.gateway ? host.add_route(Ipv4Prefix{}, *attachment.gateway) : absl::OkStatus();
}

// A kernel that lacks the feature has no such file.
absl::Status write_if_there(const std::string& path, const std::string& content) {
  auto status = write_existing(path, content);
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

}  // namespace

WiringPlan plan_wiring(const topology::Topology& topology) {
  WiringPlan plan;
  for (size_t number = 0; number < topology.links.size(); ++number) {
    const std::string& link = topology.links[number].name;
    const LinkDevices devices{link, device_name("tap", link, number), device_name("br", link, number)};
    const size_t wires_before = plan.wires.size();
    for (const topology::Host& host : topology.hosts) {
      for (const auto& [interface, attachment] : host.interfaces) {
        if (attachment.link == link) {
          plan.wires.push_back({host.name, interface, absl::StrCat("veth", plan.wires.size()), devices.bridge});
        }
      }
    }
    if (plan.wires.size() > wires_before) {
      plan.links.push_back(devices);
    }
  }
  return plan;
}

std::map<std::string, std::string> tap_devices(const WiringPlan& plan) {
  std::map<std::string, std::string> devices;
  for (size_t number = 0; number < plan.links.size(); ++number) {
    devices[plan.links[number].link] = absl::StrCat("net_tap", number, ",iface=", plan.links[number].tap);
  }
  return devices;
}

absl::Status prepare_namespace() {
  for (const char* which : {"all", "default"}) {
    if (auto status = write_if_there(absl::StrCat("/proc/sys/net/ipv6/conf/", which, "/disable_ipv6"), "1");
        !status.ok()) {
      return status;
    }
  }
  auto self = open_own_network_namespace();
  if (!self.ok()) {
    return self.status();
  }
  auto netlink = Netlink::open_in(self->get());
  return netlink.ok() ? netlink->set_up("lo") : netlink.status();
}

absl::Status build_bridges(Netlink& lab, const WiringPlan& plan) {
  // Where br_netfilter is loaded, as containers have it, a bridge drops malformed IP, which the boxes are to judge.
  for (const char* family : {"iptables", "ip6tables", "arptables"}) {
    if (auto status = write_if_there(absl::StrCat("/proc/sys/net/bridge/bridge-nf-call-", family), "0"); !status.ok()) {
      return status;
    }
  }
  for (const LinkDevices& devices : plan.links) {
    if (auto status = lab.add_bridge(devices.bridge); !status.ok()) {
      return status;
    }
    if (auto status = lab.set_up(devices.bridge); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status connect_host(Netlink& lab, const WiringPlan& plan, const topology::Topology& topology,
                          const topology::Host& host, int host_namespace_fd) {
  auto inside = Netlink::open_in(host_namespace_fd);
  if (!inside.ok()) {
    return inside.status();
  }
  for (const Wire& wire : plan.wires) {
    if (wire.host != host.name) {
      continue;
    }
    if (auto status = lab.add_veth(wire.near_end, wire.interface, host_namespace_fd); !status.ok()) {
      return status;
    }
    const topology::Attachment& attachment = host.interfaces.at(wire.interface);
    const topology::Link& link = *topology.find_link(attachment.link);
    if (auto status = set_mtu(lab, *inside, wire, link.impairments.mtu); !status.ok()) {
      return status;
    }
    if (auto status = lab.set_master(wire.near_end, wire.bridge); !status.ok()) {
      return status;
    }
    if (auto status = lab.set_up(wire.near_end); !status.ok()) {
      return status;
    }
    if (auto status = configure_interface(*inside, wire.interface, attachment, link.subnet.length); !status.ok()) {
      return status;
    }
  }
  // A route's next hop may be behind any interface, so they come after all addresses.
  for (const auto& [name, attachment] : host.interfaces) {
    if (auto status = add_routes(*inside, attachment); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status attach_taps(Netlink& lab, const WiringPlan& plan) {
  for (size_t number = 0; number < plan.links.size(); ++number) {
    const LinkDevices& devices = plan.links[number];
    for (const auto& status :
         {lab.set_mac(devices.tap, tap_mac(number)), lab.set_queue_length(devices.tap, kQueuePackets),
          lab.set_master(devices.tap, devices.bridge), lab.set_up(devices.tap)}) {
      if (!status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace lapse::lab
