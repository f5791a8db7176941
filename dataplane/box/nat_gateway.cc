#include "dataplane/box/nat_gateway.h"

#include <algorithm>
#include <cassert>

#include "dataplane/box/flow_event.h"
#include "dataplane/box/random.h"
#include "dataplane/box/tcp_tracker.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/rewrite.h"
#include "dataplane/wire/tcp.h"

namespace lapse {
namespace {

constexpr size_t kMaxOutsideAddresses = 8;
constexpr uint32_t kMaxProbes = 64;      // ports tried for one packet
constexpr size_t kReapWhenCrowded = 64;  // records looked at for a packet that finds no port or no place
constexpr int kMaxRaces = 64;            // swaps lost for one packet

// What another worker did in the middle of a decision is answered by making the decision again.
enum class Outcome : uint8_t { kDone, kLookAgain };

struct alignas(64) NatWorker {
  explicit NatWorker(uint64_t seed) : random(seed) {}
  Random random;
};

constexpr bool has_ended(TcpState state) {
  return state == TcpState::kBothClosed || state == TcpState::kReset;
}
constexpr bool is_half_open(TcpState state) {
  return state == TcpState::kSynSent || state == TcpState::kSynReceived;
}

bool is_echo_request(const Packet& packet) {
  return packet.header_at<IcmpHeader>(packet.l4_offset).type == kIcmpEchoRequest;
}

bool opens_a_connection(const Packet& packet) {
  return (packet.tcp_flags & (kTcpSyn | kTcpAck)) == kTcpSyn;
}

}  // namespace

struct NatGateway::Impl {
  Impl(const Config& settings, Quiescence& quiescence)
      : config(settings),
        table({.capacity = settings.capacity,
               .workers = settings.workers,
               .comparator = Comparator::kAtLeast,
               .hash_key = settings.hash_key},
              quiescence),
        ports({.flow_capacity = settings.capacity,
               .limit = settings.ports_per_destination,
               .hash_key = settings.hash_key}) {
    assert(!config.outside_addresses.empty() && config.outside_addresses.size() <= kMaxOutsideAddresses);
    assert(config.workers >= 1 && config.workers <= kMaxWorkers);
    for (size_t worker = 0; worker < config.workers; ++worker) {
      workers.emplace_back(config.random_seed + worker);
    }
    for (size_t timeout_class = 0; timeout_class < kTimeoutClassCount; ++timeout_class) {
      table.timeouts().set(static_cast<TimeoutClass>(timeout_class), config.timeouts[timeout_class]);
    }
  }

  bool is_own(Ipv4Address address) const {
    return std::find(config.outside_addresses.begin(), config.outside_addresses.end(), address) !=
           config.outside_addresses.end();
  }

  const Config config;
  FlowTable table;
  PortAllocator ports;
  std::vector<NatWorker> workers;
};

namespace {

// The answers of a flow come from its destination to the NAT address: that address and port are the translation.
PortPair port_pair(const FiveTuple& reply) {
  return {reply.destination, reply.source, reply.source_port, reply.protocol};
}

}  // namespace

// One call of process() or advance(): the box, the worker that makes the call, its time and its output.
class NatGateway::Turn final : public ExpiryListener {
 public:
  Turn(Impl& box, const Now& now, Output& out)
      : table_(box.table),
        box_(box),
        worker_(box.workers[index(out.worker())]),
        now_(now),
        tick_(to_tick(now.now)),
        last_jump_(to_tick(now.last_jump)),
        out_(out) {
    assert(index(out.worker()) < box.workers.size());
  }

  void decide(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess);
  void on_expired(const FlowRef& flow, Tick deadline) override;

 private:
  bool match(const Packet& packet, Direction direction, uint64_t hash, FlowTable::Guess guess, FlowRef& flow);
  Outcome pass(FlowRef& flow, Packet* packet, Side side);
  Outcome follow_tcp(FlowRef& flow, const Packet& packet, Side side);
  void announce(TcpState before, const FlowRef& flow, const Packet& packet, Side side);
  Outcome handle_unmatched(Packet* packet, Side side, uint64_t hash);
  Outcome handle_unmatched_inside(Packet* packet, uint64_t hash);
  void handle_unmatched_outside(Packet* packet);
  Outcome open(Packet* packet, uint64_t hash);
  bool take_port(FlowRef& opening, const FiveTuple& original);
  bool take_port_of_any(FlowRef& opening, const FiveTuple& original, uint32_t& probes);
  bool take_port_of(Ipv4Address nat_address, FlowRef& opening, const FiveTuple& original, uint32_t& probes);
  void bury_a_dead_holder(const FiveTuple& original);
  void reject(Packet* packet, DropReason reason);
  void translate(Packet& packet, const FlowRef& flow);
  void give_port_back(const FlowRef& flow);

