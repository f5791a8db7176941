#include "tests/box/nat_bench.h"

#include <algorithm>

#include "dataplane/wire/parse.h"

namespace lapse::test {
namespace {

Seen look_at(Packet* packet) {
  Seen seen{.source = source_of(*packet), .destination = destination_of(*packet), .bytes = bytes_of(*packet)};
  if (packet->kind == PacketKind::kTcp) {
    seen.sequence = sequence_of(*packet);
    seen.acknowledgement = acknowledgement_of(*packet);
  } else if (packet->kind == PacketKind::kIcmpQuery) {
    seen.identifier = identifier_of(*packet);
  }
  release(packet);
  return seen;
}

}  // namespace

NatGateway::Config nat_config() {
  NatGateway::Config config;
  config.outside_addresses = {eip.address};
  config.capacity = 1024;
  config.hash_key = {0x0123456789abcdef, 0xfedcba9876543210};
  config.random_seed = 1;
  const auto set = [&config](TimeoutClass timeout_class, Duration timeout) {
    config.timeouts[static_cast<size_t>(timeout_class)] = timeout;
  };
  set(TimeoutClass::kTcpSyn, kSynTimeout);
  set(TimeoutClass::kTcpEstablished, kEstablishedTimeout);
  set(TimeoutClass::kTcpClosing, kClosingTimeout);
  set(TimeoutClass::kTcpClosed, kClosedTimeout);
  set(TimeoutClass::kUdp, kUdpTimeout);
  set(TimeoutClass::kUdpStream, kUdpStreamTimeout);
  set(TimeoutClass::kIcmp, kIcmpTimeout);
  set(TimeoutClass::kOther, 600s);
  return config;
}

NatBench::NatBench(const NatGateway::Config& config) : box_(std::make_unique<NatGateway>(config, quiescence_)) {
  clock_.advance(1h);
  quiescence_.online(Quiescence::slot(WorkerId{0}));
}

NatBench::~NatBench() {
  EXPECT_EQ(box_->held(), 0u) << "packets are still held";
  check_nothing_is_left("at the end");
  refill_pool();
  EXPECT_EQ(pool_.available(), pool_.count()) << "a packet leaked";
}

void NatBench::Wire::send_burst(std::span<const PacketBuilder> burst) {
  bench_.check_nothing_is_left("before the next packet");
  std::vector<Packet*> packets;
  for (const PacketBuilder& builder : burst) {
    packets.push_back(builder.build(bench_.pool_));
  }
  bench_.process(packets, side_);
}

void NatBench::Wire::send(const std::vector<PacketBuilder>& packets) {
  for (size_t first = 0; first < packets.size(); first += kBurst) {
    send_burst(std::span(packets).subspan(first, std::min(kBurst, packets.size() - first)));
  }
}

void NatBench::Wire::send_many(size_t count, const PacketBuilder& packet) {
  send_burst(std::vector<PacketBuilder>(count, packet));
}

Packet* NatBench::Wire::take() {
  if (sent_.empty()) {
    return nullptr;
  }
  Packet* packet = sent_.front();
  sent_.pop_front();
  return packet;
}

Seen NatBench::Wire::expect(const PacketBuilder& expected) {
  Packet* packet = take();
  if (packet == nullptr) {
    ADD_FAILURE() << "the gateway sent nothing, expected " << expected.describe();
    return {};
  }
  EXPECT_THAT(*packet, is(expected));
  return look_at(packet);
}

Seen NatBench::Wire::expect_any() {
  Packet* packet = take();
  if (packet == nullptr) {
    ADD_FAILURE() << "the gateway sent nothing";
    return {};
  }
  EXPECT_TRUE(transport_checksum_is_valid(*packet)) << to_string(*packet);
  return look_at(packet);
}

void NatBench::Wire::expect_nothing() {
  while (!sent_.empty()) {
    ADD_FAILURE() << "the gateway sent a packet that nobody expected: " << to_string(*sent_.front());
    release(sent_.front());
    sent_.pop_front();
  }
}

size_t NatBench::Wire::forget() {
  const size_t count = sent_.size();
  while (Packet* packet = take()) {
    release(packet);
  }
  return count;
}

void NatBench::process(std::span<Packet* const> burst, Side side) {
  const Now now = clock_.now();
  for (const Packet* packet : burst) {
    counters_.received_packets[index(side)].add();
    counters_.received_bytes[index(side)].add(packet->length);
  }
  output_.begin(BoxId{0}, counters_);
  box_->process(burst, side, now, output_);
  take_output();
}

void NatBench::reclaim() {
  constexpr size_t kMoreThanEnough = 1 << 20;
  // Twice a grace period: what dies in the first call is freed in a later one.
  for (int i = 0; i < 4; ++i) {
    output_.begin(BoxId{0}, counters_);
    box_->advance(clock_.now(), kMoreThanEnough, output_);
    take_output();
  }
}

void NatBench::take_output() {
  for (const Output::Entry& entry : output_.entries()) {
    (entry.side == NatGateway::kInside ? inside : outside).sent_.push_back(entry.packet);
  }
  output_.clear();
  Event event;
  while (events_.pop(&event, 1) == 1) {
    events_seen_.push_back(event);
  }
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    for (; dropped_before_[reason] < counters_.dropped[reason].get(); ++dropped_before_[reason]) {
      drops_seen_.push_back(static_cast<DropReason>(reason));
    }
  }
  quiescence_.quiescent(Quiescence::slot(WorkerId{0}));
  check_books();
}

