#include "control/topology/paths.h"

#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

std::vector<DrawnPath> paths_of(const std::string& text) {
  Findings findings;
  const std::optional<Topology> topology = load_text(text, "t.yaml", findings);
  EXPECT_TRUE(topology) << testing::PrintToString(findings.errors);
  return topology ? draw(walk_pairs(*topology)) : std::vector<DrawnPath>();
}

std::vector<std::string> pictures_of(const std::string& text) {
  std::vector<std::string> pictures;
  for (const DrawnPath& path : paths_of(text)) {
    pictures.push_back(path.picture);
  }
  return pictures;
}

// ---- L8: nobody opens from outside

TEST(Paths, NatGatewayIsAOneWayStreet) {
  EXPECT_THAT(pictures_of(std::string(kGoodFile)),
              ElementsAre("app > natgw > api, and back", "api cannot open to app: natgw translates"));
}

TEST(Paths, AreThereInParts) {
  const std::vector<DrawnPath> paths = paths_of(std::string(kGoodFile));
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_TRUE(paths[0].opens);
  EXPECT_THAT(paths[0].forth, ElementsAre("app", "natgw", "api"));
  EXPECT_THAT(paths[0].back, ElementsAre("api", "natgw", "app"));
  EXPECT_EQ(paths[0].seen_as, "203.0.113.10");
  EXPECT_EQ(paths[0].reason, "");
  EXPECT_FALSE(paths[1].opens);
  EXPECT_EQ(paths[1].reason, "natgw translates");
  EXPECT_THAT(paths[1].back, IsEmpty());
}

TEST(Paths, AGatewayToTheOutsideAddressOpensNothingEither) {
  EXPECT_THAT(pictures_of(changed({{"address: 203.0.113.80,", "address: 203.0.113.80, gateway: 203.0.113.10,"}})),
              ElementsAre("app > natgw > api, and back", "api cannot open to app: natgw translates"));
}

TEST(Paths, TwoNatGatewaysInARowBothTranslateAndBothTranslateBack) {
  Findings findings;
  const auto topology = load(LAPSE_TEST_TOPOLOGIES "/two-nat-gateways.yaml", findings);
  ASSERT_TRUE(topology);
  const std::vector<DrawnPath> paths = draw(walk_pairs(*topology));
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_EQ(paths[0].picture, "app > lab > natgw > api, and back");
  EXPECT_THAT(paths[0].back, ElementsAre("api", "natgw", "lab", "app"));
  EXPECT_EQ(paths[1].picture, "api cannot open to app: lab, natgw translate");
}

// ---- hosts

TEST(Paths, HostsOfOneLinkOpenToEachOther) {
  EXPECT_THAT(pictures_of("links: { l: { subnet: 10.0.0.0/24 } }\n"
                          "hosts: { a: { link: l, address: 10.0.0.1 }, b: { link: l, address: 10.0.0.2 } }\n"),
              ElementsAre("a > b, and back", "b > a, and back"));
}

// A program that relays is no route: the browser reaches the proxy, and the proxy whom it asks.
TEST(Paths, ProxiesAreWhereRoutesEnd) {
  Findings findings;
  const auto topology = load(LAPSE_TEST_TOPOLOGIES "/behind-proxies.yaml", findings);
  ASSERT_TRUE(topology);
  std::vector<std::string> pictures;
  for (const DrawnPath& path : draw(walk_pairs(*topology))) {
    pictures.push_back(path.picture);
  }
  EXPECT_THAT(pictures, Contains("browser > alb1, and back"));
  EXPECT_THAT(pictures, Contains("alb1 > natgw > alb2, and back"));
  EXPECT_THAT(pictures, Contains("alb2 cannot open to alb1: natgw translates"));
  EXPECT_THAT(pictures, Contains("browser cannot open to api: browser has no route to 10.8.0.8"));
  EXPECT_EQ(pictures.size(), 5U * 4U);
}

// Of a host's interfaces the one is taken that can be reached, and it speaks with the address of the one it sends by.
TEST(Paths, InterfacesAreTriedInTurn) {
  const std::vector<DrawnPath> paths = paths_of(
      "links: { l: { subnet: 10.0.0.0/24 }, m: { subnet: 10.0.1.0/24 } }\n"
      "hosts:\n"
      "  a: { interfaces: { one: { link: l, address: 10.0.0.1 }, two: { link: m, address: 10.0.1.1 } } }\n"
      "  b: { link: m, address: 10.0.1.2 }\n");
  ASSERT_EQ(paths.size(), 2U);
  EXPECT_EQ(paths[0].picture, "a > b, and back");
  EXPECT_EQ(paths[0].seen_as, "10.0.1.1");
  EXPECT_EQ(paths[1].picture, "b > a, and back");
}

