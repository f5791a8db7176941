#include "dataplane/net/network.h"

#include <algorithm>
#include <cassert>

namespace lapse {

LinkId Network::add_link() {
  assert(links_.size() < kMaxLinks);
  links_.emplace_back();
  auto& counters = link_counters_.emplace_back();
  for (size_t worker = 0; worker < workers_; ++worker) {
    counters.push_back(std::make_unique<LinkCounters>());
  }
  return LinkId{static_cast<uint8_t>(links_.size() - 1)};
}

void Network::set_port(LinkId link, Port* port) {
  links_[index(link)].port = port;
  links_[index(link)].queues = port == nullptr ? QueuePlan() : QueuePlan(*port, workers_, next_poller_);
  if (links_[index(link)].queues.distributes()) {
    next_poller_ = (next_poller_ + links_[index(link)].queues.pollers()) % workers_;
  }
}

void Network::impair(LinkId link, const Impairments& impairments, uint64_t seed) {
  links_[index(link)].impairments = impairments;
  links_[index(link)].seed = seed;
}

bool Network::has_impaired_links() const {
  return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.impairments.any(); });
}

bool Network::has_links_that_hold_packets() const {
  return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.impairments.holds_packets(); });
}

BoxId Network::add_box(std::unique_ptr<Box> box) {
  assert(boxes_.size() < kMaxBoxes);
  boxes_.push_back({std::move(box), {}, {}});
  auto& counters = box_counters_.emplace_back();
  for (size_t worker = 0; worker < workers_; ++worker) {
    counters.push_back(std::make_unique<BoxCounters>());
  }
  return BoxId{static_cast<uint8_t>(boxes_.size() - 1)};
}

InterfaceId Network::add_interface(Interface interface) {
  assert(interfaces_.size() < kMaxInterfaces && interface.mtu >= kLeastMtu && interface.forward_mtu >= kLeastMtu);
  const InterfaceId id{static_cast<uint8_t>(interfaces_.size())};
  assert(boxes_[index(interface.box)].interface_of_side.size() == index(interface.side));
  BoxSlot& slot = boxes_[index(interface.box)];
  slot.interface_of_side.push_back(id);
  if (interface.own_addresses == OwnAddresses::kAnswerNothing) {
    slot.own_addresses.insert(slot.own_addresses.end(), interface.addresses.begin(), interface.addresses.end());
  }
  links_[index(interface.link)].interfaces.push_back(id);
  interfaces_.push_back(std::move(interface));
  return id;
}

InterfaceId Network::find_by_mac(LinkId link, const MacAddress& mac) const {
  for (const InterfaceId id : links_[index(link)].interfaces) {
    if (interfaces_[index(id)].mac == mac) {
      return id;
    }
  }
  return kNoInterface;
}

InterfaceId Network::find_by_address(LinkId link, Ipv4Address address) const {
  for (const InterfaceId id : links_[index(link)].interfaces) {
    if (owns(id, address)) {
      return id;
    }
  }
  return kNoInterface;
}

bool Network::owns(InterfaceId id, Ipv4Address address) const {
  const Interface& interface = interfaces_[index(id)];
  return interface.own_addresses == OwnAddresses::kTranslated ? box(interface.box).owns(interface.side, address)
                                                              : interface.owns(address);
}

uint64_t Network::waiting_packets() const {
  uint64_t waiting = 0;
  for (size_t worker = 0; worker < workers_; ++worker) {
    waiting += waiting_in_[worker].get() - waiting_out_[worker].get();
  }
  return waiting;
}

uint64_t Network::packets_on(LinkId link) const {
  uint64_t packets = 0;
  for (const auto& counters : link_counters_[index(link)]) {
    packets += counters->held.get() - counters->released.get();
  }
  return packets;
}

Conservation Network::box_conservation(BoxId id) const {
  Conservation sum;
  for (const auto& counters : box_counters_[index(id)]) {
    const Conservation one = conservation(*counters, 0);
    sum.received += one.received;
    sum.originated += one.originated;
    sum.sent += one.sent;
    sum.dropped += one.dropped;
  }
  sum.held = boxes_[index(id)].box->held();
  return sum;
}

// A box's receptions and sendings cancel out inside the process: what it drops, makes and holds remains.
Conservation Network::process_conservation() const {
  Conservation sum;
  for (size_t id = 0; id < boxes_.size(); ++id) {
    const Conservation box = box_conservation(BoxId{static_cast<uint8_t>(id)});
    sum.originated += box.originated;
    sum.dropped += box.dropped;
    sum.held += box.held;
  }
  for (size_t link = 0; link < link_counters_.size(); ++link) {
    sum.held += packets_on(LinkId{static_cast<uint8_t>(link)});
    for (const auto& counters : link_counters_[link]) {
      sum.received += counters->received_packets.get();
      sum.originated += counters->originated.get();
      sum.sent += counters->sent_packets.get();
      for (const Counter& dropped : counters->dropped) {
        sum.dropped += dropped.get();
      }
    }
  }
  sum.held += waiting_packets() + handoff_.packets();
  return sum;
}

}  // namespace lapse
