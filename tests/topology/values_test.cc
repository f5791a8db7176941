#include "control/topology/values.h"

#include <chrono>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::topology {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

template <typename Result>
std::string message(const Result& result) {
  return result.ok() ? "ok" : std::string(result.status().message());
}
TEST(Duration, CarriesAUnit) {
  const std::vector<std::pair<std::string, Duration>> rows{
      {"350s", 350s}, {"5d", 120h},      {"120ms", 120ms},
      {"2h", 2h},     {"1m30s", 90s},    {"1d2h3m4s5ms", 26h + 3min + 4s + 5ms},
      {"0s", 0s},     {"000350s", 350s}, {"106751d", 106751 * 24h},
  };
  for (const auto& [text, duration] : rows) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed.ok()) << text << ": " << message(parsed);
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(Duration, IsRefusedWithTheReason) {
  const std::vector<std::pair<std::string, std::string>> rows{
      {"350", "a unit is missing (350)"},
      {"1m30", "a unit is missing (1m30)"},
      {"", "not a duration ('')"},
      {"s", "not a duration (s)"},
      {"-5s", "not a duration (-5s)"},
      {"1.5s", "the unit . is unknown (1.5s)"},
      {"350 s", "the unit ' s' is unknown ('350 s')"},
      {"6min", "the unit min is unknown (6min)"},
      {"350S", "the unit S is unknown (350S)"},
      {"30s1m", "the longest unit stands first, each once (30s1m)"},
      {"30s30s", "the longest unit stands first, each once (30s30s)"},
      {"106752d", "too long (106752d)"},
      {"106751d24h", "too long (106751d24h)"},
      {"99999999999999999999s", "too long (99999999999999999999s)"},
      {"350s\n", "the unit 's\\x0a' is unknown ('350s\\x0a')"},
  };
  for (const auto& [text, why] : rows) {
    EXPECT_EQ(message(parse_duration(text)), why);
  }
}

TEST(Duration, IsPrintedShortAndReadBack) {
  const std::vector<std::pair<Duration, std::string>> rows{
      {0s, "0s"},      {1ms, "1ms"},      {350s, "350s"},   {60s, "60s"},         {3600s, "1h"},       {7200s, "2h"},
      {432000s, "5d"}, {12 * 24h, "12d"}, {3601s, "3601s"}, {90061s, "1d1h1m1s"}, {1500ms, "1s500ms"},
  };
  for (const auto& [duration, text] : rows) {
    EXPECT_EQ(duration_text(duration), text);
    EXPECT_EQ(*parse_duration(text), duration);
  }
}

TEST(Address, RangeIncludesBothEnds) {
  const auto range = parse_address_range("10.0.1.10-10.0.1.59");
  ASSERT_TRUE(range.ok());
  EXPECT_EQ(range->size(), 50U);
  EXPECT_EQ(to_string(range->front()), "10.0.1.10");
  EXPECT_EQ(to_string(range->back()), "10.0.1.59");
  EXPECT_EQ(parse_address_range("10.0.1.10")->size(), 1U);
  EXPECT_EQ(parse_address_range("10.0.1.10-10.0.1.10")->size(), 1U);
  EXPECT_EQ(parse_address_range("255.255.255.254-255.255.255.255")->size(), 2U);
}

TEST(Address, RangeIsRefusedWithTheReason) {
  EXPECT_EQ(message(parse_address_range("10.0.1.59-10.0.1.10")), "a range from high to low (10.0.1.59-10.0.1.10)");
  EXPECT_EQ(message(parse_address_range("10.0.1.1-59")), "not a range of addresses (10.0.1.1-59)");
  EXPECT_EQ(message(parse_address_range("0.0.0.0-255.255.255.255")),
            "a range of more than 4096 addresses (0.0.0.0-255.255.255.255)");
  EXPECT_EQ(parse_address_range("10.0.0.0-10.0.15.255")->size(), 4096U);
  EXPECT_EQ(message(parse_address_range("10.0.0.0-10.0.16.0")),
            "a range of more than 4096 addresses (10.0.0.0-10.0.16.0)");
  EXPECT_EQ(message(parse_address("fd00::1")), "IPv6 is not available yet (fd00::1)");
  EXPECT_EQ(message(parse_address("010.0.0.1")), "not an IPv4 address (010.0.0.1)");
}

TEST(Subnet, HasNoBitsBehindThePrefix) {
  EXPECT_EQ(to_string(*parse_subnet("10.0.1.0/24")), "10.0.1.0/24");
  EXPECT_EQ(to_string(*parse_subnet("0.0.0.0/0")), "0.0.0.0/0");
  EXPECT_EQ(message(parse_subnet("10.0.1.1/24")),
            "bits are set behind the prefix; 10.0.1.0/24 is the network (10.0.1.1/24)");
  EXPECT_EQ(message(parse_subnet("10.0.1.0/33")), "a prefix length is 0 to 32 (10.0.1.0/33)");
  EXPECT_EQ(message(parse_subnet("10.0.1.0/")), "a prefix length is 0 to 32 (10.0.1.0/)");
  EXPECT_EQ(message(parse_subnet("10.0.1.0")), "the prefix length is missing (10.0.1.0)");
}

