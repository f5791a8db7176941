#include "dataplane/box/nat_gateway_turn.h"

#include <cassert>

#include "dataplane/box/flow_event.h"
#include "dataplane/box/tcp_tracker.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/icmp_quote.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/rewrite.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/tcp_options.h"

namespace lapse {
namespace {

constexpr int kMaxRaces = 64;  // swaps lost for one packet

constexpr bool has_ended(TcpState state) {
  return state == TcpState::kBothClosed || state == TcpState::kReset;
}
constexpr bool is_half_open(TcpState state) {
  return state == TcpState::kSynSent || state == TcpState::kSynReceived;
}

constexpr Direction direction_from(Side side) {
  return side == NatGateway::kInside ? Direction::kOriginal : Direction::kReply;
}

bool is_echo_request(const Packet& packet) {
  return packet.header_at<IcmpHeader>(packet.l4_offset).type == kIcmpEchoRequest;
}

bool opens_a_connection(const Packet& packet) {
  return (packet.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
}

}  // namespace

bool asks_the_other_way(const Packet& packet, Direction direction) {
  return packet.kind == PacketKind::kIcmpQuery && is_echo_request(packet) != (direction == Direction::kOriginal);
}

NatGateway::Turn::Turn(Impl& box, const Now& now, Output& out, size_t to_decide)
    : table_(box.table),
      box_(box),
      worker_(*box.workers[index(out.worker())]),
      now_(now),
      tick_(to_tick(now.now)),
      last_jump_(to_tick(now.last_jump)),
      out_(out),
      to_decide_(to_decide) {
  assert(index(out.worker()) < box.workers.size());
}

void NatGateway::Turn::decide(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess) {
  --to_decide_;
  if (!box_.ceiling.admits(size_t{packet->length} - packet->l3_offset, now_.now)) [[unlikely]] {
    out_.drop(packet, DropReason::kRateLimit);
    return;
  }
  if (packet->part != Part::kWhole) [[unlikely]] {
    decide_fragment(packet, side, hash, guess);
    return;
  }
  switch (packet->kind) {
    case PacketKind::kTcp:
    case PacketKind::kUdp:
    case PacketKind::kIcmpQuery:
      decide_flow(packet, side, hash, guess);
      return;
    case PacketKind::kIcmpError:
      decide_error(packet, side, hash, guess);
      return;
    case PacketKind::kIcmpOther:
      out_.drop(packet, DropReason::kIcmpType);
      return;
    default:
      out_.drop(packet, DropReason::kProtocol);
      return;
  }
}

void NatGateway::Turn::decide_flow(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess) {
  const Direction direction = direction_from(side);
  const bool other_way = asks_the_other_way(*packet, direction);
  for (int races = 0; races < kMaxRaces; ++races) {
    FlowRef flow;
    const Outcome outcome = !other_way && match(packet->tuple, direction, hash, guess, flow)
                                ? pass(flow, packet, side)
                                : handle_unmatched(packet, side, hash);
    if (outcome == Outcome::kDone) {
      return;
    }
  }
  out_.drop(packet, DropReason::kRace);
}

// RFC 5508 REQ-3 to REQ-5, REQ-7: the error goes the way of the flow that it is about, and neither refreshes nor ends it.
void NatGateway::Turn::decide_error(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess) {
  FlowRef flow;
  if (!quote_is_sound(*packet)) {
    out_.drop(packet, DropReason::kIcmpQuote);
  } else if (box_.addresses.owns(packet->tuple.source)) {
    out_.drop(packet, DropReason::kIpv4Address);
  } else if (!match(tuple_of_quoted_flow(*packet), direction_from(side), hash, guess, flow)) {
    out_.drop(packet, DropReason::kUnsolicited);
  } else if (side == kInside) {
    rewrite_error_source(*packet, flow.record->reply_destination, flow.record->reply_destination_port);
    out_.forward(packet, kOutside);
  } else {
    rewrite_error_destination(*packet, flow.record->original_source, flow.record->original_source_port);
    out_.forward(packet, kInside);
  }
}

// aws-behaviour 3.2. Only the first fragment has ports; whatever becomes of it becomes of the others.
void NatGateway::Turn::decide_fragment(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess) {
  if (static_cast<Protocol>(packet->tuple.protocol) != Protocol::kUdp) {
    out_.drop(packet, DropReason::kFragment);
    return;
  }
  const FragmentStore::Verdict verdict = worker_.fragments.admit(packet, side, now_.real, out_);
  switch (verdict.fate) {
    case FragmentStore::Fate::kFirst:
      first_fragment_passed_ = false;
      decide_flow(packet, side, hash, guess);
      if (first_fragment_passed_) {
        send_ready_fragments();
      } else {
        worker_.fragments.refuse(out_);
      }
      break;
    case FragmentStore::Fate::kFollows:
      send_fragment(packet, verdict.rewrite);
      break;
    case FragmentStore::Fate::kHeld:
      break;
    case FragmentStore::Fate::kDropped:
      out_.drop(packet, verdict.reason);
      break;
  }
}

void NatGateway::Turn::send_fragment(Packet* packet, const FragmentRewrite& rewrite) {
  if (rewrite.to == kOutside) {
    rewrite_source(*packet, rewrite.address, {});
  } else {
    rewrite_destination(*packet, rewrite.address, {});
  }
  set_identification(*packet, rewrite.identification);
  out_.forward(packet, rewrite.to);
}

void NatGateway::Turn::send_ready_fragments() {
  while (out_.has_room() > to_decide_) {
    const auto ready = worker_.fragments.take_ready();
    if (!ready) {
      return;
    }
    send_fragment(ready->packet, ready->rewrite);
  }
}

// The living flow with 'key'. Inside speaks by original keys only and outside by reply keys only; a request and its reply
// can share a tuple when the identifier is 0.
bool NatGateway::Turn::match(const FiveTuple& key, Direction direction, uint64_t hash, FlowTable::Guess guess,
                             FlowRef& flow) {
  for (;;) {
    if (!table_.find(key, hash, guess, flow) || flow.direction != direction) {
      return false;
    }
    const auto expired = table_.expired(flow, tick_);
    if (!expired) {
      return true;
    }
    if (table_.kill(flow)) {
      on_expired(flow, *expired);
      return false;
    }
  }
}

NatGateway::Turn::Outcome NatGateway::Turn::pass(FlowRef& flow, Packet* packet, Side side) {
  if (packet->kind == PacketKind::kTcp) {
    if (follow_tcp(flow, *packet, side) == Outcome::kLookAgain) {
      return Outcome::kLookAgain;
    }
  } else if (packet->kind == PacketKind::kUdp && flow.direction == Direction::kReply &&
             flow.control.timeout_class == TimeoutClass::kUdp) {
    if (!table_.transition(flow, flow.control.tcp_state, TimeoutClass::kUdpStream)) {
      return Outcome::kLookAgain;
    }
  }
  table_.stamp(flow, tick_, last_jump_);
  send(packet, flow, side == kInside ? kOutside : kInside);
  return Outcome::kDone;
}

NatGateway::Turn::Outcome NatGateway::Turn::follow_tcp(FlowRef& flow, const Packet& packet, Side side) {
  const TcpSegment segment = read_segment(packet);
  const TcpState before = flow.control.tcp_state;
  const TcpState after = next(before, tcp_event(flow.direction, segment.flags));
  if (after != before && !may_change_state(*flow.record, flow.direction, before, segment)) {
    return Outcome::kDone;
  }
  if (after == TcpState::kReopen) {
    if (table_.kill(flow)) {
      give_port_back(flow);
    }
    return Outcome::kLookAgain;
  }
  if (after != before && !table_.transition(flow, after, timeout_class(after))) {
    return Outcome::kLookAgain;
  }
  track(*flow.record, flow.direction, before, segment);
  if (after != before) {
    announce(before, flow, packet, side);
  }
  return Outcome::kDone;
}

void NatGateway::Turn::announce(TcpState before, const FlowRef& flow, const Packet& packet, Side side) {
  const TcpState after = flow.control.tcp_state;
  if (after == TcpState::kSynReceived) {
    out_.count_answered_flow();
  } else if (after == TcpState::kEstablished && is_half_open(before)) {
    out_.emit(flow_event(EventKind::kFlowEstablished, flow, packet, side, now_));
  } else if (has_ended(after) && !has_ended(before)) {
    out_.emit(flow_event(EventKind::kFlowClosed, flow, packet, side, now_));
  } else if (after == TcpState::kOpenerClosed || after == TcpState::kResponderClosed) {
    out_.emit(flow_event(EventKind::kFlowClosing, flow, packet, side, now_));
  }
}

// RFC 1812 section 5.3.8: nobody else sends from one of the gateway's own addresses.
NatGateway::Turn::Outcome NatGateway::Turn::handle_unmatched(Packet* packet, Side side, uint64_t hash) {
  if (box_.addresses.owns(packet->tuple.source)) {
    out_.drop(packet, DropReason::kIpv4Address);
    return Outcome::kDone;
  }
  if (side == kInside) {
    return handle_unmatched_inside(packet, hash);
  }
  handle_unmatched_outside(packet);
  return Outcome::kDone;
}

// aws-behaviour 2.1: L1, L4, L5, L6, and L8 for what is addressed to the gateway itself.
NatGateway::Turn::Outcome NatGateway::Turn::handle_unmatched_inside(Packet* packet, uint64_t hash) {
  if (box_.addresses.owns(packet->tuple.destination)) {
    out_.drop(packet, DropReason::kHairpin);
  } else if (packet->kind == PacketKind::kIcmpQuery && !is_echo_request(*packet)) {
    out_.drop(packet, DropReason::kUnsolicited);
  } else if (packet->kind != PacketKind::kTcp || opens_a_connection(*packet)) {
    return open(packet, hash);
  } else if ((packet->tcp_flags & kTcpRst) != 0) {
    out_.drop(packet, DropReason::kStrayReset);
  } else {
    handle_late(packet, kInside, box_.config.late_inside, now_, out_);
  }
  return Outcome::kDone;
}

// aws-behaviour 2.1: L2 or L3 (C-1), L7, L8. A router would not carry a packet for somebody else into the inside.
void NatGateway::Turn::handle_unmatched_outside(Packet* packet) {
  const bool is_tcp = packet->kind == PacketKind::kTcp;
  if (!box_.addresses.owns(packet->tuple.destination)) {
    out_.drop(packet, DropReason::kUnsolicited);
  } else if (is_tcp && (packet->tcp_flags & kTcpRst) != 0) {
    out_.drop(packet, DropReason::kStrayReset);
  } else if (is_tcp ? opens_a_connection(*packet)
                    : packet->kind == PacketKind::kIcmpQuery && is_echo_request(*packet)) {
    out_.drop(packet, DropReason::kUnsolicited);
  } else {
    handle_late(packet, kOutside, box_.config.late_outside, now_, out_);
  }
}

// Translated, and with an identification of the gateway's own where fragments of it could meet others on their way.
void NatGateway::Turn::send(Packet* packet, const FlowRef& flow, Side to) {
  if (to == kOutside) {
    rewrite_source(*packet, flow.record->reply_destination, flow.record->reply_destination_port);
  } else {
    rewrite_destination(*packet, flow.record->original_source, flow.record->original_source_port);
  }
  if ((packet->tcp_flags & kTcpSyn) != 0 && box_.mss_limits[index(to)] != 0) [[unlikely]] {
    clamp_mss(*packet, box_.mss_limits[index(to)]);
  }
  if (!must_not_be_fragmented(packet->header_at<Ipv4Header>(packet->l3_offset)) || packet->part != Part::kWhole) {
    const FiveTuple& tuple = packet->tuple;
    const Be16 identification = worker_.identifications.next(tuple.source, tuple.destination, tuple.protocol);
    set_identification(*packet, identification);
    if (packet->part == Part::kFirst) {
      worker_.fragments.pass_on({to == kOutside ? tuple.source : tuple.destination, identification, to});
      first_fragment_passed_ = true;
    }
  }
  out_.forward(packet, to);
}

void NatGateway::Turn::end_flows_of_released_addresses(size_t budget) {
  const uint32_t releases = box_.addresses.releases();
  if (worker_.releases_seen == releases) [[likely]] {
    return;
  }
  if (worker_.next_to_check == 0) {
    worker_.releases_sought = releases;
  }
  const uint32_t count = table_.record_count();
  for (; budget > 0 && worker_.next_to_check < count; --budget, ++worker_.next_to_check) {
    const auto flow = table_.snapshot(FlowId{worker_.next_to_check});
    if (!flow || box_.addresses.owns(flow->reply.destination)) {
      continue;
    }
    const FlowRef found = table_.find(flow->reply, table_.hash(flow->reply));
    if (found && table_.kill(found)) {
      give_port_back(found);
      out_.emit(release_event(found, now_));
    }
  }
  if (worker_.next_to_check == count) {
    worker_.next_to_check = 0;
    worker_.releases_seen = worker_.releases_sought;
  }
}

// aws-behaviour 2.2: the expiry itself tells nobody.
void NatGateway::Turn::on_expired(const FlowRef& flow, Tick deadline) {
  give_port_back(flow);
  out_.emit(expiry_event(flow, deadline, table_.timeouts(), now_));
}

}  // namespace lapse
