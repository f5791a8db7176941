#include "dataplane/flow/tuple.h"

#include <bit>
#include <set>

#include "gtest/gtest.h"

namespace lapse {
namespace {

const FiveTuple kTcp{be32(0x0a00010a), be32(0xcb007150), be16(40000), be16(443), 6};
constexpr HashKey kKey{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};

TEST(FiveTuple, Text) {
  EXPECT_EQ(to_string(kTcp), "tcp 10.0.1.10:40000 > 203.0.113.80:443");
  FiveTuple udp = kTcp.reversed();
  udp.protocol = 17;
  EXPECT_EQ(to_string(udp), "udp 203.0.113.80:443 > 10.0.1.10:40000");
  const FiveTuple echo{be32(0x0a00010a), be32(0xcb007150), be16(7), Be16{}, 1};
  EXPECT_EQ(to_string(echo), "icmp 10.0.1.10 > 203.0.113.80 id 7");
  EXPECT_EQ(to_string(echo.reversed()), "icmp 203.0.113.80 > 10.0.1.10 id 7");
  FiveTuple other = echo;
  other.protocol = 47;
  EXPECT_EQ(to_string(other), "ip 10.0.1.10 > 203.0.113.80 protocol 47");
}

TEST(FiveTuple, HashDependsOnKeyAndEveryBit) {
  const uint64_t base = hash(kTcp, kKey);
  EXPECT_NE(base, hash(kTcp, HashKey{kKey.first + 1, kKey.second}));
  EXPECT_NE(base, hash(kTcp, HashKey{kKey.first, kKey.second + 1}));
  EXPECT_NE(base, hash(kTcp.reversed(), kKey));
  int changed = 0;
  for (size_t bit = 0; bit < 112; ++bit) {
    FiveTuple other = kTcp;
    reinterpret_cast<unsigned char*>(&other)[bit / 8] ^= static_cast<unsigned char>(1u << bit % 8);
    changed += std::popcount(base ^ hash(other, kKey));
  }
  EXPECT_NEAR(changed / 112.0, 32.0, 3.0) << "bits that change on average";
}

}  // namespace
}  // namespace lapse
