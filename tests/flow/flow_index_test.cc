#include "dataplane/flow/flow_index.h"

#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace lapse {
namespace {

constexpr uint64_t kSeed = 20261121;

FlowIndex::Position where(const FlowIndex& index, uint64_t hash, uint32_t record, Direction direction) {
  FlowIndex::Position found;
  index.scan<std::memory_order_acquire>(hash, [&](FlowIndex::Position position, FlowIndex::Word word) {
    if (FlowIndex::record(word) != record || FlowIndex::direction(word) != direction) {
      return false;
    }
    found = position;
    return true;
  });
  return found;
}

TEST(FlowIndex, WordRoundTrip) {
  const auto word = FlowIndex::word(~uint64_t{0}, FlowIndex::kMaxRecords - 1, Direction::kReply);
  EXPECT_EQ(FlowIndex::record(word), FlowIndex::kMaxRecords - 1);
  EXPECT_EQ(FlowIndex::direction(word), Direction::kReply);
  EXPECT_FALSE(FlowIndex::tentative(word));
  EXPECT_TRUE(FlowIndex::tentative(word | FlowIndex::kTentative));
}

// Design: two 8-slot buckets at a load of 0.70, then a small overflow: no key is refused while there are records.
TEST(FlowIndex, HoldsEveryKeyAtItsFullLoadAndSpillsFew) {
  constexpr uint32_t kKeys = 1 << 20;
  SCOPED_TRACE(testing::Message() << "seed " << kSeed);
  std::mt19937_64 random(kSeed);
  FlowIndex index(kKeys);
  std::vector<uint64_t> hashes(kKeys);
  for (uint32_t record = 0; record < kKeys; ++record) {
    hashes[record] = random();
    ASSERT_TRUE(index.insert(hashes[record], FlowIndex::word(hashes[record], record, Direction::kOriginal)));
  }
  uint32_t in_first = 0;
  for (uint32_t record = 0; record < kKeys; ++record) {
    const auto position = where(index, hashes[record], record, Direction::kOriginal);
    ASSERT_TRUE(position);
    in_first += position.order < 8 ? 1 : 0;
  }
  EXPECT_LT(index.spilled_words(), kKeys / 500);
  EXPECT_GT(in_first, kKeys / 2);
  RecordProperty("spilled", static_cast<int>(index.spilled_words()));
  RecordProperty("in_first_bucket", static_cast<int>(in_first));
  // After every key is out nothing is left behind, also no flag that would send lookups to the overflow.
  for (uint32_t record = 0; record < kKeys; ++record) {
    ASSERT_TRUE(index.remove(hashes[record], record, Direction::kOriginal));
    ASSERT_FALSE(index.remove(hashes[record], record, Direction::kOriginal));
  }
  EXPECT_EQ(index.spilled_words(), 0u);
  for (uint32_t record = 0; record < 1000; ++record) {
    EXPECT_FALSE(where(index, hashes[record], record, Direction::kOriginal));
  }
}

// Keys whose hashes are equal share both buckets: 16 stand there, 64 in the window of the overflow, no more.
TEST(FlowIndex, EqualHashesSpillAndComeBack) {
  FlowIndex index(1024);
  constexpr uint64_t kHash = 0x123456789abcdef0ULL;
  for (uint32_t record = 0; record < 80; ++record) {
    const auto position = index.insert(kHash, FlowIndex::word(kHash, record, Direction::kReply));
    ASSERT_TRUE(position) << record;
    EXPECT_EQ(position.order >= 16, record >= 16);
  }
  EXPECT_EQ(index.spilled_words(), 64u);
  EXPECT_FALSE(index.insert(kHash, FlowIndex::word(kHash, 80, Direction::kReply)));
  for (uint32_t record = 0; record < 80; ++record) {
    ASSERT_TRUE(where(index, kHash, record, Direction::kReply)) << record;
  }
  // The first slot of the first bucket counts what spilled, also while it is empty itself.
  for (uint32_t record = 0; record < 16; ++record) {
    ASSERT_TRUE(index.remove(kHash, record, Direction::kReply));
  }
  for (uint32_t record = 16; record < 80; ++record) {
    ASSERT_TRUE(where(index, kHash, record, Direction::kReply)) << record;
    ASSERT_TRUE(index.remove(kHash, record, Direction::kReply));
  }
  EXPECT_EQ(index.spilled_words(), 0u);
  EXPECT_EQ(index.insert(kHash, FlowIndex::word(kHash, 80, Direction::kReply)).order, 0u);
}

// The count of what a bucket has spilled goes down again: it would be full after 255 otherwise.
TEST(FlowIndex, SpillsAThousandTimes) {
  FlowIndex index(1024);
  constexpr uint64_t kHash = 0xfedcba9876543210ULL;
  for (uint32_t round = 0; round < 1000; ++round) {
    for (uint32_t record = 0; record < 20; ++record) {
      ASSERT_TRUE(index.insert(kHash, FlowIndex::word(kHash, record, Direction::kOriginal))) << round;
    }
    for (uint32_t record = 0; record < 20; ++record) {
      ASSERT_TRUE(index.remove(kHash, record, Direction::kOriginal)) << round;
    }
  }
}

TEST(FlowIndex, OnlyOneCallerTakesAWordOut) {
  FlowIndex index(1024);
  const auto word = FlowIndex::word(42, 7, Direction::kOriginal);
  const auto position = index.insert(42, word | FlowIndex::kTentative);
  EXPECT_FALSE(index.clear(42, position, word));
  EXPECT_TRUE(FlowIndex::replace(position, word | FlowIndex::kTentative, word));
  EXPECT_FALSE(FlowIndex::replace(position, word | FlowIndex::kTentative, word));
  EXPECT_TRUE(FlowIndex::holds(position, word));
  EXPECT_TRUE(index.clear(42, position, word));
  EXPECT_FALSE(index.clear(42, position, word));
  EXPECT_FALSE(FlowIndex::holds(position, word));
}

}  // namespace
}  // namespace lapse
