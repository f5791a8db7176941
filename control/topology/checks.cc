#include "control/topology/checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "control/topology/text.h"
#include "dataplane/ids.h"

namespace lapse::topology {
namespace {

// Every host is a network namespace, and every pair of them is walked.
constexpr size_t kMostHosts = 256;

std::string line_of(const Place& place) {
  return place.line == 0 ? place.file : concat("line ", std::to_string(place.line));
}

std::string key_of(const Named& named) {
  return concat(named.what == "box" ? "boxes" : concat(named.what, "s"), ".", shown(named.name));
}

// A subnet that could not be read, or has been refused for its length, says nothing about addresses.
bool has_usable_subnet(const Link* link) {
  return link != nullptr && link->subnet.length >= kShortestSubnet && link->subnet.length <= kLongestSubnet;
}

std::vector<std::string_view> link_names(const Draft& draft) {
  std::vector<std::string_view> names;
  for (const Link& link : draft.topology.links) {
    names.push_back(link.name);
  }
  return names;
}

// Events and flows name links, boxes and hosts alike, so one name means one thing.
void check_names(const Draft& draft, Report& report) {
  std::map<std::string_view, const Named*> known;
  for (const Named& named : draft.names) {
    const auto [first, is_new] = known.emplace(named.name, &named);
    if (!is_new) {
      report.error(named.place, key_of(named),
                   concat("the name is taken (", shown(named.name), "): a ", first->second->what, " has it, ",
                          line_of(first->second->place)));
    }
  }
}

void check_aliases(const Draft& draft, Report& report) {
  std::map<std::string_view, std::string_view> owners;
  for (const Host& host : draft.topology.hosts) {
    owners.emplace(host.name, host.name);
  }
  for (const Host& host : draft.topology.hosts) {
    for (size_t number = 0; number < host.names.size(); ++number) {
      const auto [owner, is_new] = owners.emplace(host.names[number], host.name);
      if (!is_new) {
        report.error(draft.alias_places.at(host.name)[number], concat("hosts.", shown(host.name), ".names"),
                     concat("the name is taken (", host.names[number], "): the host ", owner->second, " has it"));
      }
    }
  }
}

void check_overlaps(const Draft& draft, Report& report) {
  const std::vector<Link>& links = draft.topology.links;
  for (size_t later = 0; later < links.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      if (has_usable_subnet(&links[earlier]) && has_usable_subnet(&links[later]) &&
          links[earlier].subnet.overlaps(links[later].subnet)) {
        report.error(draft.subnet_places[later], concat("links.", shown(links[later].name), ".subnet"),
                     concat("overlaps (", to_string(links[later].subnet), ") with ", to_string(links[earlier].subnet),
                            " of ", links[earlier].name, ", ", line_of(links[earlier].place)));
      }
    }
  }
}

void check_subnet_is_unicast(const Draft& draft, Report& report) {
  static const std::vector<std::pair<Ipv4Prefix, std::string_view>> kForeign{
      {{be32(0x00000000), 8}, "\"this network\""},
      {{be32(0x7f000000), 8}, "loopback"},
      {{be32(0xe0000000), 3}, "multicast or reserved"}};
  for (size_t number = 0; number < draft.topology.links.size(); ++number) {
    const Link& link = draft.topology.links[number];
    for (const auto& [prefix, what] : kForeign) {
      if (has_usable_subnet(&link) && prefix.overlaps(link.subnet)) {
        report.error(draft.subnet_places[number], concat("links.", shown(link.name), ".subnet"),
                     concat("not for hosts (", to_string(link.subnet), "): ", to_string(prefix), " is ", what));
      }
    }
  }
}

void check_links_exist(const Draft& draft, Report& report) {
  const std::vector<std::string_view> names = link_names(draft);
  if (names.empty()) {
    return;  // Reported once for the file.
  }
  for (const DraftAttachment& one : draft.attachments) {
    const std::string& link = one.attachment.link;
    if (draft.topology.find_link(link) == nullptr) {
      report.error(
          one.link_place, concat(one.path, ".link"),
          concat("no such link (", shown(link), ")", suggestion(link, names), "the links are ", listed(names)));
    }
  }
}

void check_address(const DraftAttachment& one, size_t number, const Link& link, Report& report) {
  const Ipv4Address address = one.attachment.addresses[number];
  const std::string path = concat(one.path, ".", one.address_key);
  const std::string accepted =
      concat("accepted is an address of ", to_string(link.subnet), ", the subnet of ", link.name);
  if (!link.subnet.contains(address)) {
    report.error(one.address_places[number], path,
                 concat("outside of the link's subnet (", to_string(address), "); ", accepted));
  } else if (link.subnet.length <= 30 && address == link.subnet.network) {
    report.error(one.address_places[number], path,
                 concat("the address of the network itself (", to_string(address), "); ", accepted));
  } else if (link.subnet.length <= 30 && address == link.subnet.broadcast()) {
    report.error(one.address_places[number], path,
                 concat("the broadcast address (", to_string(address), "); ", accepted));
  }
}

void check_addresses(const Draft& draft, Report& report) {
  struct Taken {
    const DraftAttachment* by;
    Place place;
  };
  std::map<Ipv4Address, Taken> taken;
  for (const DraftAttachment& one : draft.attachments) {
    const Link* link = draft.topology.find_link(one.attachment.link);
    for (size_t number = 0; number < one.attachment.addresses.size(); ++number) {
      if (has_usable_subnet(link)) {
        check_address(one, number, *link, report);
      }
      const Ipv4Address address = one.attachment.addresses[number];
      const auto [first, is_new] = taken.emplace(address, Taken{&one, one.address_places[number]});
      if (!is_new) {
        report.error(one.address_places[number], concat(one.path, ".", one.address_key),
                     concat("the address is taken (", to_string(address), "): ", first->second.by->label(), " has it, ",
                            line_of(first->second.place)));
      }
    }
  }
}

// Who stands on a link, as "10.0.1.1 (natgw.inside)".
std::string stations(const Draft& draft, const DraftAttachment& asking) {
  std::string text;
  for (const DraftAttachment& one : draft.attachments) {
    if (one.attachment.link == asking.attachment.link && one.owner != asking.owner &&
        !one.attachment.addresses.empty()) {
      text += concat(text.empty() ? "" : ", ", to_string(one.attachment.addresses.front()), " (", one.label(), ")");
    }
  }
  return text.empty() ? concat("nobody else is on ", asking.attachment.link) : concat("accepted is one of ", text);
}

bool link_is_fully_known(const Draft& draft, const std::string& link) {
  return draft.complete && std::all_of(draft.attachments.begin(), draft.attachments.end(),
                                       [&](const auto& one) { return one.attachment.link != link || one.whole; });
}

void check_next_hop(const Draft& draft, const DraftAttachment& one, Ipv4Address hop, const Place& place,
                    const std::string& key, Report& report) {
  const std::string path = concat(one.path, ".", key);
  const Link* link = draft.topology.find_link(one.attachment.link);
  if (!has_usable_subnet(link)) {
    return;
  }
  if (!link->subnet.contains(hop)) {
    report.error(place, path,
                 concat("outside of the link's subnet (", to_string(hop), "), ", to_string(link->subnet), " of ",
                        link->name, "; ", stations(draft, one)));
    return;
  }
  const auto has = [&](const DraftAttachment& other) {
    return std::count(other.attachment.addresses.begin(), other.attachment.addresses.end(), hop) > 0;
  };
  if (has(one)) {
    report.error(place, path, concat("its own address (", to_string(hop), "); ", stations(draft, one)));
    return;
  }
  // A neighbour with a given MAC address stands outside of what the file describes, and so may anybody where a device is.
  const bool known = one.attachment.neighbours.contains(hop) || draft.topology.find_port(link->name) != nullptr ||
                     std::any_of(draft.attachments.begin(), draft.attachments.end(), [&](const auto& other) {
                       return other.attachment.link == one.attachment.link && has(other);
                     });
  if (!known && link_is_fully_known(draft, link->name)) {
    report.error(
        place, path,
        concat("no box or host on ", link->name, " has this address (", to_string(hop), "); ", stations(draft, one)));
  }
}

void check_next_hops(const Draft& draft, Report& report) {
  for (const DraftAttachment& one : draft.attachments) {
    const Attachment& attachment = one.attachment;
    if (attachment.gateway) {
      check_next_hop(draft, one, *attachment.gateway, one.gateway_place, "gateway", report);
    }
    for (size_t number = 0; number < attachment.routes.size(); ++number) {
      check_next_hop(draft, one, attachment.routes[number].via, one.via_places[number],
                     concat("routes.", std::to_string(number), ".via"), report);
    }
    const Link* link = draft.topology.find_link(attachment.link);
    for (const auto& [address, place] : one.neighbour_places) {
      if (has_usable_subnet(link) && !link->subnet.contains(address)) {
        report.error(place, concat(one.path, ".neighbours.", to_string(address)),
                     concat("outside of the link's subnet (", to_string(address), "), ", to_string(link->subnet),
                            " of ", link->name));
      }
    }
  }
}

// A kernel has one default route; which of two gateways it takes is not written anywhere.
void check_single_gateway(const Draft& draft, Report& report) {
  std::map<std::string, const DraftAttachment*> first;
  for (const DraftAttachment& one : draft.attachments) {
    if (!one.attachment.gateway || draft.topology.find_host(one.owner) == nullptr) {
      continue;
    }
    const auto [known, is_new] = first.emplace(one.owner, &one);
    if (!is_new) {
      report.error(one.gateway_place, concat(one.path, ".gateway"),
                   concat("a second gateway (", to_string(*one.attachment.gateway), "); ", known->second->label(),
                          " has one, use routes here"));
    }
  }
}

void check_ports(const Draft& draft, Report& report) {
  const std::vector<std::string_view> names = link_names(draft);
  std::map<std::string, const Port*> devices;
  std::map<std::string, const Port*> interfaces;
  for (size_t number = 0; number < draft.topology.ports.size(); ++number) {
    const Port& port = draft.topology.ports[number];
    const std::string path = concat("ports.", shown(port.link));
    if (!names.empty() && draft.topology.find_link(port.link) == nullptr) {
      report.error(draft.port_places[number].link, path,
                   concat("no such link (", shown(port.link), ")", suggestion(port.link, names), "the links are ",
                          listed(names)));
    }
    if (port.device.empty()) {
      continue;  // Reported where it was read.
    }
    const auto [first, is_new] = devices.emplace(port.device_name(), &port);
    if (!is_new) {
      report.error(draft.port_places[number].device, concat(path, port.kind == Port::Kind::kPci ? ".pci" : ".vdev"),
                   concat("the device is taken (", port.device_name(), "): the link ", first->second->link, " has it, ",
                          line_of(first->second->place)));
      continue;
    }
    // Two sockets on one interface would each receive every frame.
    const std::string interface = port.argument("iface");
    if (interface.empty()) {
      continue;
    }
    const auto [other, is_free] = interfaces.emplace(interface, &port);
    if (!is_free) {
      report.error(draft.port_places[number].device, concat(path, ".vdev"),
                   concat("the interface is taken (", interface, "): the link ", other->second->link, " has it, ",
                          line_of(other->second->place)));
    }
  }
}

void check_start_at(const Draft& draft, Report& report) {
  const Topology& topology = draft.topology;
  if (topology.start_at.empty() || topology.find_host(topology.start_at) != nullptr) {
    return;
  }
  std::vector<std::string_view> hosts;
  for (const Host& host : topology.hosts) {
    hosts.push_back(host.name);
  }
  report.error(draft.start_at_place, "start_at",
               concat("no such host (", shown(topology.start_at), ")", suggestion(topology.start_at, hosts),
                      hosts.empty() ? "there are no hosts" : concat("the hosts are ", listed(hosts))));
}

void check_counts(const Draft& draft, Report& report) {
  std::map<std::string, size_t> counts;
  size_t interfaces = 0;
  for (const Named& named : draft.names) {
    const size_t count = ++counts[named.what];
    const size_t most = named.what == "box" ? kMaxBoxes : named.what == "link" ? kMaxLinks : kMostHosts;
    if (count == most + 1) {
      report.error(named.place, key_of(named), concat("one too many; there is room for ", counted(most, named.what)));
    }
  }
  for (const DraftAttachment& one : draft.attachments) {
    if (draft.topology.find_host(one.owner) == nullptr && ++interfaces == kMaxInterfaces + 1) {
      report.error(one.attachment.place, one.path,
                   concat("one too many; the boxes have room for ", counted(kMaxInterfaces, "attachment")));
    }
  }
}

// Hosts of one link talk without the data plane, which is what impairs a link.
void check_impairments_act(const Draft& draft, Report& report) {
  std::set<std::string_view> with_a_box;
  for (const DraftAttachment& one : draft.attachments) {
    if (draft.topology.find_host(one.owner) == nullptr) {
      with_a_box.insert(one.attachment.link);
    }
  }
  for (const Link& link : draft.topology.links) {
    Impairments acting = link.impairments;
    acting.mtu = 0;  // the hosts' own interfaces have it, too
    if (draft.complete && acting.any() && !with_a_box.contains(link.name)) {
      report.error(
          link.place, concat("links.", shown(link.name)),
          "delay, jitter, loss, reorder, duplicate and rate have no effect without a box on the link; accepted "
          "is mtu alone, because hosts reach each other past the boxes");
    }
  }
}

// One fact: what a link carries is what its device has to carry.
void check_port_mtus(const Draft& draft, Report& report) {
  for (size_t number = 0; number < draft.topology.ports.size(); ++number) {
    const Port& port = draft.topology.ports[number];
    const Link* link = draft.topology.find_link(port.link);
    if (link != nullptr && port.mtu && link->impairments.mtu != 0 && *port.mtu != link->impairments.mtu) {
      report.error(draft.port_places[number].link, concat("ports.", shown(port.link), ".mtu"),
                   concat("differs (", std::to_string(*port.mtu), ") from the link's, which is ",
                          std::to_string(link->impairments.mtu), " (", line_of(link->place),
                          "); accepted is one of the two, or the same twice"));
    }
  }
}

void check_unused_links(const Draft& draft, Report& report) {
  std::set<std::string_view> used;
  for (const DraftAttachment& one : draft.attachments) {
    used.insert(one.attachment.link);
  }
  for (const Link& link : draft.topology.links) {
    if (draft.complete && !used.contains(link.name)) {
      report.warning(link.place, concat("links.", shown(link.name)), "nobody is attached to this link");
    }
  }
}

}  // namespace

void check_draft(const Draft& draft, Report& report) {
  check_names(draft, report);
  check_aliases(draft, report);
  check_overlaps(draft, report);
  check_subnet_is_unicast(draft, report);
  check_links_exist(draft, report);
  check_addresses(draft, report);
  check_next_hops(draft, report);
  check_single_gateway(draft, report);
  check_ports(draft, report);
  check_start_at(draft, report);
  check_counts(draft, report);
  check_impairments_act(draft, report);
  check_port_mtus(draft, report);
  check_unused_links(draft, report);
}

}  // namespace lapse::topology
