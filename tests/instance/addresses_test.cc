// Which addresses may come to a NAT gateway while it runs, and which may go. aws-behaviour 3.1; section 1, address drain.
#include "control/network/addresses.h"

#include "gmock/gmock.h"

#include "control/network/build.h"
#include "dataplane/box/nat_gateway.h"
#include "tests/support/nat_topology.h"

namespace lapse {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;

class Addresses : public testing::Test {
 protected:
  static Ipv4Address ip(std::string_view text) { return *parse_ipv4(text); }
  std::string associate(std::string_view address, std::string_view box = "natgw") {
    return std::string(associate_address(boxes_, box, ip(address)).message());
  }
  std::string disassociate(std::string_view address, std::optional<Duration> drain = std::nullopt) {
    return std::string(disassociate_address(boxes_, "natgw", ip(address), drain, now_).message());
  }

  const topology::Topology topology_ = test::nat_topology();
  const topology::Directory directory_ = topology::make_directory(topology_);
  Quiescence quiescence_;
  uint64_t random_ = 1;
  std::unique_ptr<Network> network_ = build_network(topology_, {1, [this] { return ++random_; }}, quiescence_);
  const AddressesOf boxes_{*network_, topology_, directory_};
  const Now now_{.now = Instant(seconds(1000)), .real = Instant(seconds(1000)), .last_jump = {}};
};

TEST_F(Addresses, AreThoseOfTheFileAndThoseThatCame) {
  EXPECT_EQ(associate("203.0.113.11"), "");
  const auto list = list_addresses(boxes_, "natgw");
  ASSERT_TRUE(list.ok());
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[0].address, ip("203.0.113.10"));
  EXPECT_EQ((*list)[1].address, ip("203.0.113.11"));
}

// ARP is answered for what the box owns at that moment.
TEST_F(Addresses, AreTheBoxsOwnOnItsLink) {
  const LinkId internet{1};
  EXPECT_EQ(network_->find_by_address(internet, ip("203.0.113.11")), kNoInterface);
  EXPECT_EQ(associate("203.0.113.11"), "");
  EXPECT_EQ(network_->find_by_address(internet, ip("203.0.113.11")),
            network_->find_by_address(internet, ip("203.0.113.10")));
}

TEST_F(Addresses, DrainAsLongAsTheBoxSaysOrTheCaller) {
  EXPECT_EQ(associate("203.0.113.11"), "");
  EXPECT_EQ(disassociate("203.0.113.11"), "");
  EXPECT_EQ(list_addresses(boxes_, "natgw")->back().released_at, to_tick(now_.now + seconds(350)));
  EXPECT_EQ(associate("203.0.113.12"), "");
  EXPECT_EQ(disassociate("203.0.113.12", seconds(4000)), "");
  EXPECT_EQ(list_addresses(boxes_, "natgw")->back().released_at, to_tick(now_.now + seconds(4000)));
}

TEST_F(Addresses, DrainHasTheProvidersRange) {
  EXPECT_EQ(associate("203.0.113.11"), "");
  for (const Duration drain : {Duration(0), Duration(seconds(4001))}) {
    EXPECT_THAT(disassociate("203.0.113.11", drain), HasSubstr("accepted is 1s to 4000s"));
  }
}

TEST_F(Addresses, WhatCannotBeSaysWhy) {
  EXPECT_THAT(associate("198.51.100.1"),
              AllOf(HasSubstr("198.51.100.1"), HasSubstr("internet"), HasSubstr("203.0.113.0/24")));
  EXPECT_THAT(associate("203.0.113.255"), HasSubstr("accepted is one in 203.0.113.0/24"));
  EXPECT_THAT(associate("203.0.113.80"), HasSubstr("belongs to api"));
  EXPECT_THAT(associate("203.0.113.10"), HasSubstr("natgw has 203.0.113.10 already"));
  EXPECT_THAT(associate("203.0.113.11", "nagtw"), AllOf(HasSubstr("nagtw"), HasSubstr("natgw")));
  EXPECT_THAT(disassociate("203.0.113.10"), HasSubstr("primary"));
  EXPECT_THAT(disassociate("203.0.113.11"), HasSubstr("natgw has no address 203.0.113.11 in service: 203.0.113.10"));
}

TEST_F(Addresses, C18_EightAreAsManyAsThereCanBe) {
  for (int i = 11; i <= 17; ++i) {
    EXPECT_EQ(associate("203.0.113." + std::to_string(i)), "");
  }
  EXPECT_THAT(associate("203.0.113.18"), HasSubstr("has 8 addresses"));
}

}  // namespace
}  // namespace lapse
