#include "dataplane/box/nat_gateway.h"

#include <algorithm>
#include <cassert>

#include "dataplane/box/nat_gateway_turn.h"
#include "dataplane/wire/icmp_quote.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"

namespace lapse {
namespace {

constexpr uint64_t kIdentificationSeed = 0x6964;  // apart from the stream that ports are drawn from

// Of the flow that the packet belongs to or is about.
FiveTuple key_of(const Packet& packet) {
  return packet.kind == PacketKind::kIcmpError ? tuple_of_quoted_flow(packet) : packet.tuple;
}

// What fits into one segment behind headers without options.
constexpr uint16_t mss_of(uint16_t mtu) {
  return mtu == 0 ? uint16_t{0} : static_cast<uint16_t>(mtu - sizeof(Ipv4Header) - sizeof(TcpHeader));
}

}  // namespace

NatWorker::NatWorker(const NatGateway::Config& config, WorkerId id)
    : random(config.random_seed + index(id)),
      identifications(config.hash_key, config.random_seed ^ kIdentificationSeed, id, config.workers),
      fragments(config.hash_key) {}

NatGateway::Impl::Impl(const Config& settings, Quiescence& quiescence)
    : config(settings),
      table({.capacity = settings.capacity,
             .workers = settings.workers,
             .comparator = Comparator::kAtLeast,
             .hash_key = settings.hash_key},
            quiescence),
      ports(
          {.flow_capacity = settings.capacity, .limit = settings.ports_per_destination, .hash_key = settings.hash_key}),
      addresses(settings.outside_addresses),
      mss_limits{mss_of(settings.clamp_mss_to_mtu[0]), mss_of(settings.clamp_mss_to_mtu[1])},
      ceiling(settings.ceiling) {
  assert(config.workers >= 1 && config.workers <= kMaxWorkers);
  for (size_t worker = 0; worker < config.workers; ++worker) {
    workers.push_back(std::make_unique<NatWorker>(config, WorkerId{static_cast<uint8_t>(worker)}));
  }
  for (size_t timeout_class = 0; timeout_class < kTimeoutClassCount; ++timeout_class) {
    table.timeouts().set(static_cast<TimeoutClass>(timeout_class), config.timeouts[timeout_class]);
  }
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
    hashes[i] = impl_->table.hash(key_of(*burst[i]));
    impl_->table.prefetch_bucket(hashes[i]);
  }
  std::array<FlowTable::Guess, kBurst> guesses;
  impl_->table.prefetch_records({hashes.data(), burst.size()}, guesses.data());
  Turn turn(*impl_, now, out, burst.size());
  turn.send_ready_fragments();
  for (size_t i = 0; i < burst.size(); ++i) {
    turn.decide(burst[i], side, hashes[i], guesses[i]);
  }
  turn.send_ready_fragments();
}

void NatGateway::advance(const Now& now, size_t budget, Output& out) {
  Turn turn(*impl_, now, out);
  impl_->table.advance(out.worker(), to_tick(now.now), budget, turn);
  turn.send_ready_fragments();
  impl_->workers[index(out.worker())]->fragments.expire(now.real, budget, out);
  impl_->addresses.release_due(to_tick(now.now));
  turn.end_flows_of_released_addresses(budget);
}

std::optional<Instant> NatGateway::next_deadline(WorkerId worker, const Now& now) const {
  if (impl_->workers[index(worker)]->releases_seen != impl_->addresses.releases()) {
    return now.now;
  }
  const Tick tick = to_tick(now.now);
  std::optional<Instant> earliest;
  for (const auto deadline : {impl_->table.next_deadline(worker, tick), impl_->addresses.next_release(tick)}) {
    if (deadline && (!earliest || to_instant(*deadline, now.now) < *earliest)) {
      earliest = to_instant(*deadline, now.now);
    }
  }
  return earliest ? std::optional(std::max(now.now, *earliest)) : std::nullopt;
}

std::optional<Instant> NatGateway::next_retry(WorkerId worker, const Now& now) const {
  return impl_->workers[index(worker)]->fragments.next_deadline(now.real);
}

size_t NatGateway::held() const {
  size_t held = 0;
  for (const auto& worker : impl_->workers) {
    held += worker->fragments.held();
  }
  return held;
}

void NatGateway::drop_held(Output& out) {
  impl_->workers[index(out.worker())]->fragments.drop_all(DropReason::kShutdown, out);
}

bool NatGateway::owns(Side side, Ipv4Address address) const {
  return side == kOutside && impl_->addresses.owns(address);
}

// aws-behaviour 2.1 L8: what nobody inside asked for ends at the outside addresses, as does what inside sends to them.
bool NatGateway::would_pass(const Packet& packet, Side side, const Now& now) const {
  if (side == kInside) {
    return !impl_->addresses.owns(packet.tuple.destination) && !impl_->addresses.owns(packet.tuple.source);
  }
  if (packet.part == Part::kLater) {
    return true;  // without ports: its first fragment was the one to ask about
  }
  const FiveTuple key = key_of(packet);
  const FlowRef flow = impl_->table.find(key, impl_->table.hash(key));
  return flow && flow.direction == Direction::kReply && !asks_the_other_way(packet, flow.direction) &&
         !impl_->table.expired(flow, to_tick(now.now));
}

NatAddresses& NatGateway::addresses() {
  return impl_->addresses;
}

FlowTable* NatGateway::flows() {
  return &impl_->table;
}

}  // namespace lapse
