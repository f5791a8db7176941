// What happens to records after a death: capacity, grace period, wheel, free lists, rebuilding.
#include <set>

#include "dataplane/flow/port_allocator.h"
#include "tests/flow/flow_bench.h"

namespace lapse::test {
namespace {

TEST(FlowReclaim, CapacityIsExact) {
  FlowBench bench({.capacity = 100});
  for (uint32_t n = 0; n < 100; ++n) {
    ASSERT_TRUE(bench.add(nth(n), 0)) << n;
  }
  EXPECT_FALSE(bench.add(nth(100), 0));
  EXPECT_EQ(bench.table.live_count(), 100u);
  for (uint32_t n = 0; n < 100; ++n) {
    EXPECT_TRUE(bench.alive(nth(n), 0)) << n;
  }
  EXPECT_TRUE(bench.table.kill(bench.find(nth(42))));
  EXPECT_TRUE(bench.add(nth(100), 0));
  EXPECT_FALSE(bench.add(nth(101), 0));
}

// Design 5: a record held by a dead flow counts as free at once.
TEST(FlowReclaim, AFullTableMakesRoomFromFlowsThatAreOver) {
  FlowBench bench({.capacity = 1000});
  for (uint32_t n = 0; n < 1000; ++n) {
    ASSERT_TRUE(bench.add(nth(n), n < 500 ? 0 : 200'000));
  }
  bench.advance(200'000);
  EXPECT_FALSE(bench.add(nth(5000), 349'999));
  for (uint32_t n = 0; n < 500; ++n) {
    ASSERT_TRUE(bench.add(nth(5000 + n), 350'000)) << n;
  }
  EXPECT_FALSE(bench.add(nth(9000), 350'000));
  EXPECT_EQ(bench.listener.deaths.size(), 500u);
  EXPECT_EQ(bench.table.live_count(), 1000u);
  for (uint32_t n = 500; n < 1000; ++n) {
    EXPECT_TRUE(bench.alive(nth(n), 350'000));
  }
}

// Flows that the wheel has not seen yet, because nothing ran between the burst that made them and the jump.
TEST(FlowReclaim, AFullTableMakesRoomFromFlowsStillInTheInbox) {
  FlowBench bench({.capacity = 50});
  for (uint32_t n = 0; n < 50; ++n) {
    ASSERT_TRUE(bench.add(nth(n), 0));
  }
  for (uint32_t n = 0; n < 50; ++n) {
    ASSERT_TRUE(bench.add(nth(100 + n), 350'000)) << n;
  }
}

// One client opens and resets one connection over and over while the owner of its flows is not at home: the words of the
// dead, all in the same places of the index, do not keep the next flow out.
TEST(FlowReclaim, TheDeadOfOneKeyDoNotCrowdItOut) {
  constexpr WorkerId kOther{1};
  FlowBench bench({.capacity = 100, .workers = 2});
  const FiveTuple key = tcp(1, 40000);
  for (int turn = 0; turn < 1000; ++turn) {
    ASSERT_TRUE(bench.add(key, 0, TimeoutClass::kTcpEstablished, kOther)) << turn;
    ASSERT_TRUE(bench.table.kill(bench.find(key)));
  }
  bench.advance(0, 1 << 20, kOther);
  EXPECT_EQ(bench.table.key_index().words(), 0u);
}

// Design 5: a record held by a dead flow counts as free at once, whoever owns it, and with living ones among them.
TEST(FlowReclaim, AFullTableMakesRoomFromAnotherWorkersDead) {
  constexpr WorkerId kOther{1};
  FlowBench bench({.capacity = 1000, .workers = 2});
  for (uint32_t n = 0; n < 1000; ++n) {
    const bool dead = n % 2 == 0;
    ASSERT_TRUE(bench.add(nth(n), dead ? 0 : 200'000, TimeoutClass::kTcpEstablished, dead ? kOther : kWorker));
  }
  EXPECT_FALSE(bench.add(nth(5000), 349'999));
  for (uint32_t n = 0; n < 500; ++n) {
    ASSERT_TRUE(bench.add(nth(5000 + n), 350'000)) << n;
  }
  EXPECT_FALSE(bench.add(nth(9000), 350'000));
  EXPECT_EQ(bench.listener.deaths.size(), 500u);
  for (uint32_t n = 1; n < 1000; n += 2) {
    ASSERT_TRUE(bench.alive(nth(n), 350'000));
  }
}

// Of a thousand flows that were filed for one tick all but one have been seen since. Whoever needs room finds it within
// a few packets, although each packet looks at a bounded number only: what was looked at is filed where it belongs.
TEST(FlowReclaim, TheOneDeadAmongManyIsFoundSoon) {
  constexpr WorkerId kOther{1};
  FlowBench bench({.capacity = 1000, .workers = 2});
  for (uint32_t n = 0; n < 1000; ++n) {
    ASSERT_TRUE(bench.add(nth(n), 0, TimeoutClass::kTcpEstablished, kOther));
  }
  bench.advance(0, 1 << 20, kOther);
  for (uint32_t n = 0; n < 1000; ++n) {
    if (n != 500) {
      bench.table.stamp(bench.find(nth(n)), 300'000, 0);
    }
  }
  int refused = 0;
  while (!bench.add(nth(5000), 350'000)) {
    ASSERT_LE(++refused, 1000 / 64);
  }
  EXPECT_EQ(bench.listener.deaths.size(), 1u);
}

// A worker that is not at home holds records that its dead have left: they are taken when the others run out.
TEST(FlowReclaim, RecordsOfAnotherWorkerAreTakenAfterTheirGracePeriod) {
  constexpr WorkerId kOther{1};
  FlowBench bench({.capacity = 10, .workers = 2});
  for (uint32_t n = 0; n < 10 + 1024; ++n) {
    ASSERT_TRUE(bench.add(nth(n), 0, TimeoutClass::kTcpEstablished, kOther));
    ASSERT_TRUE(bench.table.kill(bench.find(nth(n))));
  }
  bench.advance(0, 1 << 20, kOther);
  for (uint32_t n = 0; n < 10; ++n) {
    ASSERT_TRUE(bench.add(nth(n), 0)) << n;
  }
}

// Killed flows wait for their grace period, and yet no flow is refused below capacity.
TEST(FlowReclaim, SlackCoversTheGracePeriod) {
  FlowBench bench({.capacity = 1600});
  const auto reader = Quiescence::Slot{kMaxWorkers};
  bench.quiescence.online(reader);
  for (uint32_t n = 0; n < 1600; ++n) {
    ASSERT_TRUE(bench.add(nth(n), 0));
  }
  for (uint32_t n = 0; n < 1124; ++n) {
    ASSERT_TRUE(bench.table.kill(bench.find(nth(n))));
    ASSERT_TRUE(bench.add(nth(10'000 + n), 0)) << n;
    bench.advance(0);
  }
  bench.quiescence.offline(reader);
}

TEST(FlowReclaim, ARecordIsNotReusedBeforeItsGracePeriod) {
  FlowBench bench({.capacity = 10});
  const auto reader = Quiescence::Slot{kMaxWorkers};
  const uint32_t records = 10 + 1024;
  bench.quiescence.online(reader);
  const FlowRef held = bench.add(nth(0), 0);
  const uint32_t generation = held.control.generation;
  ASSERT_TRUE(bench.table.kill(held));
  // As many flows as there are other records, and more than the table can have without this one.
  for (uint32_t n = 1; n < records; ++n) {
    const FlowRef flow = bench.add(nth(n), 0);
    ASSERT_TRUE(flow);
    ASSERT_NE(flow.id, held.id);
    bench.table.kill(flow);
    bench.advance(0);
  }
  EXPECT_FALSE(bench.add(nth(5000), 0)) << "every record waits for the reader";
  EXPECT_EQ(held.record->control.load().generation, generation);
  bench.quiescence.quiescent(reader);
  EXPECT_TRUE(bench.add(nth(5000), 0)) << "the reader has let go";
  bench.quiescence.offline(reader);
}

TEST(FlowReclaim, GenerationsTellIncarnationsApart) {
  FlowBench bench({.capacity = 1});
  const FlowRef old = bench.add(nth(0), 0);
  bench.table.kill(old);
  bench.advance(0);
  bench.advance(0);
  FlowRef reused;
  for (uint32_t n = 1; n < 3000 && (!reused || reused.id != old.id); ++n) {
    reused = bench.add(nth(n), 0);
    ASSERT_TRUE(reused);
    if (reused.id != old.id) {
      bench.table.kill(reused);
    }
    bench.advance(0);
  }
  ASSERT_EQ(reused.id, old.id);
  EXPECT_NE(reused.control.generation, old.control.generation);
  EXPECT_FALSE(bench.table.kill(old));
  EXPECT_EQ(reused.record->cadence.load(), 0);
}

// A record that one worker has used up and another takes from its free list: wheels and inboxes do not mix.
TEST(FlowReclaim, ARecordMovesBetweenWorkers) {
  constexpr WorkerId kOther{1};
  FlowBench bench({.capacity = 10, .workers = 2});
  const auto worker_of = [&](uint32_t n) { return n % 2 == 0 ? kWorker : kOther; };
  for (uint32_t n = 0; n < 10 + 1024; ++n) {
    const FlowRef flow = bench.add(nth(n), 0, TimeoutClass::kTcpEstablished, worker_of(n));
    ASSERT_TRUE(flow) << n;
    bench.advance(0, 100, worker_of(n));
    bench.table.kill(flow);
    bench.advance(0, 100, worker_of(n));
  }
  for (const WorkerId worker : {kOther, kWorker, kOther}) {
    for (uint32_t n = 0; n < 600; ++n) {
      bench.advance(0, 100, kWorker);
      bench.advance(0, 100, kOther);
      const FlowRef flow = bench.add(nth(n), n, TimeoutClass::kTcpEstablished, worker);
      ASSERT_TRUE(flow) << n;
      bench.advance(n, 100, worker);
      ASSERT_TRUE(bench.table.kill(flow));
      bench.advance(n, 100, worker);
    }
  }
  EXPECT_EQ(bench.table.next_deadline(kWorker, 0), std::nullopt);
  EXPECT_EQ(bench.table.next_deadline(kOther, 0), std::nullopt);
}

TEST(FlowReclaim, AShorterClassIsFiledAgain) {
  FlowBench bench;
  bench.table.timeouts().set(TimeoutClass::kTcpClosed, 10s);
  const FiveTuple key = tcp(1, 40000);
  FlowRef flow = bench.add(key, 0);
  bench.advance(0);
  EXPECT_GT(*bench.table.next_deadline(kWorker, 0), 10'000u);
  ASSERT_TRUE(bench.table.transition(flow, TcpState::kReset, TimeoutClass::kTcpClosed));
  EXPECT_EQ(bench.table.next_deadline(kWorker, 0), std::optional<Tick>(0)) << "the inbox waits";
  bench.advance(0);
  EXPECT_LE(*bench.table.next_deadline(kWorker, 0), 10'000u);
  bench.advance(9'999);
  EXPECT_EQ(bench.table.live_count(), 1u);
  bench.advance(10'000);
  EXPECT_EQ(bench.table.live_count(), 0u);
}

// Design 5: a changed timeout counts at once, whether or not anything has reclaimed the record.
TEST(FlowReclaim, AShortenedTimeoutCountsAtOnceAndIsReclaimedSoon) {
  FlowBench bench;
  for (uint32_t n = 0; n < 1000; ++n) {
    bench.add(nth(n), 0);
  }
  bench.advance(0);
  bench.table.timeouts().set(TimeoutClass::kTcpEstablished, 60s);
  EXPECT_FALSE(bench.alive(nth(0), 60'000));
  EXPECT_EQ(bench.table.next_deadline(kWorker, 59'999), std::optional<Tick>(59'999)) << "filing again is work";
  for (int burst = 0; burst < 20; ++burst) {
    EXPECT_LE(bench.advance(59'999, 100), 100u);
  }
  EXPECT_EQ(bench.table.live_count(), 1000u);
  EXPECT_LE(*bench.table.next_deadline(kWorker, 59'999), 60'000u);
  bench.advance(60'000);
  EXPECT_EQ(bench.table.live_count(), 0u);
  EXPECT_EQ(bench.listener.deaths.size(), 1000u);
  EXPECT_EQ(bench.listener.deaths[0].expired, 60'000u);
}

TEST(FlowReclaim, ALengthenedTimeoutCountsAtOnce) {
  FlowBench bench;
  bench.add(nth(0), 0);
  bench.advance(0);
  bench.table.timeouts().set(TimeoutClass::kTcpEstablished, 600s);
  bench.advance(599'999);
  EXPECT_TRUE(bench.alive(nth(0), 599'999));
  bench.advance(600'000);
  EXPECT_EQ(bench.listener.deaths.size(), 1u);
}

TEST(FlowReclaim, AStampedFlowIsFiledAgainAndDiesOnItsTick) {
  FlowBench bench;
  const FlowRef flow = bench.add(nth(0), 0);
  for (Tick now = 1000; now <= 1'000'000; now += 100'000) {
    bench.table.stamp(flow, now, 0);
    bench.advance(now);
  }
  const Tick last = 901'000;
  bench.advance(last + 349'999);
  EXPECT_EQ(bench.table.live_count(), 1u);
  bench.advance(last + 350'000);
  ASSERT_EQ(bench.listener.deaths.size(), 1u);
  EXPECT_EQ(bench.listener.deaths[0].expired, last + 350'000);
}

// next_deadline() followed from step to step, as sim does, never passes a death and finds it on its tick.
TEST(FlowReclaim, NextDeadlineLeadsToEveryDeath) {
  FlowBench bench;
  EXPECT_EQ(bench.table.next_deadline(kWorker, 5), std::nullopt);
  for (uint32_t n = 0; n < 50; ++n) {
    bench.add(nth(n), n * 7919);
    bench.advance(n * 7919);
  }
  Tick now = 49 * 7919;
  while (const auto next = bench.table.next_deadline(kWorker, now)) {
    ASSERT_GE(*next, now);
    now = *next;
    const size_t before = bench.listener.deaths.size();
    bench.advance(now);
    for (size_t i = before; i < bench.listener.deaths.size(); ++i) {
      EXPECT_EQ(bench.listener.deaths[i].expired, now);
    }
  }
  EXPECT_EQ(bench.listener.deaths.size(), 50u);
}

// It is a lower bound, but not a poor one: each step takes an idle flow down by a level of the wheel at least.
TEST(FlowReclaim, AnIdleFlowIsReachedInAFewSteps) {
  for (const Tick timeout : {1u, 255u, 256u, 350'000u, 432'000'000u, 1'036'800'000u}) {
    FlowBench bench({}, std::chrono::milliseconds(timeout));
    bench.add(nth(0), 12'345);
    bench.advance(12'345);
    uint32_t steps = 0;
    for (Tick now = 12'345; bench.table.live_count() != 0; ++steps) {
      now = *bench.table.next_deadline(kWorker, now);
      bench.advance(now);
    }
    EXPECT_LE(steps, TimingWheel::kLevels) << timeout;
    ASSERT_EQ(bench.listener.deaths.size(), 1u);
    EXPECT_EQ(bench.listener.deaths[0].expired, 12'345 + timeout);
  }
}

// Issue B, done when 3, in small: all dead at lookup at once, bounded work a burst, deaths told once and on time.
TEST(FlowReclaim, AJumpOfFiveDaysOver100000Flows) {
  constexpr uint32_t kFlows = 100'000;
  constexpr size_t kBudget = 256;
  FlowBench bench({.capacity = kFlows + 5000});
  for (uint32_t n = 0; n < kFlows; ++n) {
    ASSERT_TRUE(bench.add(nth(n), n / 10));
  }
  while (bench.advance(kFlows / 10, kBudget) != 0) {
  }
  const Tick now = kFlows / 10 + 5 * 86'400'000u;
  for (uint32_t n = 0; n < kFlows; n += 97) {
    ASSERT_FALSE(bench.alive(nth(n), now));
  }
  size_t bursts = 0;
  uint32_t opened = 0;
  for (size_t worked = 1; worked != 0; ++bursts) {
    if (opened < 4000) {
      ASSERT_TRUE(bench.add(nth(1'000'000 + opened), now));
      ++opened;
    }
    worked = bench.advance(now, kBudget);
    ASSERT_LE(worked, kBudget);
    ASSERT_TRUE(bench.alive(nth(1'000'000), now));
  }
  EXPECT_GE(bursts, kFlows / kBudget);
  EXPECT_EQ(bench.table.live_count(), opened);
  ASSERT_EQ(bench.listener.deaths.size(), kFlows);
  std::multiset<Tick> expired;
  for (const Death& death : bench.listener.deaths) {
    expired.insert(death.expired);
  }
  for (uint32_t n = 0; n < kFlows; n += 10) {
    ASSERT_EQ(expired.count(n / 10 + 350'000), 10u);
  }
}

TEST(FlowReclaim, SnapshotIsOfLivingFlows) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  const FlowRef flow = bench.add(key, 1234);
  ASSERT_EQ(bench.table.record_count(), 1u);
  const auto copy = bench.table.snapshot(flow.id);
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->original, key);
  EXPECT_EQ(copy->reply, key.reversed());
  EXPECT_EQ(copy->last_seen, 1234u);
  EXPECT_EQ(copy->control.tcp_state, TcpState::kEstablished);
  bench.table.kill(flow);
  EXPECT_FALSE(bench.table.snapshot(flow.id));
}

TEST(FlowReclaim, ReapFindsWhatIsOver) {
  FlowBench bench;
  for (uint32_t n = 0; n < 20; ++n) {
    bench.add(nth(n), 0);
  }
  bench.advance(0);
  while (bench.table.reap(kWorker, 349'999, 8, bench.listener) != 0) {
  }
  EXPECT_TRUE(bench.listener.deaths.empty());
  for (int call = 0; call < 20 && bench.listener.deaths.size() < 20; ++call) {
    EXPECT_LE(bench.table.reap(kWorker, 350'000, 8, bench.listener), 8u);
  }
  EXPECT_EQ(bench.listener.deaths.size(), 20u);
}

// Design 5: at most 128 bytes an IPv4 flow, all in: index, wheel, ports and slack included.
TEST(FlowReclaim, MemoryOfAFlow) {
  for (const size_t workers : {1, 8}) {
    constexpr uint32_t kCapacity = 4 << 20;
    FlowBench bench({.capacity = kCapacity, .workers = workers});
    const PortAllocator ports({.flow_capacity = kCapacity, .hash_key = kTestKey});
    const double bytes = static_cast<double>(bench.table.memory_bytes() + ports.memory_bytes()) / kCapacity;
    RecordProperty("bytes_a_flow", std::to_string(bytes));
    EXPECT_LE(bytes, 128.0);
    EXPECT_GE(bytes, 100.0) << "something is not counted";
  }
}

// Issue B, done when 5, in small: whatever was going on, the records are enough.
TEST(FlowReclaim, IsRebuiltFromItsRecords) {
  FlowBench bench({.capacity = 2000});
  for (uint32_t n = 0; n < 1000; ++n) {
    bench.add(nth(n), n);
  }
  bench.advance(1000, 300);
  for (uint32_t n = 0; n < 1000; n += 3) {
    bench.table.kill(bench.find(nth(n)));
  }
  bench.advance(1000, 100);
  const FlowRef stopped = bench.open(nth(5000), nth(5000).reversed(), 1000);
  bench.put(stopped, Direction::kReply, 1000);
  const uint32_t living = bench.table.live_count() - 1;
  bench.table.rebuild();

  EXPECT_EQ(bench.table.live_count(), living);
  for (uint32_t n = 0; n < 1000; ++n) {
    EXPECT_EQ(bench.alive(nth(n), 1000), n % 3 != 0) << n;
    EXPECT_EQ(bench.alive(nth(n).reversed(), 1000), n % 3 != 0) << n;
  }
  EXPECT_TRUE(bench.add(nth(5000), 1000));
  for (uint32_t n = 0; n < 2000 - living - 1; ++n) {
    ASSERT_TRUE(bench.add(nth(6000 + n), 1000)) << n;
  }
  EXPECT_FALSE(bench.add(nth(9999), 1000));
  bench.advance(1'000'000);
  bench.advance(1'000'000);
  EXPECT_EQ(bench.table.live_count(), 0u);
  EXPECT_EQ(bench.listener.deaths.size(), 2000u);
}

}  // namespace
}  // namespace lapse::test
