#include "control/topology/text.h"
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr std::string_view kApp = "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n";

TEST(Reachability, HostWithoutGatewayIsNamedWithTheOneItShouldHave) {
  const Findings findings = findings_of(changed({{kApp, "  app: { link: private, address: 10.0.1.10 }\n"}}));
  EXPECT_THAT(findings.errors, ElementsAre("t.yaml:12:3: hosts.app: gateway is missing: app reaches api only through "
                                           "natgw; accepted is gateway: 10.0.1.1"));
}

TEST(Reachability, InterfaceIsNamedWhereThereAreSeveral) {
  const Findings findings =
      findings_of(changed({{"links:\n", "links:\n  back: { subnet: 10.8.0.0/24 }\n"},
                           {kApp,
                            "  app:\n    interfaces:\n      back: { link: back, address: 10.8.0.1 }\n"
                            "      front: { link: private, address: 10.0.1.10 }\n"}}));
  EXPECT_THAT(findings.errors,
              ElementsAre("t.yaml:16:7: hosts.app.interfaces.front: gateway is missing: app reaches api "
                          "only through natgw; accepted is gateway: 10.0.1.1"));
}

TEST(Reachability, HostsOfOneLinkNeedNoGateway) {
  EXPECT_THAT(findings_of("links: { l: { subnet: 10.0.0.0/24 } }\n"
                          "hosts: { a: { link: l, address: 10.0.0.1 }, b: { link: l, address: 10.0.0.2 } }\n")
                  .errors,
              IsEmpty());
}

TEST(Reachability, FarSideNeedsNoGateway) {
  const Findings findings = findings_of(std::string(kGoodFile));
  EXPECT_THAT(findings.errors, IsEmpty());
  EXPECT_THAT(findings.warnings, IsEmpty());
}

// A NAT gateway opens nothing from outside (L8).
TEST(Reachability, StartingOutsideIsAWarning) {
  EXPECT_THAT(findings_of(changed({{"start_at: app", "start_at: api"}})).warnings,
              ElementsAre("t.yaml:13:3: hosts.api: no way to app (10.0.1.10) for a new connection"));
  EXPECT_THAT(findings_of(changed({{"start_at: app", "start_at: api"},
                                   {"address: 203.0.113.80", "address: 203.0.113.80, gateway: 203.0.113.10"}}))
                  .warnings,
              ElementsAre("t.yaml:13:3: hosts.api: no way to app (10.0.1.10) for a new connection"));
}

constexpr std::string_view kTwoInARow = R"(start_at: app
links:
  private:  { subnet: 10.0.1.0/24 }
  middle:   { subnet: 10.0.2.0/24 }
  internet: { subnet: 203.0.113.0/24 }
boxes:
  first:
    kind: nat-gateway
    inside:  { link: private, address: 10.0.1.1 }
    outside: { link: middle, address: 10.0.2.10 }
  second:
    kind: nat-gateway
    inside:  { link: middle, address: 10.0.2.1 }
    outside: { link: internet, address: 203.0.113.10 }
hosts:
  app: { link: private, address: 10.0.1.10 }
  api: { link: internet, address: 203.0.113.80 }
)";

TEST(Reachability, EveryMissingGatewayOnTheWayIsNamedAtOnce) {
  EXPECT_THAT(
      findings_of(std::string(kTwoInARow)).errors,
      ElementsAre("t.yaml:10:5: boxes.first.outside: gateway is missing: first reaches api only through second; "
                  "accepted is gateway: 10.0.2.1",
                  "t.yaml:16:3: hosts.app: gateway is missing: app reaches api only through first; accepted is "
                  "gateway: 10.0.1.1"));
}

TEST(Reachability, TwoNatGatewaysInARowAreFine) {
  std::string text(kTwoInARow);
  text.replace(text.find("10.0.2.10 }"), 9, "10.0.2.10, gateway: 10.0.2.1");
  text.replace(text.find("10.0.1.10 }"), 9, "10.0.1.10, gateway: 10.0.1.1");
  const Findings findings = findings_of(text);
  EXPECT_THAT(findings.errors, IsEmpty());
  EXPECT_THAT(findings.warnings, IsEmpty());
}

// What lies behind a router needs a way back to the NAT gateway's outside address. 'deep' is its host, 'box' says more.
std::string behind_a_router(std::string_view deep, std::string_view box = "") {
  const std::string last = concat("  deep: ", deep, "\n");
  const std::string outside = concat("addresses: [203.0.113.10], gateway: 203.0.113.1 }", box);
  const std::string hosts = concat(kApp,
                                   "  router:\n    interfaces:\n      eth0: { link: internet, address: 203.0.113.1 }\n"
                                   "      eth1: { link: far, address: 198.51.100.1 }\n"
                                   "    sysctls: { net.ipv4.ip_forward: 1 }\n",
                                   last);
  return changed({{"links:\n", "links:\n  far: { subnet: 198.51.100.0/24 }\n"},
                  {"addresses: [203.0.113.10] }", outside},
                  {kApp, hosts}});
}

TEST(Reachability, BoxThatSeesOnlyTheQuestionsNamesTheHostAndItsGateway) {
  const Findings findings = findings_of(behind_a_router("{ link: far, address: 198.51.100.80 }"));
  EXPECT_THAT(findings.errors,
              ElementsAre("t.yaml:19:3: hosts.deep: natgw sees only one direction of what app and deep say: deep does "
                          "not send back through router; accepted is gateway: 198.51.100.1 on deep, or asymmetric: "
                          "allow on natgw"));
}