  FlowTable& table_;
  Impl& box_;
  NatWorker& worker_;
  const Now& now_;
  const Tick tick_;
  const Tick last_jump_;
  Output& out_;
};

// Every way ends with the packet forwarded, dropped or answered.
void NatGateway::Turn::decide(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess) {
  const Direction direction = side == kInside ? Direction::kOriginal : Direction::kReply;
  switch (packet->kind) {
    case PacketKind::kTcp:
    case PacketKind::kUdp:
    case PacketKind::kIcmpQuery:
      break;
    case PacketKind::kIcmpOther:
      out_.drop(packet, DropReason::kIcmpType);
      return;
    default:
      out_.drop(packet, DropReason::kProtocol);
      return;
  }
  for (int races = 0; races < kMaxRaces; ++races) {
    FlowRef flow;
    const Outcome outcome =
        match(*packet, direction, hash, guess, flow) ? pass(flow, packet, side) : handle_unmatched(packet, side, hash);
    if (outcome == Outcome::kDone) {
      return;
    }
  }
  out_.drop(packet, DropReason::kRace);
}

// The living flow that 'packet' belongs to. Inside speaks by original keys only and outside by reply keys only; a
// request and its reply can share a tuple when the identifier is 0.
bool NatGateway::Turn::match(const Packet& packet, Direction direction, uint64_t hash, FlowTable::Guess guess,
                             FlowRef& flow) {
  if (packet.kind == PacketKind::kIcmpQuery && is_echo_request(packet) != (direction == Direction::kOriginal)) {
    return false;
  }
  for (;;) {
    if (!table_.find(packet.tuple, hash, guess, flow) || flow.direction != direction) {
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

Outcome NatGateway::Turn::pass(FlowRef& flow, Packet* packet, Side side) {
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
  translate(*packet, flow);
  out_.forward(packet, side == kInside ? kOutside : kInside);
  return Outcome::kDone;
}

Outcome NatGateway::Turn::follow_tcp(FlowRef& flow, const Packet& packet, Side side) {
  const TcpSegment segment = read_segment(packet);
  const TcpState before = flow.control.tcp_state;
  if ((segment.flags & kTcpRst) != 0 && !reset_is_plausible(*flow.record, flow.direction, before, segment)) {
    return Outcome::kDone;
  }
  const TcpState after = next(before, tcp_event(flow.direction, segment.flags));
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

Outcome NatGateway::Turn::handle_unmatched(Packet* packet, Side side, uint64_t hash) {
  if (side == kInside) {
    return handle_unmatched_inside(packet, hash);
  }
  handle_unmatched_outside(packet);
  return Outcome::kDone;
}

// aws-behaviour 2.1: L1, L4, L5, L6, and L8 for what is addressed to the gateway itself.
Outcome NatGateway::Turn::handle_unmatched_inside(Packet* packet, uint64_t hash) {
  if (box_.is_own(packet->tuple.destination)) {
    out_.drop(packet, DropReason::kHairpin);
  } else if (box_.is_own(packet->tuple.source)) {
    out_.drop(packet, DropReason::kIpv4Address);
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
  if (!box_.is_own(packet->tuple.destination)) {
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

// A new flow. Whatever fails takes back everything that was done before it.
Outcome NatGateway::Turn::open(Packet* packet, uint64_t hash) {
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
  translate(*packet, flow);
  out_.forward(packet, kOutside);
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
  const auto& addresses = box_.config.outside_addresses;
  const auto count = static_cast<uint32_t>(addresses.size());
  const uint32_t first = worker_.random.below(count);
  for (uint32_t i = 0; i < count; ++i) {
    if (take_port_of(addresses[(first + i) % count], opening, original, probes)) {
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
  FiveTuple reply = original.reversed();
  for (uint32_t probe = 0; probe < kMaxProbes; ++probe) {
    const auto& addresses = box_.config.outside_addresses;
    reply.destination = addresses[worker_.random.below(static_cast<uint32_t>(addresses.size()))];
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

void NatGateway::Turn::translate(Packet& packet, const FlowRef& flow) {
  if (flow.direction == Direction::kOriginal) {
    rewrite_source(packet, flow.record->reply_destination, flow.record->reply_destination_port);
  } else {
    rewrite_destination(packet, flow.record->original_source, flow.record->original_source_port);
  }
}

// aws-behaviour 2.2: the expiry itself tells nobody.
void NatGateway::Turn::on_expired(const FlowRef& flow, Tick deadline) {
  give_port_back(flow);
  out_.emit(expiry_event(flow, deadline, table_.timeouts(), now_));
}

void NatGateway::Turn::give_port_back(const FlowRef& flow) {
  const FiveTuple reply = flow.record->reply();
  box_.ports.give_back(port_pair(reply), reply.destination_port);
}

NatGateway::NatGateway(const Config& config, Quiescence& quiescence)
    : impl_(std::make_unique<Impl>(config, quiescence)) {}
NatGateway::~NatGateway() = default;

// Three passes, so that the memory latencies of a burst overlap. The last one looks each key up again: an earlier
// packet of the same burst may have made or ended its flow.
void NatGateway::process(std::span<Packet* const> burst, Side side, const Now& now, Output& out) {
  assert(burst.size() <= kBurst && out.has_room() >= burst.size());
  std::array<uint64_t, kBurst> hashes;
  for (size_t i = 0; i < burst.size(); ++i) {
    hashes[i] = impl_->table.hash(burst[i]->tuple);
    impl_->table.prefetch_bucket(hashes[i]);
  }
  std::array<FlowTable::Guess, kBurst> guesses;
  impl_->table.prefetch_records({hashes.data(), burst.size()}, guesses.data());
  Turn turn(*impl_, now, out);
  for (size_t i = 0; i < burst.size(); ++i) {
    turn.decide(burst[i], side, hashes[i], guesses[i]);
  }
}

void NatGateway::advance(const Now& now, size_t budget, Output& out) {
  Turn turn(*impl_, now, out);
  impl_->table.advance(out.worker(), to_tick(now.now), budget, turn);
}

std::optional<Instant> NatGateway::next_deadline(WorkerId worker, const Now& now) const {
  const auto tick = impl_->table.next_deadline(worker, to_tick(now.now));
  if (!tick) {
    return std::nullopt;
  }
  return std::max(now.now, to_instant(*tick, now.now));
}

FlowTable* NatGateway::flows() {
  return &impl_->table;
}

}  // namespace lapse
