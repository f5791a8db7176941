#include "dataplane/net/path.h"

#include <algorithm>
#include <cassert>

#include "dataplane/net/distribution.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/fragment.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/rewrite.h"

namespace lapse {
namespace {

// Why a packet that comes in here cannot go on behind its box.
std::optional<DropReason> obstacle(const Interface& interface, const Packet& packet) {
  const auto& ip = packet.header_at<Ipv4Header>(packet.l3_offset);
  if (ip.ttl <= 1) [[unlikely]] {
    return DropReason::kTtl;
  }
  if (ip.total_length.host() > interface.forward_mtu && must_not_be_fragmented(ip)) [[unlikely]] {
    return DropReason::kTooBig;
  }
  return std::nullopt;
}

}  // namespace

Path::Path(WorkerId worker, Network& network, PacketPool& pool, EventRing* events, Trace trace)
    : worker_(worker),
      network_(&network),
      pool_(&pool),
      events_(events),
      trace_(events == nullptr ? Trace::kOff : trace),
      output_(worker, pool, events),
      stage_(network.has_impaired_links() ? std::make_unique<LinkStage>(worker, network) : nullptr),
      transmit_(network.links().size()) {
  for (size_t interface = 0; interface < network.interfaces().size(); ++interface) {
    pending_.push_back(std::make_unique<Pending>());
    pending_.back()->counters = &network.box_counters(network.interfaces()[interface].box, worker);
  }
  handed_.reserve((network.workers() - 1) * kBurst);
}

Path::~Path() {
  drop_held();
}

void Path::receive(LinkId link, std::span<Packet* const> frames, const Now& now) {
  if (work_ + frames.size() > kMuchWork) {
    serve_all(now);
  }
  LinkCounters& link_counters = counters(link);
  const bool distribute = network_->link(link).queues.distributes();
  link_counters.received_packets.add(frames.size());
  for (Packet* packet : frames) {
    link_counters.received_bytes.add(packet->length);
    packet->from_interface = kNoInterface;
    packet->hops = 0;
    if (const auto reason = parse(*packet)) {
      drop(link, packet, *reason);
      continue;
    }
    const WorkerId worker = worker_for(*packet, distribute);
    worker == worker_ ? carry(packet, link, now) : hand_over(worker, link, packet);
  }
}

// All fragments of a datagram meet on one worker, whichever queue they come by.
WorkerId Path::worker_for(const Packet& packet, bool distribute) const {
  if (packet.part != Part::kWhole) [[unlikely]] {
    return worker_of_fragment(packet.header_at<Ipv4Header>(packet.l3_offset), network_->workers());
  }
  if (!distribute || packet.kind == PacketKind::kArp) {
    return worker_;
  }
  return worker_of_flow(packet.tuple, network_->workers());
}

void Path::hand_over(WorkerId to, LinkId link, Packet* packet) {
  packet->link = link;
  if (!network_->handoff().push(worker_, to, packet)) {
    drop(link, packet, DropReason::kHandoffFull);
  }
}

size_t Path::take_handed() {
  assert(handed_.empty());
  for (size_t from = 0; from < network_->workers(); ++from) {
    const WorkerId other{static_cast<uint8_t>(from)};
    if (other == worker_) {
      continue;
    }
    std::array<Packet*, kBurst> packets;
    const size_t count = network_->handoff().pop(other, worker_, packets);
    for (size_t i = 0; i < count; ++i) {
      __builtin_prefetch(packets[i]);
    }
    handed_.insert(handed_.end(), packets.begin(), packets.begin() + count);
  }
  return handed_.size();
}

void Path::receive_handed(const Now& now) {
  for (Packet* packet : handed_) {
    if (work_ >= kMuchWork) {
      serve_all(now);
    }
    go_on_with(packet, now);
  }
  handed_.clear();
}

// What a packet needs next is in the packet: it is on its way out, or it has just come in.
void Path::go_on_with(Packet* packet, const Now& now) {
  if (packet->from_interface != kNoInterface) {
    put_on_wire(packet->link, packet);
  } else {
    carry(packet, packet->link, now);
  }
}

InterfaceId Path::station(LinkId link, const MacAddress& mac) {
  if (last_station_.link != link || last_station_.mac != mac) [[unlikely]] {
    last_station_ = {link, mac, network_->find_by_mac(link, mac)};
  }
  return last_station_.interface;
}

// A link is this one function: a frame put on it reaches the box side it is addressed to, or leaves the process; at once,
// or after what the link's impairments do to it.
void Path::carry(Packet* packet, LinkId link, const Now& now) {
  const bool from_outside = packet->from_interface == kNoInterface;
  packet->link = link;
  const auto& ethernet = packet->header_at<EthernetHeader>(0);
  if (packet->kind == PacketKind::kArp && from_outside) {
    handle_arp(link, packet, now);
    return;
  }
  const InterfaceId to = station(link, ethernet.destination);
  if (stage_ != nullptr && stage_->impairs(link) && packet->kind != PacketKind::kArp &&
      (to != kNoInterface || !from_outside)) [[unlikely]] {
    impair(to, packet, now);
  } else {
    arrive(to, packet, now);
  }
}

void Path::arrive(InterfaceId to, Packet* packet, const Now& now) {
  const LinkId link = packet->link;
  if (trace_ == Trace::kPackets && packet->kind != PacketKind::kArp) {
    trace(EventKind::kPacket, *packet, to, now, DropReason::kConsumed, kNoBox);
  }
  if (to != kNoInterface) {
    enter(to, packet, now);
    return;
  }
  if (packet->from_interface == kNoInterface || network_->link(link).port == nullptr) {
    drop(link, packet, DropReason::kNotForUs);
    return;
  }
  const WorkerId sender = network_->link(link).queues.sender_for(worker_);
  sender == worker_ ? put_on_wire(link, packet) : hand_over(sender, link, packet);
}

void Path::put_on_wire(LinkId link, Packet* packet) {
  TransmitBuffer& buffer = transmit_[index(link)];
  if (buffer.count == buffer.packets.size()) {
    flush(link);
  }
  buffer.packets[buffer.count++] = packet;
}

void Path::enter(InterfaceId to, Packet* packet, const Now& now) {
  const Interface& interface = network_->interface(to);
  if (++packet->hops > kMaxHops) {
    drop_on_entering(to, packet, DropReason::kLoop, now);
    return;
  }
  if (network_->is_own(interface.box, packet->tuple.source)) [[unlikely]] {
    drop_on_entering(to, packet, DropReason::kIpv4Address, now);
    return;
  }
  if (interface.own_addresses == OwnAddresses::kAnswerNothing && interface.owns(packet->tuple.destination)) {
    drop_on_entering(to, packet, DropReason::kUnsolicited, now);
    return;
  }
  // RFC 1812 section 5.3.1: what the box would not pass on need not be fit for the way on.
  if (const auto reason = obstacle(interface, *packet);
      reason && network_->box(interface.box).would_pass(*packet, interface.side, now)) [[unlikely]] {
    answer(to, packet, *reason, now);
    return;
  }
  Pending& pending = *pending_[index(to)];
  if (pending.count == Pending::kCapacity) {
    drop_on_entering(to, packet, DropReason::kLoop, now);
    return;
  }
  pending.counters->received_packets[index(interface.side)].add();
  pending.counters->received_bytes[index(interface.side)].add(packet->length);
  pending.packets[(pending.first + pending.count++) % Pending::kCapacity] = packet;
  ++work_;
}

void Path::serve_all(const Now& now) {
  while (work_ > 0) {
    for (size_t interface = 0; interface < pending_.size(); ++interface) {
      if (pending_[interface]->count > 0) {
        serve(InterfaceId{static_cast<uint8_t>(interface)}, now);
      }
    }
  }
}

void Path::run(const Now& now) {
  if (stage_ != nullptr) {
    take_arrivals(now);
  }
  serve_all(now);
  for (size_t link = 0; link < transmit_.size(); ++link) {
    if (transmit_[link].count > 0) {
      flush(LinkId{static_cast<uint8_t>(link)});
    }
  }
  network_->handoff().publish(worker_);
}

// One burst into one box side.
void Path::serve(InterfaceId id, const Now& now) {
  Pending& pending = *pending_[index(id)];
  std::array<Packet*, kBurst> burst;
  const size_t count = std::min(kBurst, pending.count);
  for (size_t i = 0; i < count; ++i) {
    burst[i] = pending.packets[(pending.first + i) % Pending::kCapacity];
  }
  pending.first = (pending.first + count) % Pending::kCapacity;
  pending.count -= count;
  work_ -= count;
  const Interface& interface = network_->interface(id);
  output_.begin(interface.box, network_->box_counters(interface.box, worker_), trace_at(now));
  network_->box(interface.box).process({burst.data(), count}, interface.side, now, output_);
  collect(interface.box, now);
}

void Path::collect(BoxId box, const Now& now) {
  for (const Output::Entry& entry : output_.entries()) {
    leave(network_->interface_of(box, entry.side), entry.packet, now);
  }
  output_.clear();
  last_hop_ = {};
}

// The hop around a box: lowers the TTL, writes itself down where that is asked for, picks the route, finds the next hop's
// address.
void Path::leave(InterfaceId from, Packet* packet, const Now& now) {
  const Interface& interface = network_->interface(from);
  if (packet->origin == Origin::kForwarded) {
    // The box was not going to pass it when it came in, and has learned better since.
    if (packet->header_at<Ipv4Header>(packet->l3_offset).ttl <= 1) [[unlikely]] {
      drop_on_leaving(from, packet, DropReason::kTtl, now);
      return;
    }
    lower_ttl(*packet);
    if (has_options(*packet)) [[unlikely]] {
      record_route(*packet, interface.addresses.front());
    }
  }
  if (packet->header_at<Ipv4Header>(packet->l3_offset).total_length.host() > interface.mtu) [[unlikely]] {
    leave_in_fragments(from, packet, now);
  } else {
    route(from, packet, now);
  }
}

// What must not be fragmented was answered as it came in.
void Path::leave_in_fragments(InterfaceId from, Packet* packet, const Now& now) {
  const Interface& interface = network_->interface(from);
  if (must_not_be_fragmented(packet->header_at<Ipv4Header>(packet->l3_offset))) {
    drop_on_leaving(from, packet, DropReason::kTooBig, now);
    return;
  }
  const size_t end = size_t{packet->length} - packet->l4_offset;
  std::array<Packet*, kMostFragments> others;
  size_t count = 0;
  for (size_t offset = fragment_payload(*packet, interface.mtu); offset < end; ++count) {
    others[count] = pool_->allocate();
    if (others[count] == nullptr) {
      pool_->release({others.data(), count});
      drop_on_leaving(from, packet, DropReason::kPoolEmpty, now);
      return;
    }
    offset += write_fragment(*packet, offset, interface.mtu, *others[count]);
    others[count]->hops = packet->hops;
  }
  cut_to_first_fragment(*packet, interface.mtu);
  route(from, packet, now);
  counters(interface.link).originated.add(count);
  for (size_t i = 0; i < count; ++i) {
    route(from, others[i], now);
  }
}

void Path::route(InterfaceId from, Packet* packet, const Now& now) {
  const Interface& interface = network_->interface(from);
  const auto next_hop = interface.routes.next_hop(packet->tuple.destination);
  if (!next_hop) {
    drop_on_leaving(from, packet, DropReason::kNoRoute, now);
    return;
  }
  if (from == last_hop_.from && *next_hop == last_hop_.address) [[likely]] {
    send_to(from, packet, last_hop_.mac, now);
    return;
  }
  if (const InterfaceId box_side = network_->find_by_address(interface.link, *next_hop); box_side != kNoInterface) {
    last_hop_ = {from, *next_hop, network_->interface(box_side).mac};
    send_to(from, packet, last_hop_.mac, now);
    return;
  }
  const auto answer = network_->neighbours().find(interface.link, *next_hop, now.real);
  if (answer.ask) {
    ask(from, *next_hop, now);
  }
  if (answer.mac) {
    last_hop_ = {from, *next_hop, *answer.mac};
    send_to(from, packet, *answer.mac, now);
  } else {
    wait(from, packet, *next_hop, now);
  }
}

void Path::send_to(InterfaceId from, Packet* packet, const MacAddress& next_hop, const Now& now) {
  const Interface& interface = network_->interface(from);
  auto& ethernet = packet->header_at<EthernetHeader>(0);
  ethernet.destination = next_hop;
  ethernet.source = interface.mac;
  packet->from_interface = from;
  carry(packet, interface.link, now);
}

void Path::flush(LinkId link) {
  TransmitBuffer& buffer = transmit_[index(link)];
  LinkCounters& link_counters = counters(link);
  const uint16_t queue = network_->link(link).queues.queue_of(worker_);
  uint64_t bytes = 0;
  for (size_t i = 0; i < buffer.count; ++i) {
    bytes += buffer.packets[i]->length;
  }
  size_t sent = 0;
  // A kernel port that takes only part of a burst has room again at once, or is full.
  for (int attempt = 0; attempt < 2 && sent < buffer.count; ++attempt) {
    sent += network_->link(link).port->transmit(queue, {buffer.packets.data() + sent, buffer.count - sent});
  }
  for (size_t i = sent; i < buffer.count; ++i) {
    bytes -= buffer.packets[i]->length;
    drop(link, buffer.packets[i], DropReason::kTransmitQueueFull);
  }
  link_counters.sent_packets.add(sent);
  link_counters.sent_bytes.add(bytes);
  buffer.count = 0;
}

void Path::advance(const Now& now, size_t budget) {
  for (size_t id = 0; id < network_->boxes().size(); ++id) {
    const BoxId box{static_cast<uint8_t>(id)};
    output_.begin(box, network_->box_counters(box, worker_), trace_at(now));
    network_->box(box).advance(now, budget, output_);
    collect(box, now);
  }
  if (waiting_count_ > 0) {
    retry_waiting(now);
  }
  run(now);
}

std::optional<Instant> Path::next_deadline(const Now& now) const {
  std::optional<Instant> earliest = stage_ == nullptr ? std::nullopt : stage_->next_arrival();
  for (const BoxSlot& slot : network_->boxes()) {
    const auto deadline = slot.box->next_deadline(worker_, now);
    if (deadline && (!earliest || *deadline < *earliest)) {
      earliest = deadline;
    }
  }
  return earliest;
}

std::optional<Instant> Path::next_retry(const Now& now) const {
  std::optional<Instant> earliest;
  if (waiting_count_ > 0) {
    earliest = now.real + Neighbours::kRequestInterval;
  }
  for (const BoxSlot& slot : network_->boxes()) {
    const auto retry = slot.box->next_retry(worker_, now);
    if (retry && (!earliest || *retry < *earliest)) {
      earliest = retry;
    }
  }
  return earliest;
}

bool Path::has_news() const {
  return network_->handoff().has_packets_for(worker_) ||
         (waiting_count_ > 0 && network_->neighbours().lessons() != lessons_seen_);
}

}  // namespace lapse
