#include "dataplane/flow/timing_wheel.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace lapse {
namespace {

struct WheelBench {
  explicit WheelBench(uint32_t records = 4096) : pool(records, 1), places(records), wheel(pool, places) {}

  // All ids due up to 'now', filing again what came early, as the table does.
  std::vector<uint32_t> turn(Tick now) {
    std::vector<uint32_t> due;
    uint32_t ids[16];
    while (const size_t count = wheel.take_due(now, ids)) {
      for (size_t i = 0; i < count; ++i) {
        if (static_cast<int32_t>(deadline.at(ids[i]) - now) > 0) {
          wheel.file(ids[i], deadline.at(ids[i]));
        } else {
          due.push_back(ids[i]);
          deadline.erase(ids[i]);
        }
      }
    }
    return due;
  }
  void file(uint32_t id, Tick due) {
    deadline[id] = due;
    wheel.file(id, due);
  }

  WheelChunkPool pool;
  WheelPlaces places;
  TimingWheel wheel;
  std::map<uint32_t, Tick> deadline;
};

TEST(TimingWheel, ExactToTheTickAtEveryLevel) {
  for (const Tick start : {0u, 1u, 255u, 256u, 65535u, 0x00ffffffu, 0xfffffff0u, 0x12345678u}) {
    for (const Tick ahead : {1u, 2u, 255u, 256u, 257u, 511u, 65535u, 65536u, 65537u, 350'000u, 16'777'215u, 16'777'216u,
                             432'000'000u, 1'036'800'000u}) {
      WheelBench bench;
      bench.wheel.start_at(start);
      bench.file(7, start + ahead);
      EXPECT_TRUE(bench.turn(start + ahead - 1).empty()) << start << "+" << ahead;
      EXPECT_EQ(bench.turn(start + ahead), std::vector<uint32_t>{7}) << start << "+" << ahead;
      EXPECT_TRUE(bench.wheel.empty());
    }
  }
}

TEST(TimingWheel, WhatIsOverdueComesAtOnce) {
  WheelBench bench;
  bench.wheel.start_at(1000);
  bench.file(1, 1000);
  bench.file(2, 400);
  EXPECT_EQ(bench.wheel.next(), std::optional<Tick>(1000));
  EXPECT_EQ(bench.turn(1000).size(), 2u);
}

// next() is never later than the first deadline, and following it from step to step reaches that tick exactly.
TEST(TimingWheel, NextLeadsToTheFirstDeadline) {
  std::mt19937 random(20261121);
  for (int round = 0; round < 200; ++round) {
    WheelBench bench;
    const Tick start = random();
    bench.wheel.start_at(start);
    Tick first = ~Tick{0};
    for (uint32_t id = 0; id < 5; ++id) {
      const Tick ahead = 1 + (random() >> (2 + random() % 30));
      first = std::min(first, ahead);
      bench.file(id, start + ahead);
    }
    int steps = 0;
    for (;;) {
      const Tick next = *bench.wheel.next();
      ASSERT_LE(next - start, first);
      ASSERT_LE(++steps, 16);
      if (!bench.turn(next).empty()) {
        EXPECT_EQ(next - start, first);
        break;
      }
    }
  }
}

TEST(TimingWheel, AVisitedSlotIsDrainedInPieces) {
  WheelBench bench;
  bench.wheel.start_at(0);
  for (uint32_t id = 0; id < 1000; ++id) {
    bench.file(id, 350'000);
  }
  uint32_t ids[16];
  size_t taken = 0;
  // Flows that are opened meanwhile find their place although the wheel still stands where the work is.
  while (const size_t count = bench.wheel.take_due(10'000'000, std::span(ids).first(7))) {
    taken += count;
    if (taken < 1000) {
      bench.wheel.file(3000, 10'350'000);
      bench.wheel.remove(3000);
    }
  }
  EXPECT_EQ(taken, 1000u);
  EXPECT_EQ(bench.wheel.current(), 10'000'000u);
}

// Against a std::multimap: random filing, removing, moving and turning; chunks never run out.
TEST(TimingWheel, AgreesWithAMultimap) {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    constexpr uint32_t kRecords = 600;
    WheelBench bench(kRecords);
    std::multimap<uint64_t, uint32_t> model;  // by full time
    std::map<uint32_t, uint64_t> filed;
    uint64_t now = random();
    bench.wheel.start_at(static_cast<Tick>(now));
    const auto forget = [&](uint32_t id) {
      auto [at, end] = model.equal_range(filed.at(id));
      while (at->second != id) {
        ++at;
        ASSERT_NE(at, end);
      }
      model.erase(at);
      filed.erase(id);
    };
    for (int step = 0; step < 6000; ++step) {
      const uint32_t id = random() % kRecords;
      const uint64_t due = now + (random() >> (2 + random() % 30));
      switch (random() % 8) {
        case 0:
        case 1:
        case 2:
        case 3:
          if (filed.count(id) == 0) {
            bench.file(id, static_cast<Tick>(due));
            filed[id] = due;
            model.emplace(due, id);
          }
          break;
        case 4:
          bench.wheel.remove(id);
          bench.deadline.erase(id);
          if (filed.count(id) != 0) {
            forget(id);
          }
          break;
        case 5:
          if (filed.count(id) != 0) {
            bench.wheel.remove(id);
            bench.file(id, static_cast<Tick>(due));
            forget(id);
            filed[id] = due;
            model.emplace(due, id);
          }
          break;
        default:
          now += random() >> (6 + random() % 26);
          const auto due_now = bench.turn(static_cast<Tick>(now));
          const std::set<uint32_t> got(due_now.begin(), due_now.end());
          ASSERT_EQ(got.size(), due_now.size());
          std::set<uint32_t> want;
          while (!model.empty() && model.begin()->first <= now) {
            want.insert(model.begin()->second);
            filed.erase(model.begin()->second);
            model.erase(model.begin());
          }
          ASSERT_EQ(got, want);
      }
      ASSERT_EQ(bench.wheel.empty(), model.empty());
      ASSERT_EQ(bench.wheel.holds(id), filed.count(id) != 0);
      if (!model.empty()) {
        ASSERT_LE(static_cast<int32_t>(*bench.wheel.next() - static_cast<Tick>(model.begin()->first)), 0);
      }
    }
  }
}

// The pool is sized so that the worst spread, one id in every slot, leaves room for all the rest.
TEST(TimingWheel, ChunksSufficeForTheWorstSpread) {
  constexpr uint32_t kRecords = 5000;
  WheelBench bench(kRecords);
  bench.wheel.start_at(0);
  uint32_t id = 0;
  for (uint32_t level = 0; level < 4; ++level) {
    for (uint32_t index = 1; index < (level == 3 ? 63u : 256u); ++index) {
      bench.file(id++, index << 8 * level);
    }
  }
  for (; id < kRecords; ++id) {
    bench.file(id, 350'000);
  }
  EXPECT_EQ(bench.turn(62u << 24).size(), kRecords);
}

}  // namespace
}  // namespace lapse