constexpr std::string_view kRouter = R"(links: { l: { subnet: 10.0.0.0/24 }, m: { subnet: 10.0.1.0/24 } }
hosts:
  a: { link: l, address: 10.0.0.1, gateway: 10.0.0.9 }
  r: { interfaces: { one: { link: l, address: 10.0.0.9 }, two: { link: m, address: 10.0.1.9 } }, sysctls: { SYSCTL } }
  b: { link: m, address: 10.0.1.2, gateway: 10.0.1.9 }
)";

std::string router(std::string_view sysctl) {
  std::string text(kRouter);
  return text.replace(text.find("SYSCTL"), 6, sysctl);
}

TEST(Paths, AHostForwardsWhereItsKernelIsTold) {
  EXPECT_THAT(pictures_of(router("net.ipv4.ip_forward: 1")), Contains("a > r > b, and back"));
  EXPECT_THAT(pictures_of(router("net.ipv4.ip_forward: 0")),
              Contains("a cannot open to b: r does not forward (its sysctls have no net.ipv4.ip_forward: 1)"));
}

TEST(Paths, AnswersMayComeAnotherWay) {
  EXPECT_THAT(pictures_of("links: { l: { subnet: 10.0.0.0/24 }, m: { subnet: 10.0.1.0/24 } }\n"
                          "hosts:\n"
                          "  a: { link: l, address: 10.0.0.1, gateway: 10.0.0.8 }\n"
                          "  r: { interfaces: { one: { link: l, address: 10.0.0.8 }, two: { link: m, address: 10.0.1.8 "
                          "} }, sysctls: { net.ipv4.ip_forward: 1 } }\n"
                          "  s: { interfaces: { one: { link: l, address: 10.0.0.9 }, two: { link: m, address: 10.0.1.9 "
                          "} }, sysctls: { net.ipv4.ip_forward: 1 } }\n"
                          "  b: { link: m, address: 10.0.1.2, gateway: 10.0.1.9 }\n"),
              Contains("a > r > b, and back b > s > a"));
}

TEST(Paths, GatewaysInARingAreToldOf) {
  EXPECT_THAT(
      pictures_of("links: { l: { subnet: 10.0.0.0/24 }, m: { subnet: 10.0.1.0/24 } }\n"
                  "hosts:\n"
                  "  a: { link: l, address: 10.0.0.1, gateway: 10.0.0.2 }\n"
                  "  b: { link: l, address: 10.0.0.2, gateway: 10.0.0.1, sysctls: { net.ipv4.ip_forward: 1 } }\n"
                  "  c: { interfaces: { one: { link: l, address: 10.0.0.3 }, two: { link: m, address: 10.0.1.1 "
                  "} } }\n"
                  "  d: { link: m, address: 10.0.1.2 }\n"),
      Contains("b cannot open to d: a does not forward (its sysctls have no net.ipv4.ip_forward: 1)"));
}

// Where a device is, anybody may stand: the file does not say that nobody does.
TEST(Paths, DevicesLeadOutOfTheFile) {
  const std::vector<std::string> pictures =
      pictures_of(changed({{"outside: { link: internet, addresses: [203.0.113.10] }",
                            "outside: { link: internet, addresses: [203.0.113.10], gateway: 203.0.113.1 }"},
                           {"hosts:\n", "ports: { internet: { vdev: net_tap0 } }\nhosts:\n"},
                           {"links:\n", "links:\n  far: { subnet: 198.51.100.0/24 }\n"},
                           {"  api:", "  deep: { link: far, address: 198.51.100.80 }\n  api:"}}));
  EXPECT_THAT(pictures, Contains("app cannot open to deep: the file does not say who stands where natgw sends what is "
                                 "for 198.51.100.80"));
  EXPECT_THAT(pictures, Contains("app > natgw > api, and back"));
  EXPECT_THAT(pictures, Not(Contains(testing::HasSubstr("nobody"))));
}

}  // namespace
}  // namespace lapse::topology
