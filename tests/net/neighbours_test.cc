#include "dataplane/net/neighbours.h"

#include "gtest/gtest.h"

namespace lapse {
namespace {

using std::chrono::seconds;

constexpr LinkId kLink{1};
constexpr LinkId kOtherLink{2};
const Ipv4Address kHost = be32(0x0a000102);
constexpr MacAddress kMac{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kNewMac{{2, 0, 0, 0, 0, 2}};

Instant at(Duration since_start) {
  return Instant(since_start);
}

TEST(Neighbours, AnUnknownOneIsAskedForOnceASecond) {
  Neighbours neighbours;
  auto answer = neighbours.find(kLink, kHost, at(seconds(5)));
  EXPECT_FALSE(answer.mac);
  EXPECT_TRUE(answer.ask);
  EXPECT_FALSE(neighbours.find(kLink, kHost, at(seconds(5) + std::chrono::milliseconds(999))).ask);
  EXPECT_TRUE(neighbours.find(kLink, kHost, at(seconds(6))).ask);
}

TEST(Neighbours, ALearntOneIsKnownOnItsLinkOnly) {
  Neighbours neighbours;
  neighbours.learn(kLink, kHost, kMac, at(seconds(1)));
  const auto answer = neighbours.find(kLink, kHost, at(seconds(2)));
  EXPECT_EQ(answer.mac, kMac);
  EXPECT_FALSE(answer.ask);
  EXPECT_FALSE(neighbours.find(kOtherLink, kHost, at(seconds(2))).mac);
}

// RFC 1122 section 2.3.2.1: a mapping is validated again, and given up when nobody confirms it.
TEST(Neighbours, AStaleOneIsUsedAndAskedForThenForgotten) {
  Neighbours neighbours;
  neighbours.learn(kLink, kHost, kMac, at(seconds(0)));
  const auto stale = neighbours.find(kLink, kHost, at(Neighbours::kFreshFor));
  EXPECT_EQ(stale.mac, kMac);
  EXPECT_TRUE(stale.ask);
  EXPECT_FALSE(neighbours.find(kLink, kHost, at(Neighbours::kUsableFor)).mac);
}

TEST(Neighbours, AChangedAddressReplacesTheOldOne) {
  Neighbours neighbours;
  neighbours.learn(kLink, kHost, kMac, at(seconds(0)));
  neighbours.learn(kLink, kHost, kNewMac, at(seconds(1)));
  EXPECT_EQ(neighbours.find(kLink, kHost, at(seconds(2))).mac, kNewMac);
}

TEST(Neighbours, AStaticOneNeverChangesAndNeverAges) {
  Neighbours neighbours;
  neighbours.add_static(kLink, kHost, kMac);
  neighbours.learn(kLink, kHost, kNewMac, at(seconds(1)));
  const auto answer = neighbours.find(kLink, kHost, at(std::chrono::hours(1)));
  EXPECT_EQ(answer.mac, kMac);
  EXPECT_FALSE(answer.ask);
}

TEST(Neighbours, AFullTableLearnsNothingNewAndKeepsTheOld) {
  Neighbours neighbours(16);
  for (uint32_t host = 0; host < 64; ++host) {
    neighbours.learn(kLink, be32(0x0a000000 + host), kMac, at(seconds(0)));
  }
  size_t known = 0;
  for (uint32_t host = 0; host < 64; ++host) {
    known += neighbours.find(kLink, be32(0x0a000000 + host), at(seconds(1))).mac ? 1 : 0;
  }
  EXPECT_EQ(known, 16U);
}

}  // namespace
}  // namespace lapse
