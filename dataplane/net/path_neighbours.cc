// ARP, and the packets that wait for its answer.
#include "dataplane/net/path.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/emit.h"

namespace lapse {

void Path::handle_arp(LinkId link, Packet* packet, const Now& now) {
  const auto& arp = packet->header_at<ArpHeader>(packet->l3_offset);
  const InterfaceId asked = network_->find_by_address(link, arp.target_address);
  if (asked == kNoInterface) {
    drop(link, packet, DropReason::kNotForUs);
    return;
  }
  // A probe (RFC 5227) has no sender address: there is nothing to learn from it.
  if (arp.sender_address != Ipv4Address{}) {
    network_->neighbours().learn(link, arp.sender_address, arp.sender_mac, now.real);
    network_->handoff().wake_others(worker_);
  }
  if (arp.operation != kArpRequest) {
    drop(link, packet, DropReason::kConsumed);
    retry_waiting(now);
    return;
  }
  Packet* reply = pool_->allocate();
  if (reply == nullptr) {
    drop(link, packet, DropReason::kPoolEmpty);
    return;
  }
  write_arp_reply(*packet, network_->interface(asked).mac, *reply);
  drop(link, packet, DropReason::kAnswered);
  counters(link).originated.add();
  reply->from_interface = asked;
  carry(reply, link, now);
}

void Path::wait(InterfaceId from, Packet* packet, Ipv4Address next_hop, const Now& now) {
  size_t same = 0;
  for (size_t i = 0; i < waiting_count_; ++i) {
    same += waiting_[i].next_hop == next_hop && waiting_[i].from == from ? 1 : 0;
  }
  if (waiting_count_ == waiting_.size() || same == kWaitingPerNeighbour) {
    drop_on_leaving(from, packet, DropReason::kNeighbourQueueFull, now);
    return;
  }
  waiting_[waiting_count_++] = {packet, from, next_hop, now.real + kWaitFor};
  network_->waiting(worker_).add();
}

void Path::retry_waiting(const Now& now) {
  lessons_seen_ = network_->neighbours().lessons();
  size_t kept = 0;
  const size_t count = waiting_count_;
  for (size_t i = 0; i < count; ++i) {
    const Waiting waiting = waiting_[i];
    const LinkId link = network_->interface(waiting.from).link;
    const auto answer = network_->neighbours().find(link, waiting.next_hop, now.real);
    if (answer.mac) {
      network_->waited(worker_).add();
      send_to(waiting.from, waiting.packet, *answer.mac, now);
    } else if (now.real >= waiting.deadline) {
      network_->waited(worker_).add();
      drop_on_leaving(waiting.from, waiting.packet, DropReason::kNeighbourUnreachable, now);
    } else {
      if (answer.ask) {
        ask(waiting.from, waiting.next_hop, now);
      }
      waiting_[kept++] = waiting;
    }
  }
  waiting_count_ = kept;
}

void Path::ask(InterfaceId from, Ipv4Address address, const Now& now) {
  const Interface& interface = network_->interface(from);
  Packet* request = pool_->allocate();
  if (request == nullptr) {
    return;  // asked again after Neighbours::kRequestInterval
  }
  write_arp_request(interface.mac, interface.addresses.front(), address, *request);
  counters(interface.link).originated.add();
  request->from_interface = from;
  carry(request, interface.link, now);
}

}  // namespace lapse
