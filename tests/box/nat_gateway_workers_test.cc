// Several workers on one gateway: ports are exact whoever opens, whatever the dead hold is free for everybody, and a jump
// of the clock is no burst's problem. Here packets matter by their number; nat_bench.h looks at each.
#include <barrier>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

constexpr size_t kWorkers = 2;
constexpr uint32_t kPorts = 55'000;
constexpr size_t kReclaimPerBurst = 64;

// What one worker has around it.
struct NatHand {
  explicit NatHand(WorkerId worker) : id(worker), output(worker, pool, &events) {}

  const WorkerId id;
  MemoryPacketPool pool{4 * kBurst};
  EventRing events{1 << 14};
  BoxCounters counters;
  Output output;
  std::vector<Event> expiries;
};

class NatWorkers {
 public:
  explicit NatWorkers(const NatGateway::Config& config) : box_(std::make_unique<NatGateway>(config, quiescence_)) {
    clock_.advance(1h);
    for (size_t worker = 0; worker < kWorkers; ++worker) {
      hands_.push_back(std::make_unique<NatHand>(WorkerId{static_cast<uint8_t>(worker)}));
    }
  }
  ~NatWorkers() {
    for (const auto& hand : hands_) {
      const Conservation sum = conservation(hand->counters, 0);
      EXPECT_TRUE(sum.holds()) << "worker " << index(hand->id) << ": received " << sum.received << ", originated "
                               << sum.originated << ", sent " << sum.sent << ", dropped " << sum.dropped;
      EXPECT_EQ(hand->pool.available(), hand->pool.count()) << "a packet leaked";
      EXPECT_EQ(hand->events.lost(), 0u);
    }
  }

  // One packet in a burst of its own; the source that it left with, or none. Called by the worker's own thread.
  std::optional<Endpoint> send(size_t worker, const PacketBuilder& packet, Side side = NatGateway::kInside) {
    NatHand& hand = *hands_[worker];
    const Quiescence::Slot slot = Quiescence::slot(hand.id);
    quiescence_.online(slot);
    Packet* const built = packet.build(hand.pool);
    hand.counters.received_packets[index(side)].add();
    hand.output.begin(BoxId{0}, hand.counters);
    box_->process({&built, 1}, side, clock_.now(), hand.output);
    std::optional<Endpoint> left;
    for (const Output::Entry& entry : hand.output.entries()) {
      if (entry.side == NatGateway::kOutside) {
        left = source_of(*entry.packet);
      }
      release(entry.packet);
    }
    finish(hand);
    quiescence_.offline(slot);
    return left;
  }

  // One burst's housekeeping; how many expiries it found.
  size_t advance(size_t worker, size_t budget = kReclaimPerBurst) {
    NatHand& hand = *hands_[worker];
    const size_t before = hand.expiries.size();
    quiescence_.online(Quiescence::slot(hand.id));
    hand.output.begin(BoxId{0}, hand.counters);
    box_->advance(clock_.now(), budget, hand.output);
    finish(hand);
    quiescence_.offline(Quiescence::slot(hand.id));
    return hand.expiries.size() - before;
  }
  void settle() {
    for (int round = 0; round < 4; ++round) {
      for (size_t worker = 0; worker < kWorkers; ++worker) {
        advance(worker, 1 << 20);
      }
    }
  }
  bool is_behind(size_t worker) const {
    const auto next = box_->next_deadline(WorkerId{static_cast<uint8_t>(worker)}, clock_.now());
    return next && *next <= clock_.now().now;
  }

