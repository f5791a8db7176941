// Where a packet's way ends before its time: answered, dropped, given back; and what is told of it.
#include <array>

#include "dataplane/frame_ring.h"
#include "dataplane/net/path.h"
#include "dataplane/wire/emit.h"

namespace lapse {

// By an ICMP error, where there may be one and a buffer for it.
void Path::answer(InterfaceId to, Packet* packet, DropReason reason, const Now& now) {
  const Interface& interface = network_->interface(to);
  Packet* error = may_be_answered_by_icmp(*packet) ? pool_->allocate() : nullptr;
  if (error == nullptr) {
    drop_on_entering(to, packet, reason, now);
    return;
  }
  if (reason == DropReason::kTtl) {
    write_time_exceeded(*packet, interface.addresses.front(), *error);
  } else {
    write_fragmentation_needed(*packet, interface.forward_mtu, interface.addresses.front(), *error);
  }
  Event event = packet_event(EventKind::kIcmpSent, *packet, now);
  event.box = interface.box;
  event.side = interface.side;
  event.reason = reason;
  event.told = Told::kSender;
  network_->box_counters(interface.box, worker_).count(event);
  if (events_ != nullptr) {
    events_->push(event);
  }
  drop_on_entering(to, packet, DropReason::kAnswered, now);
  counters(interface.link).originated.add();
  error->origin = Origin::kOriginated;
  leave(to, error, now);
}

void Path::drop(LinkId link, Packet* packet, DropReason reason) {
  counters(link).dropped[static_cast<size_t>(reason)].add();
  release(packet);
}

// By the link that the packet is on, or for want of a way to the next one. 'packet' is an IP packet.
void Path::drop_on_link(InterfaceId to, Packet* packet, DropReason reason, const Now& now) {
  if (trace_ == Trace::kPackets) {
    trace(EventKind::kPacketDropped, *packet, to, now, reason, kNoBox);
  }
  drop(packet->link, packet, reason);
}

void Path::drop_on_leaving(InterfaceId from, Packet* packet, DropReason reason, const Now& now) {
  packet->link = network_->interface(from).link;
  packet->from_interface = from;
  drop_on_link(kNoInterface, packet, reason, now);
}

// By the hop in front of a box: for whoever watches, by the box.
void Path::drop_on_entering(InterfaceId to, Packet* packet, DropReason reason, const Now& now) {
  if (trace_ == Trace::kPackets) {
    trace(EventKind::kPacketDropped, *packet, to, now, reason, network_->interface(to).box);
  }
  drop(network_->interface(to).link, packet, reason);
}

void Path::trace(EventKind kind, const Packet& packet, InterfaceId to, const Now& now, DropReason reason, BoxId box) {
  Event event = packet_event(kind, packet, now);
  event.reason = reason;
  event.box = box;
  event.link = packet.link;
  event.from_interface = packet.from_interface;
  event.to_interface = to;
  // What ends in front of a box was kept as it crossed the link.
  if (events_->frames() != nullptr && box == kNoBox) {
    event.frame = events_->frames()->push(packet, packet.link, now);
  }
  events_->push(event);
}

void Path::drop_held() {
  for (size_t i = 0; i < waiting_count_; ++i) {
    network_->waited(worker_).add();
    drop(network_->interface(waiting_[i].from).link, waiting_[i].packet, DropReason::kShutdown);
  }
  waiting_count_ = 0;
  for (size_t id = 0; id < network_->boxes().size(); ++id) {
    const BoxId box{static_cast<uint8_t>(id)};
    output_.begin(box, network_->box_counters(box, worker_));
    network_->box(box).drop_held(output_);
  }
  while (const auto under_way = stage_ == nullptr ? std::nullopt : stage_->take_due(Instant::max())) {
    counters(under_way->packet->link).released.add();
    drop(under_way->packet->link, under_way->packet, DropReason::kShutdown);
  }
  for (size_t from = 0; from < network_->workers(); ++from) {
    std::array<Packet*, kBurst> packets;
    const WorkerId other{static_cast<uint8_t>(from)};
    size_t count = 0;
    while (other != worker_ && (count = network_->handoff().pop(other, worker_, packets)) > 0) {
      for (size_t i = 0; i < count; ++i) {
        drop(packets[i]->link, packets[i], DropReason::kShutdown);
      }
    }
  }
}

}  // namespace lapse
