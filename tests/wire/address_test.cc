#include "dataplane/wire/address.h"

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(Ipv4Address, TextAndBackForEveryByteValue) {
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (const uint32_t shift : {0U, 8U, 16U, 24U}) {
      const Ipv4Address address = be32(byte << shift);
      EXPECT_EQ(parse_ipv4(to_string(address)), address);
    }
  }
  EXPECT_EQ(to_string(be32(0xcb00710a)), "203.0.113.10");
}

TEST(Ipv4Address, RefusesAnythingElse) {
  for (const char* text : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "00.2.3.4", "1.2.3.4 ", " 1.2.3.4",
                           "1.2.3.-4", "+1.2.3.4", "1..3.4", "1.2.3.", "0x1.2.3.4", "1.2.3.99999999999", "a.b.c.d"}) {
    EXPECT_EQ(parse_ipv4(text), std::nullopt) << text;
  }
}

TEST(Ipv4Prefix, TextAndBack) {
  for (const char* text : {"0.0.0.0/0", "10.0.0.0/8", "203.0.113.0/24", "203.0.113.10/32"}) {
    const auto prefix = parse_prefix(text);
    ASSERT_TRUE(prefix) << text;
    EXPECT_EQ(to_string(*prefix), text);
  }
}

TEST(Ipv4Prefix, RefusesAnythingElse) {
  for (const char* text : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ", "/8",
                           "10.0.0/8", "10.0.0.1/8", "10.0.0.0/8/8"}) {
    EXPECT_EQ(parse_prefix(text), std::nullopt) << text;
  }
}

TEST(Ipv4Prefix, ContainsAndOverlaps) {
  const Ipv4Prefix lan = *parse_prefix("10.0.1.0/24");
  EXPECT_TRUE(lan.contains(*parse_ipv4("10.0.1.255")));
  EXPECT_FALSE(lan.contains(*parse_ipv4("10.0.2.0")));
  EXPECT_TRUE(lan.overlaps(*parse_prefix("10.0.0.0/16")));
  EXPECT_TRUE(parse_prefix("10.0.0.0/16")->overlaps(lan));
  EXPECT_FALSE(lan.overlaps(*parse_prefix("10.0.0.0/24")));
  EXPECT_TRUE(parse_prefix("0.0.0.0/0")->contains(*parse_ipv4("255.255.255.255")));
  EXPECT_EQ(to_string(lan.broadcast()), "10.0.1.255");
}

TEST(MacAddress, TextAndBack) {
  const auto mac = parse_mac("02:aB:00:00:0f:f0");
  ASSERT_TRUE(mac);
  EXPECT_EQ(to_string(*mac), "02:ab:00:00:0f:f0");
  EXPECT_TRUE(kBroadcastMac.is_group());
  EXPECT_FALSE(mac->is_group());
}

TEST(MacAddress, RefusesAnythingElse) {
  for (const char* text : {"", "02:00:00:00:00", "02:00:00:00:00:1", "02-00-00-00-00-01", "02:00:00:00:00:0g",
                           "02:00:00:00:00:01:", "0200.0000.0001"}) {
    EXPECT_EQ(parse_mac(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace lapse
