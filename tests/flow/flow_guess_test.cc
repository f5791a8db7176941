// The second pass of a burst guesses where the third will find each flow. A guess may be out of date, or missing: what is
// found must be the same.
#include <array>

#include "tests/flow/flow_bench.h"

namespace lapse::test {
namespace {

constexpr Tick kNow = 1000;
constexpr size_t kBurstSize = 32;

struct GuessBench : FlowBench {
  using FlowBench::FlowBench;

  FlowTable::Guess guess(const FiveTuple& key) const {
    const uint64_t hash = table.hash(key);
    FlowTable::Guess guess{};
    table.prefetch_records({&hash, 1}, &guess);
    return guess;
  }
  FlowRef find_by(FlowTable::Guess guess, const FiveTuple& key) const {
    FlowRef flow;
    return table.find(key, table.hash(key), guess, flow) ? flow : FlowRef{};
  }
};

// At its capacity: many keys stand in their second bucket.
TEST(FlowGuess, BurstsFindEveryFlowOfAFullTableByBothKeysAndNoOther) {
  constexpr uint32_t kFlows = 1 << 16;
  GuessBench bench({.capacity = kFlows});
  for (uint32_t n = 0; n < kFlows; ++n) {
    ASSERT_TRUE(bench.add(nth(n), kNow));
    bench.advance(kNow, 64);
  }
  size_t without_guess = 0;
  for (uint32_t first = 0; first < kFlows; first += kBurstSize) {
    for (const Direction direction : {Direction::kOriginal, Direction::kReply}) {
      std::array<FiveTuple, kBurstSize> keys;
      std::array<uint64_t, kBurstSize> hashes;
      std::array<FlowTable::Guess, kBurstSize> guesses;
      for (uint32_t i = 0; i < kBurstSize; ++i) {
        keys[i] = direction == Direction::kOriginal ? nth(first + i) : nth(first + i).reversed();
        hashes[i] = bench.table.hash(keys[i]);
        bench.table.prefetch_bucket(hashes[i]);
      }
      bench.table.prefetch_records(hashes, guesses.data());
      for (uint32_t i = 0; i < kBurstSize; ++i) {
        without_guess += guesses[i] == FlowTable::Guess{} ? 1 : 0;
        FlowRef flow;
        ASSERT_TRUE(bench.table.find(keys[i], hashes[i], guesses[i], flow)) << to_string(keys[i]);
        ASSERT_EQ(flow.direction, direction);
        ASSERT_EQ(flow.record->tuple(direction), keys[i]);
        ASSERT_EQ(flow.id, bench.find(keys[i]).id);
        const FiveTuple unknown = nth(kFlows + first + i);
        ASSERT_FALSE(bench.find_by(bench.guess(unknown), unknown)) << to_string(unknown);
      }
    }
  }
  // Only what stands in the overflow: both buckets are looked at.
  EXPECT_LT(without_guess, kFlows / 1000);
}

TEST(FlowGuess, LeadsToTheFlow) {
  GuessBench bench;
  const FlowRef flow = bench.add(nth(1), kNow);
  for (const FiveTuple& key : {nth(1), nth(1).reversed()}) {
    const FlowTable::Guess guess = bench.guess(key);
    EXPECT_EQ(FlowIndex::record(static_cast<FlowIndex::Word>(guess)), static_cast<uint32_t>(flow.id));
  }
}

TEST(FlowGuess, OfAFlowThatDiedInThisBurstFindsNone) {
  GuessBench bench;
  const FlowRef flow = bench.add(nth(1), kNow);
  const FlowTable::Guess guess = bench.guess(nth(1));
  ASSERT_TRUE(bench.table.kill(flow));
  EXPECT_FALSE(bench.find_by(guess, nth(1)));
}

TEST(FlowGuess, OfAFlowThatDiedInThisBurstFindsItsSuccessor) {
  GuessBench bench;
  const FlowRef first = bench.add(nth(1), kNow);
  const FlowTable::Guess guess = bench.guess(nth(1));
  ASSERT_TRUE(bench.table.kill(first));
  const FlowRef second = bench.add(nth(1), kNow);
  ASSERT_TRUE(second);
  ASSERT_NE(second.id, first.id);
  EXPECT_EQ(bench.find_by(guess, nth(1)).id, second.id);
}

TEST(FlowGuess, OfAKeyThatWasNotThereFindsTheFlowOpenedSince) {
  GuessBench bench;
  const FlowTable::Guess guess = bench.guess(nth(1));
  EXPECT_EQ(guess, FlowTable::Guess{});
  EXPECT_FALSE(bench.find_by(guess, nth(1)));
  const FlowRef flow = bench.add(nth(1), kNow);
  EXPECT_EQ(bench.find_by(guess, nth(1)).id, flow.id);
}

TEST(FlowGuess, OfAFlowThatIsStillOpeningFindsNone) {
  GuessBench bench;
  const FlowRef opening = bench.open(nth(1), nth(1).reversed(), kNow);
  ASSERT_EQ(bench.put(opening, Direction::kReply, kNow), FlowTable::Put::kInserted);
  ASSERT_EQ(bench.put(opening, Direction::kOriginal, kNow), FlowTable::Put::kInserted);
  const FlowTable::Guess guess = bench.guess(nth(1));
  EXPECT_NE(guess, FlowTable::Guess{});
  EXPECT_FALSE(bench.find_by(guess, nth(1)));
  bench.table.roll_back(opening);
}

// As when two keys share a tag.
TEST(FlowGuess, OfAnotherKeyFindsTheRightFlow) {
  GuessBench bench;
  bench.add(nth(1), kNow);
  const FlowRef flow = bench.add(nth(2), kNow);
  EXPECT_EQ(bench.find_by(bench.guess(nth(1)), nth(2)).id, flow.id);
  EXPECT_FALSE(bench.find_by(bench.guess(nth(1)), nth(3)));
}

// A record's other key leads to the same record: the direction belongs to what is found.
TEST(FlowGuess, OfTheOtherDirectionFindsTheRightOne) {
  GuessBench bench;
  bench.add(nth(1), kNow);
  const FlowRef flow = bench.find_by(bench.guess(nth(1).reversed()), nth(1));
  ASSERT_TRUE(flow);
  EXPECT_EQ(flow.direction, Direction::kOriginal);
}

}  // namespace
}  // namespace lapse::test
