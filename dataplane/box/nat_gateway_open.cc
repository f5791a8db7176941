// A NAT gateway's new flows: their record, their address and their port.
#include "dataplane/box/flow_event.h"
#include "dataplane/box/nat_gateway_turn.h"
#include "dataplane/box/tcp_tracker.h"

namespace lapse {
namespace {

constexpr uint32_t kMaxProbes = 64;      // ports tried for one packet
constexpr size_t kReapWhenCrowded = 64;  // records looked at for a packet that finds no port or no place

// The answers of a flow come from its destination to the NAT address: that address and port are the translation.
PortPair port_pair(const FiveTuple& reply) {
  return {reply.destination, reply.source, reply.source_port, reply.protocol};
}

}  // namespace

// A new flow. Whatever fails takes back everything that was done before it.
NatGateway::Turn::Outcome NatGateway::Turn::open(Packet* packet, uint64_t hash) {
  FlowRef flow = table_.open(out_.worker(), tick_, *this);
  if (!flow) {
    reject(packet, DropReason::kTableFull);
    return Outcome::kDone;
  }
  flow.record->protocol = packet->tuple.protocol;
  flow.record->scope = packet->tuple.scope;
  flow.record->set_original(packet->tuple);
  if (!take_port(flow, packet->tuple)) {
    table_.roll_back(flow);
    reject(packet, DropReason::kPortsExhausted);
    return Outcome::kDone;
  }
  if (table_.put(flow, Direction::kOriginal, hash, tick_, *this) == FlowTable::Put::kTaken) {
    const FiveTuple reply = flow.record->reply();
    table_.roll_back(flow);
    box_.ports.give_back(port_pair(reply), reply.destination_port);
    // Another worker was first, or the index is crowded by earlier flows of this key that ended in this burst.
    table_.reap(out_.worker(), tick_, kReapWhenCrowded, *this);
    return Outcome::kLookAgain;
  }
  TimeoutClass timeout_class = TimeoutClass::kIcmp;
  if (packet->kind == PacketKind::kTcp) {
    start_tracking(*flow.record, read_segment(*packet));
    timeout_class = TimeoutClass::kTcpSyn;
  } else if (packet->kind == PacketKind::kUdp) {
    timeout_class = TimeoutClass::kUdp;
  }
  table_.publish(flow, TcpState::kSynSent, timeout_class, tick_);
  out_.emit(flow_event(EventKind::kFlowNew, flow, *packet, kInside, now_));
  send(packet, flow, kOutside);
  return Outcome::kDone;
}

bool NatGateway::Turn::take_port(FlowRef& opening, const FiveTuple& original) {
  uint32_t probes = 0;
  if (take_port_of_any(opening, original, probes)) {
    return true;
  }
  // A port that a dead flow holds counts as free at once. The wheel names the dead; where more of them wait than may be
  // looked at now, one of this destination is met by chance.
  const size_t reaped = table_.reap(out_.worker(), tick_, kReapWhenCrowded, *this);
  if (reaped == kReapWhenCrowded) {
    bury_a_dead_holder(original);
  }
  return reaped > 0 && take_port_of_any(opening, original, probes);
}

// Flows are spread over the addresses by chance, never by client; an address without a free port is passed over.
bool NatGateway::Turn::take_port_of_any(FlowRef& opening, const FiveTuple& original, uint32_t& probes) {
  const NatAddresses::Active addresses = box_.addresses.active();
  const uint32_t first = worker_.random.below(addresses.count());
  for (uint32_t i = 0; i < addresses.count(); ++i) {
    if (take_port_of(addresses[(first + i) % addresses.count()], opening, original, probes)) {
      return true;
    }
  }
  return false;
}

// The table's put-if-absent of the reply key is the allocation; the allocator counts, and guesses well.
bool NatGateway::Turn::take_port_of(Ipv4Address nat_address, FlowRef& opening, const FiveTuple& original,
                                    uint32_t& probes) {
  FiveTuple reply = original.reversed();
  reply.destination = nat_address;
  const PortPair pair = port_pair(reply);
  if (probes == kMaxProbes || !box_.ports.take(pair)) {
    return false;
  }
  for (uint32_t attempt = 0; probes < kMaxProbes; ++attempt, ++probes) {
    reply.destination_port = box_.ports.candidate(pair, worker_.random.next(), attempt);
    opening.record->set_reply(reply);
    const auto put = table_.put(opening, Direction::kReply, table_.hash(reply), tick_, *this);
    box_.ports.mark_used(pair, reply.destination_port);
    if (put == FlowTable::Put::kInserted) {
      return true;
    }
  }
  box_.ports.give_back(pair, Be16{});
  return false;
}

void NatGateway::Turn::bury_a_dead_holder(const FiveTuple& original) {
  const NatAddresses::Active addresses = box_.addresses.active();
  FiveTuple reply = original.reversed();
  for (uint32_t probe = 0; probe < kMaxProbes; ++probe) {
    reply.destination = addresses[worker_.random.below(addresses.count())];
    reply.destination_port = be16(static_cast<uint16_t>(kFirstPort + worker_.random.below(kPortCount)));
    const FlowRef flow = table_.find(reply, table_.hash(reply));
    const auto expired = flow ? table_.expired(flow, tick_) : std::nullopt;
    if (expired && table_.kill(flow)) {
      on_expired(flow, *expired);
      return;
    }
  }
}

void NatGateway::Turn::reject(Packet* packet, DropReason reason) {
  Event event = packet_event(EventKind::kRejected, *packet, now_);
  event.side = kInside;
  event.reason = reason;
  out_.emit(event);
  out_.drop(packet, reason);
}

void NatGateway::Turn::give_port_back(const FlowRef& flow) {
  const FiveTuple reply = flow.record->reply();
  box_.ports.give_back(port_pair(reply), reply.destination_port);
}

}  // namespace lapse