  uint64_t dropped(DropReason reason) const {
    uint64_t sum = 0;
    for (const auto& hand : hands_) {
      sum += hand->counters.dropped[static_cast<size_t>(reason)].get();
    }
    return sum;
  }
  uint64_t events(EventKind kind) const {
    uint64_t sum = 0;
    for (const auto& hand : hands_) {
      sum += hand->counters.events[static_cast<size_t>(kind)].get();
    }
    return sum;
  }
  std::vector<Event> expiries() const {
    std::vector<Event> all;
    for (const auto& hand : hands_) {
      all.insert(all.end(), hand->expiries.begin(), hand->expiries.end());
    }
    return all;
  }
  FlowTable& flows() { return *box_->flows(); }
  ManualClock& clock() { return clock_; }

 private:
  static void finish(NatHand& hand) {
    hand.output.clear();
    Event event;
    while (hand.events.pop(&event, 1) == 1) {
      if (event.kind == EventKind::kFlowExpired) {
        hand.expiries.push_back(event);
      }
    }
  }

  ManualClock clock_;
  Quiescence quiescence_;
  std::unique_ptr<NatGateway> box_;
  std::vector<std::unique_ptr<NatHand>> hands_;
};

NatGateway::Config workers_config(uint32_t capacity, uint32_t ports = kPorts) {
  NatGateway::Config config = nat_config();
  config.capacity = capacity;
  config.workers = kWorkers;
  config.ports_per_destination = ports;
  return config;
}