void NatBench::check_books() {
  const Conservation sum = conservation(counters_, box_->held());
  EXPECT_TRUE(sum.holds()) << "received " << sum.received << " + originated " << sum.originated << " is not sent "
                           << sum.sent << " + dropped " << sum.dropped << " + held " << sum.held;
  EXPECT_EQ(pool_.available() + inside.sent_.size() + outside.sent_.size() + held_back_.size() + box_->held(),
            pool_.count());
  EXPECT_EQ(events_.lost(), 0u);
}

void NatBench::check_nothing_is_left(const char* when) {
  SCOPED_TRACE(when);
  inside.expect_nothing();
  outside.expect_nothing();
  for (const DropReason reason : drops_seen_) {
    ADD_FAILURE() << "a packet was dropped and nobody expected it: " << code(reason);
  }
  drops_seen_.clear();
}

void NatBench::expect_dropped(DropReason reason) {
  expect_dropped(reason, 1);
}

void NatBench::expect_dropped(DropReason reason, size_t count) {
  EXPECT_EQ(drops_seen_.size(), count);
  for (const DropReason seen : drops_seen_) {
    EXPECT_EQ(seen, reason);
  }
  drops_seen_.clear();
}

Event NatBench::expect_event(EventKind kind) {
  while (!events_seen_.empty()) {
    const Event event = events_seen_.front();
    events_seen_.pop_front();
    if (event.kind == kind) {
      return event;
    }
  }
  ADD_FAILURE() << "no event " << name(kind);
  return {};
}

void NatBench::expect_no_event(EventKind kind) {
  for (const Event& event : events_seen_) {
    EXPECT_NE(event.kind, kind) << "an event " << name(kind) << " that nobody expected";
  }
}

void NatBench::empty_pool(size_t left) {
  while (pool_.available() > left) {
    held_back_.push_back(pool_.allocate());
  }
}

void NatBench::refill_pool() {
  for (Packet* packet : held_back_) {
    release(packet);
  }
  held_back_.clear();
}

Connection open_half(NatBench& bench, const Endpoint& from, const Endpoint& to) {
  bench.inside.send(tcp(from, to).syn().seq(1000));
  const Seen syn = bench.outside.expect(tcp(eip.any_port(), to).syn().seq(1000));
  return {.client = from, .nat = syn.source, .server = to};
}

Connection establish(NatBench& bench, const Endpoint& from, const Endpoint& to) {
  const Connection connection = open_half(bench, from, to);
  bench.outside.send(tcp(to, connection.nat).syn().seq(5000).ack(1001));
  bench.inside.expect(tcp(to, from).syn().seq(5000).ack(1001));
  bench.inside.send(connection.from_client());
  bench.outside.expect(connection.from_nat());
  return connection;
}

}  // namespace lapse::test
