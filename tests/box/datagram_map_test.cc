#include "dataplane/box/datagram_map.h"

#include <random>

#include "gtest/gtest.h"

namespace lapse {
namespace {

using Outcome = DatagramMap::Outcome;

class Datagram {
 public:
  Outcome add(size_t offset, size_t size, bool more) { return map_.add(words_, offset, size, more); }
  bool is_complete() const { return map_.is_complete(); }

 private:
  DatagramMap map_;
  DatagramMap::Words words_{};
};

TEST(DatagramMap, IsCompleteWithTheLastByte) {
  Datagram datagram;
  EXPECT_EQ(datagram.add(1480, 1480, true), Outcome::kNew);
  EXPECT_EQ(datagram.add(2960, 13, false), Outcome::kNew);
  EXPECT_FALSE(datagram.is_complete());
  EXPECT_EQ(datagram.add(0, 1480, true), Outcome::kNew);
  EXPECT_TRUE(datagram.is_complete());
}

TEST(DatagramMap, LongestDatagram) {
  Datagram datagram;
  EXPECT_EQ(datagram.add(65512, 23, false), Outcome::kNew);
  EXPECT_EQ(datagram.add(0, 65512, true), Outcome::kNew);
  EXPECT_TRUE(datagram.is_complete());
}

TEST(DatagramMap, RepetitionIsToldFromContradiction) {
  Datagram datagram;
  EXPECT_EQ(datagram.add(80, 80, true), Outcome::kNew);
  EXPECT_EQ(datagram.add(80, 80, true), Outcome::kRepeats);
  EXPECT_EQ(datagram.add(96, 16, true), Outcome::kRepeats);
  EXPECT_EQ(datagram.add(72, 16, true), Outcome::kContradicts);
  EXPECT_EQ(datagram.add(152, 16, true), Outcome::kContradicts);
  EXPECT_EQ(datagram.add(0, 240, true), Outcome::kContradicts);
}

TEST(DatagramMap, OneEnd) {
  Datagram datagram;
  EXPECT_EQ(datagram.add(80, 10, false), Outcome::kNew);
  EXPECT_EQ(datagram.add(80, 10, false), Outcome::kRepeats);
  EXPECT_EQ(datagram.add(80, 11, false), Outcome::kContradicts) << "another end";
  EXPECT_EQ(datagram.add(160, 8, true), Outcome::kContradicts) << "behind the end";
  EXPECT_EQ(datagram.add(88, 8, true), Outcome::kContradicts) << "more behind the end";
}

TEST(DatagramMap, EndBeforeWhatHasBeenSeen) {
  Datagram datagram;
  EXPECT_EQ(datagram.add(800, 80, true), Outcome::kNew);
  EXPECT_EQ(datagram.add(80, 10, false), Outcome::kContradicts);
}

// Against a set of units, for random fragments.
TEST(DatagramMap, AgreesWithASetOfUnits) {
  std::mt19937 random(791);
  for (int round = 0; round < 200; ++round) {
    Datagram datagram;
    std::vector<bool> seen(8192, false);
    for (int i = 0; i < 60; ++i) {
      const size_t first = random() % 600;
      const size_t count = 1 + random() % 130;
      size_t already = 0;
      for (size_t unit = first; unit < first + count; ++unit) {
        already += seen[unit] ? 1 : 0;
      }
      const Outcome expected = already == 0       ? Outcome::kNew
                               : already == count ? Outcome::kRepeats
                                                  : Outcome::kContradicts;
      ASSERT_EQ(datagram.add(8 * first, 8 * count, true), expected);
      if (expected == Outcome::kNew) {
        std::fill_n(seen.begin() + static_cast<ptrdiff_t>(first), count, true);
      }
    }
  }
}

}  // namespace
}  // namespace lapse