// The n-th of the connections that three clients open.
Endpoint nth_source(uint32_t n) {
  return {be32(client.address.host() + n % 3), static_cast<uint16_t>(10'000 + n / 3)};
}

// Runs 'work' in a thread for each worker, all at once.
template <typename Work>
void on_every_worker(Work work) {
  std::barrier together(kWorkers);
  std::vector<std::thread> threads;
  for (size_t worker = 0; worker < kWorkers; ++worker) {
    threads.emplace_back([&together, &work, worker] {
      together.arrive_and_wait();
      work(worker);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

// aws-behaviour 3.1 and 9: 55,000 simultaneous connections, the rest counted as ErrorPortAllocation.
TEST(NatGatewayWorkers, SixtyThousandConnectionsOfThreeClients) {
  constexpr uint32_t kConnections = 60'000;
  NatWorkers nat(workers_config(120'000));
  std::vector<bool> used(65536);
  for (uint32_t n = 0; n < kConnections; ++n) {
    const auto left = nat.send(n % kWorkers, tcp(nth_source(n), web).syn().seq(n));
    ASSERT_EQ(left.has_value(), n < kPorts) << n;
    if (left) {
      ASSERT_EQ(left->address, eip.address);
      ASSERT_FALSE(used[left->port]) << "port " << left->port << " given twice";
      used[left->port] = true;
    }
  }
  EXPECT_EQ(nat.flows().live_count(), kPorts);
  EXPECT_EQ(nat.dropped(DropReason::kPortsExhausted), kConnections - kPorts);
  EXPECT_EQ(nat.events(EventKind::kRejected), kConnections - kPorts);
  for (uint32_t n = 0; n < 1000; ++n) {
    ASSERT_TRUE(nat.send(n % kWorkers, tcp(nth_source(n), web.with_port(444)).syn())) << "another port is another pair";
    ASSERT_TRUE(nat.send(n % kWorkers, tcp(nth_source(n), stranger).syn())) << "another destination is another pair";
  }
  EXPECT_EQ(nat.dropped(DropReason::kPortsExhausted), kConnections - kPorts);
}

TEST(NatGatewayWorkers, SixtyThousandConnectionsOfTwoThreads) {
  constexpr uint32_t kConnections = 60'000;
  NatWorkers nat(workers_config(120'000));
  std::vector<uint16_t> ports[kWorkers];
  on_every_worker([&](size_t worker) {
    for (auto n = static_cast<uint32_t>(worker); n < kConnections; n += kWorkers) {
      if (const auto left = nat.send(worker, tcp(nth_source(n), web).syn())) {
        ports[worker].push_back(left->port);
      }
    }
  });
  std::vector<bool> used(65536);
  for (const auto& of_worker : ports) {
    for (const uint16_t port : of_worker) {
      ASSERT_FALSE(used[port]) << "port " << port << " given twice";
      used[port] = true;
    }
  }
  EXPECT_EQ(ports[0].size() + ports[1].size(), kPorts);
  EXPECT_EQ(nat.flows().live_count(), kPorts);
  EXPECT_EQ(nat.dropped(DropReason::kPortsExhausted), kConnections - kPorts);
}

TEST(NatGatewayWorkers, TwoRacingForTheLastHundredGetAHundred) {
  constexpr uint32_t kBefore = kPorts - 100;
  NatWorkers nat(workers_config(120'000));
  for (uint32_t n = 0; n < kBefore; ++n) {
    ASSERT_TRUE(nat.send(n % kWorkers, tcp(nth_source(n), web).syn()));
  }
  uint32_t got[kWorkers] = {};
  on_every_worker([&](size_t worker) {
    for (auto n = static_cast<uint32_t>(worker); n < 1000; n += kWorkers) {
      got[worker] += nat.send(worker, tcp(nth_source(kBefore + n), web).syn()) ? 1 : 0;
    }
  });
  EXPECT_EQ(got[0] + got[1], 100u);
  EXPECT_EQ(nat.dropped(DropReason::kPortsExhausted), 900u);
}

// The same from the first port on, many times: the pair is made, filled and refused while both are at it.
TEST(NatGatewayWorkers, TwoRacingForTheOnlyHundredGetAHundred) {
  for (int round = 0; round < 100; ++round) {
    NatWorkers nat(workers_config(1000, 100));
    uint32_t got[kWorkers] = {};
    on_every_worker([&](size_t worker) {
      for (auto n = static_cast<uint32_t>(worker); n < 200; n += kWorkers) {
        got[worker] += nat.send(worker, tcp(nth_source(n), web).syn()) ? 1 : 0;
      }
    });
    ASSERT_EQ(got[0] + got[1], 100u);
    ASSERT_EQ(nat.dropped(DropReason::kPortsExhausted), 100u);
  }
}

// The ports are all held by flows that are over and belong to the other worker, which does nothing: they are free.
TEST(NatGatewayWorkers, PortsOfAnotherWorkersDeadAreFreeAtOnce) {
  constexpr uint32_t kFew = 500;
  NatWorkers nat(workers_config(1000, kFew));
  for (uint32_t n = 0; n < kFew; ++n) {
    ASSERT_TRUE(nat.send(0, udp(nth_source(n), dns)));
  }
  ASSERT_FALSE(nat.send(1, udp(nth_source(kFew), dns)));
  nat.clock().advance(kUdpTimeout);
  for (uint32_t n = 0; n < kFew; ++n) {
    ASSERT_TRUE(nat.send(1, udp(nth_source(kFew + n), dns))) << n;
  }
  EXPECT_FALSE(nat.send(1, udp(nth_source(0), dns)));
  EXPECT_EQ(nat.events(EventKind::kFlowExpired), kFew);
}

TEST(NatGatewayWorkers, RecordsOfAnotherWorkersDeadAreFreeAtOnce) {
  NatWorkers nat(workers_config(500));
  for (uint32_t n = 0; n < 500; ++n) {
    ASSERT_TRUE(nat.send(0, udp(nth_source(n), dns)));
  }
  ASSERT_FALSE(nat.send(1, udp(nth_source(500), dns)));
  EXPECT_EQ(nat.dropped(DropReason::kTableFull), 1u);
  nat.clock().advance(kUdpTimeout);
  for (uint32_t n = 0; n < 500; ++n) {
    ASSERT_TRUE(nat.send(1, udp(nth_source(500 + n), dns))) << n;
  }
}

// 100,000 idle flows of two workers, each last seen at a time of its own, then five days at once.
class NatGatewayJump : public testing::Test {
 protected:
  static constexpr uint32_t kFlows = 100'000;
  static constexpr uint32_t kNewFlows = 2000;

  NatGatewayJump() : nat(workers_config(kFlows + kNewFlows)) {
    for (uint32_t n = 0; n < kFlows; ++n) {
      if (n % 100 == 0) {
        nat.clock().advance(7ms);
      }
      seen[source(n)] = nat.clock().now().now;
      EXPECT_TRUE(nat.send(n % kWorkers, udp(source_of_flow(n), destination(n))));
    }
    nat.settle();
    EXPECT_EQ(nat.flows().live_count(), kFlows);
    nat.clock().advance(5 * 24h);
  }

  static Endpoint source_of_flow(uint32_t n) { return nth_source(n); }
  static Endpoint destination(uint32_t n) { return n < kFlows / 2 ? dns : web; }
  static uint64_t source(uint32_t n) {
    const Endpoint from = source_of_flow(n);
    return uint64_t{from.address.host()} << 16 | from.port;
  }

  NatWorkers nat;
  std::map<uint64_t, Instant> seen;
};

TEST_F(NatGatewayJump, EveryFlowIsDeadForTheNextPacket) {
  const Tick now = to_tick(nat.clock().now().now);
  for (uint32_t n = 0; n < kFlows; ++n) {
    const Endpoint from = source_of_flow(n);
    const FiveTuple key{from.address, destination(n).address, be16(from.port), be16(destination(n).port),
                        static_cast<uint8_t>(Protocol::kUdp)};
    const FlowRef flow = nat.flows().find(key, nat.flows().hash(key));
    ASSERT_TRUE(flow && nat.flows().is_over(flow, now)) << n;
  }
  EXPECT_EQ(nat.flows().live_count(), kFlows) << "nobody has reclaimed anything";
}

TEST_F(NatGatewayJump, ReclaimIsBoundedAndNewFlowsPassMeanwhile) {
  uint32_t opened = 0;
  size_t bursts = 0;
  while (nat.is_behind(0) || nat.is_behind(1)) {
    for (size_t worker = 0; worker < kWorkers; ++worker) {
      if (opened < kNewFlows) {
        ASSERT_TRUE(nat.send(worker, udp(nth_source(opened), stranger))) << "flow " << opened << " after the jump";
        ++opened;
      }
      ASSERT_LE(nat.advance(worker), kReclaimPerBurst);
      ++bursts;
    }
  }
  EXPECT_GE(bursts, kFlows / kReclaimPerBurst);
  EXPECT_EQ(opened, std::min<size_t>(kNewFlows, bursts));
  EXPECT_EQ(nat.flows().live_count(), opened);

  const std::vector<Event> expiries = nat.expiries();
  ASSERT_EQ(expiries.size(), kFlows);
  for (const Event& expiry : expiries) {
    const uint64_t who = uint64_t{expiry.tuple.source.host()} << 16 | expiry.tuple.source_port.host();
    const auto last = seen.find(who);
    ASSERT_NE(last, seen.end()) << "told twice";
    ASSERT_EQ(expiry.time, last->second + kUdpTimeout);
    seen.erase(last);
  }
}

// Late packets and the housekeeping find the same dead: each is told once, by whoever came first.
TEST_F(NatGatewayJump, LatePacketsAndReclaimTellOfEachDeathOnce) {
  for (uint32_t n = 0; n < 2000; ++n) {
    nat.advance(n % kWorkers);
    // Opened anew: the flow that was there is over.
    ASSERT_TRUE(nat.send((n + 1) % kWorkers, udp(source_of_flow(kFlows - 1 - n), destination(kFlows - 1 - n))));
  }
  while (nat.is_behind(0) || nat.is_behind(1)) {
    nat.advance(0);
    nat.advance(1);
  }
  EXPECT_EQ(nat.expiries().size(), kFlows);
  EXPECT_EQ(nat.flows().live_count(), 2000u);
}

}  // namespace
}  // namespace lapse::test