TEST(Count, IsDigitsOnly) {
  EXPECT_EQ(*parse_count("100000000"), 100000000U);
  EXPECT_EQ(*parse_count("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", "1e6", "0x10", "1_000", " 1", "1 "}) {
    EXPECT_THAT(message(parse_count(text)), HasSubstr("not a whole number")) << text;
  }
  EXPECT_EQ(message(parse_count("18446744073709551616")), "too large (18446744073709551616)");
}

TEST(Probability, IsAPercentageOrAFraction) {
  for (const auto& [text, share] : std::vector<std::pair<const char*, double>>{{"1%", 0.01},
                                                                               {"0.5%", 0.005},
                                                                               {"0.01", 0.01},
                                                                               {"12.5%", 0.125},
                                                                               {"1.0", 1},
                                                                               {"100%", 1},
                                                                               {"0", 0},
                                                                               {"0%", 0}}) {
    EXPECT_NEAR(parse_probability(text)->share(), share, 1e-9) << text;
  }
  EXPECT_EQ(parse_probability("100%")->share(), 1);
  for (const char* text : {"", "%", ".5", "1.", "1 %", "+1%", "-1%", "1e-2", "nan", "0x1%", "1%%", "0.00000000001"}) {
    EXPECT_THAT(message(parse_probability(text)), HasSubstr("neither a percentage nor a fraction")) << text;
  }
  EXPECT_EQ(message(parse_probability("1")), "a percent sign or a point is missing (1)");
  EXPECT_EQ(message(parse_probability("1.01")), "more than always (1.01)");
  EXPECT_EQ(message(parse_probability("0.00000001%")), "too small to ever happen (0.00000001%)");
}

TEST(Rate, IsInBitsASecond) {
  EXPECT_EQ(*parse_rate("1000bit"), 1000U);
  EXPECT_EQ(*parse_rate("64kbit"), 64'000U);
  EXPECT_EQ(*parse_rate("10mbit"), 10'000'000U);
  EXPECT_EQ(*parse_rate("100gbit"), 100'000'000'000U);
  for (const char* text : {"", "mbit", "-1mbit", "1.5mbit "}) {
    EXPECT_FALSE(parse_rate(text).ok()) << text;
  }
  for (const char* text :
       {"0bit", "999bit", "0gbit", "101gbit", "99999999999999999999gbit", "18446744073709551615gbit"}) {
    EXPECT_THAT(message(parse_rate(text)), HasSubstr("out of range")) << text;
  }
  EXPECT_EQ(message(parse_rate("10")), "a unit is missing (10)");
  EXPECT_EQ(message(parse_rate("10Mbit")), "the unit Mbit is unknown (10Mbit)");
}

TEST(Name, IsLowerCaseDigitsAndHyphens) {
  for (const char* name : {"a", "natgw", "nat-gateway", "0", "vpce-0a1b2c3d4e5f60718"}) {
    EXPECT_TRUE(check_name(name, 40).ok()) << name;
  }
  for (const char* name : {"", "-a", "a-", "A", "a_b", "a.b", "a b", "../x", "é"}) {
    EXPECT_FALSE(check_name(name, 40).ok()) << name;
  }
  EXPECT_TRUE(check_name("fifteen-letters", 15).ok());
  EXPECT_FALSE(check_name("sixteen-letters-", 15).ok());
}

TEST(DnsName, IsOneThatProgramsResolve) {
  for (const char* name :
       {"api", "api.example.com", "API.Example.com", "lambda.us-east-1.amazonaws.com", "1.example"}) {
    EXPECT_TRUE(check_dns_name(name).ok()) << name;
  }
  for (const char* name : {"", ".", "a..b", "a.", "-a.b", "a b", "a/b", "10.0.0.1", "a\nb"}) {
    EXPECT_FALSE(check_dns_name(name).ok()) << name;
  }
  EXPECT_FALSE(check_dns_name(std::string(64, 'a')).ok());
}

TEST(Sysctl, IsOfTheNetworkNamespace) {
  EXPECT_TRUE(check_sysctl_name("net.ipv4.tcp_keepalive_time").ok());
  EXPECT_TRUE(check_sysctl_name("net.ipv4.conf.eth0.rp_filter").ok());
  for (const char* name :
       {"kernel.core.pattern", "net", "net.ipv4", "net..x", "net.ipv4.", "net/ipv4/x", "net.a.../x"}) {
    EXPECT_FALSE(check_sysctl_name(name).ok()) << name;
  }
}

TEST(Mac, IsOfOneStation) {
  EXPECT_TRUE(parse_station_mac("02:00:00:00:00:01").ok());
  EXPECT_FALSE(parse_station_mac("01:00:5e:00:00:01").ok());
  EXPECT_FALSE(parse_station_mac("00:00:00:00:00:00").ok());
  EXPECT_FALSE(parse_station_mac("02:00:00:00:00").ok());
}

}  // namespace
}  // namespace lapse::topology