TEST(Reachability, TheGatewayThatIsAskedForIsEnough) {
  const Findings findings =
      findings_of(behind_a_router("{ link: far, address: 198.51.100.80, gateway: 198.51.100.1 }"));
  EXPECT_THAT(findings.errors, IsEmpty());
  EXPECT_THAT(findings.warnings, IsEmpty());
}

TEST(Reachability, ABoxMayAllowAsymmetry) {
  const Findings findings =
      findings_of(behind_a_router("{ link: far, address: 198.51.100.80 }", "\n    asymmetric: allow"));
  EXPECT_THAT(findings.errors, IsEmpty());
  EXPECT_THAT(findings.warnings,
              ElementsAre("t.yaml:20:3: hosts.deep: no way to answer app, whom it sees as 203.0.113.10"));
}

// The answers go through another NAT gateway, which knows nothing of the question: both see one direction.
TEST(Reachability, AnswersThroughAnotherBoxAreNamed) {
  const Findings findings =
      findings_of(changed({{"boxes:\n",
                            "boxes:\n  other: { kind: nat-gateway, inside: { link: internet, address: 203.0.113.2 },\n"
                            "           outside: { link: third, address: 192.0.2.10, gateway: 192.0.2.1 } }\n"},
                           {"links:\n", "links:\n  third: { subnet: 192.0.2.0/24 }\n"},
                           {"addresses: [203.0.113.10] }", "addresses: [203.0.113.10], gateway: 203.0.113.1 }"},
                           {"address: 203.0.113.80,", "address: 203.0.113.80, gateway: 203.0.113.1,"},
                           {kApp,
                            "  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n"
                            "  router:\n    interfaces:\n      eth0: { link: internet, address: 203.0.113.1 }\n"
                            "      eth1: { link: third, address: 192.0.2.1 }\n"
                            "    sysctls: { net.ipv4.ip_forward: 1 }\n"
                            "  deep: { link: third, address: 192.0.2.80, gateway: 192.0.2.10 }\n"}}));
  EXPECT_THAT(findings.errors,
              ElementsAre("t.yaml:21:3: hosts.deep: natgw, other see only one direction of what app and deep say: deep "
                          "does not send back through router; accepted is gateway: 192.0.2.1 on deep, or asymmetric: "
                          "allow on natgw, other"));
}

// Without a box on the way nobody forgets anything: the one who starts is warned, and that is all.
TEST(Reachability, AnswersOfRoutedHostsAreNoBoxesBusiness) {
  const Findings findings = findings_of(
      "start_at: a\n"
      "links: { l: { subnet: 10.0.0.0/24 }, m: { subnet: 10.0.1.0/24 } }\n"
      "hosts:\n"
      "  a: { link: l, address: 10.0.0.1, gateway: 10.0.0.9 }\n"
      "  r: { interfaces: { one: { link: l, address: 10.0.0.9 }, two: { link: m, address: 10.0.1.9 } },\n"
      "       sysctls: { net.ipv4.ip_forward: 1 } }\n"
      "  b: { link: m, address: 10.0.1.2 }\n");
  EXPECT_THAT(findings.errors, IsEmpty());
  EXPECT_THAT(findings.warnings, ElementsAre("t.yaml:7:3: hosts.b: no way to answer a, whom it sees as 10.0.0.1"));
}

// Routes of one's own are taken as meant: nobody guesses a gateway beside them.
TEST(Reachability, RoutesThatLeadElsewhereAreNoRoute) {
  const Findings findings = findings_of(changed(
      {{kApp, "  app: { link: private, address: 10.0.1.10, routes: [{ to: 198.51.100.0/24, via: 10.0.1.1 }] }\n"}}));
  EXPECT_THAT(findings.errors,
              ElementsAre("t.yaml:13:3: hosts.api: no route exists between api and app, nor by way of other hosts: app "
                          "has no route to 203.0.113.80; accepted is a link, a gateway or a route between them"));
}

// Hosts that speak to none but a third one: a proxy.
TEST(Reachability, HostsThatOnlyAThirdOneReachesAreFine) {
  EXPECT_THAT(findings_of("links: { l: { subnet: 10.0.0.0/24 }, m: { subnet: 10.0.1.0/24 } }\n"
                          "hosts:\n"
                          "  a: { link: l, address: 10.0.0.1 }\n"
                          "  proxy: { interfaces: { one: { link: l, address: 10.0.0.9 }, two: { link: m, address: "
                          "10.0.1.9 } } }\n"
                          "  b: { link: m, address: 10.0.1.2 }\n")
                  .errors,
              IsEmpty());
}

TEST(Reachability, RouteServesAsWellAsAGateway) {
  EXPECT_THAT(findings_of(changed({{kApp,
                                    "  app: { link: private, address: 10.0.1.10,"
                                    " routes: [{ to: 203.0.113.0/24, via: 10.0.1.1 }] }\n"}}))
                  .warnings,
              IsEmpty());
}

TEST(Reachability, GatewaysInARingComeToAnEnd) {
  const Findings findings = findings_of(
      "start_at: a\n"
      "links: { l: { subnet: 10.0.0.0/24 }, m: { subnet: 10.0.1.0/24 } }\n"
      "hosts:\n"
      "  a: { link: l, address: 10.0.0.1, gateway: 10.0.0.2 }\n"
      "  b: { link: l, address: 10.0.0.2, gateway: 10.0.0.1 }\n"
      "  c: { link: m, address: 10.0.1.1 }\n");
  EXPECT_THAT(findings.errors, ElementsAre("t.yaml:6:3: hosts.c: no route exists between c and a, nor by way of other "
                                           "hosts: b does not forward (its sysctls have no net.ipv4.ip_forward: 1); "
                                           "accepted is a link, a gateway or a route between them"));
}

}  // namespace
}  // namespace lapse::topology
