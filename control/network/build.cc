#include "control/network/build.h"

#include <algorithm>
#include <cassert>
#include <map>
#include <string>

#include "dataplane/wire/ethernet.h"

namespace lapse {
namespace {

// Locally administered, and readable in a capture: box and side are the last two bytes.
MacAddress mac_of(BoxId box, Side side) {
  return {{0x02, 0x1a, 0x95, 0x00, static_cast<uint8_t>(index(box)), static_cast<uint8_t>(index(side))}};
}

class Builder {
 public:
  Builder(const topology::Topology& topology, const BuildOptions& options, Quiescence& quiescence)
      : topology_(topology), options_(options), quiescence_(quiescence) {}

  std::unique_ptr<Network> build() {
    for (const topology::Link& link : topology_.links) {
      links_[link.name] = network_->add_link();
    }
    for (const topology::Box& box : topology_.boxes) {
      add_nat_gateway(box.nat_gateway);
    }
    for (const topology::Link& link : topology_.links) {
      if (link.impairments.any()) {
        network_->impair(links_.at(link.name), link.impairments, options_.random());
      }
    }
    return std::move(network_);
  }

 private:
  void add_nat_gateway(const topology::NatGatewayBox& box) {
    NatGateway::Config config;
    config.outside_addresses = box.outside.addresses;
    config.capacity = box.capacity;
    config.workers = options_.workers;
    config.late_inside = box.late_inside;
    config.late_outside = box.late_outside;
    config.timeouts = box.timeouts;
    config.hash_key = {options_.random(), options_.random()};
    config.random_seed = options_.random();
    config.ceiling = box.ceiling;
    const uint16_t inside_mtu = std::min(box.mtu, mtu_of(box.inside.link));
    const uint16_t outside_mtu = std::min(box.mtu, mtu_of(box.outside.link));
    if (box.mss_clamping) {
      config.clamp_mss_to_mtu = {inside_mtu, outside_mtu};
    }
    const BoxId id = network_->add_box(std::make_unique<NatGateway>(config, quiescence_));
    attach(id, NatGateway::kInside, box.inside, OwnAddresses::kAnswerNothing, inside_mtu, outside_mtu);
    attach(id, NatGateway::kOutside, box.outside, OwnAddresses::kTranslated, outside_mtu, inside_mtu);
  }

  // Without one of its own a link has its port's, or the one of hosts that nobody has told otherwise.
  uint16_t mtu_of(const std::string& name) const {
    if (const topology::Link* link = topology_.find_link(name); link->impairments.mtu != 0) {
      return link->impairments.mtu;
    }
    const topology::Port* port = topology_.find_port(name);
    return port == nullptr ? kUsualMtu : port->mtu.value_or(kUsualMtu);
  }

  void attach(BoxId box, Side side, const topology::Attachment& attachment, OwnAddresses own_addresses, uint16_t mtu,
              uint16_t forward_mtu) {
    const topology::Link* link = topology_.find_link(attachment.link);
    assert(link != nullptr);
    Interface interface;
    interface.box = box;
    interface.side = side;
    interface.link = links_.at(attachment.link);
    interface.mac = mac_of(box, side);
    interface.addresses = attachment.addresses;
    interface.own_addresses = own_addresses;
    interface.mtu = mtu;
    interface.forward_mtu = forward_mtu;
    interface.routes.add(link->subnet, std::nullopt);
    for (const topology::Route& route : attachment.routes) {
      interface.routes.add(route.to, route.via);
    }
    if (attachment.gateway) {
      interface.routes.add({Ipv4Address{}, 0}, *attachment.gateway);
    }
    for (const auto& [address, mac] : attachment.neighbours) {
      network_->neighbours().add_static(interface.link, address, mac);
    }
    network_->add_interface(std::move(interface));
  }

  const topology::Topology& topology_;
  const BuildOptions& options_;
  Quiescence& quiescence_;
  std::unique_ptr<Network> network_ = std::make_unique<Network>(options_.workers);
  std::map<std::string, LinkId> links_;
};

}  // namespace

std::unique_ptr<Network> build_network(const topology::Topology& topology, const BuildOptions& options,
                                       Quiescence& quiescence) {
  return Builder(topology, options, quiescence).build();
}

}  // namespace lapse
