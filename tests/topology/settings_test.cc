#include "control/topology/settings.h"

#include <cstdlib>
#include <fstream>

#include "control/topology/document.h"
#include "control/topology/loader.h"
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kShipped = LAPSE_TEST_TOPOLOGIES "/nat-gateway.yaml";

struct Result {
  std::optional<Topology> topology;
  Findings findings;
};

Result set(const std::vector<std::string>& settings) {
  Result result;
  result.topology = load_with(kShipped, settings, result.findings);
  return result;
}

std::vector<std::string> errors(const std::vector<std::string>& settings) {
  return set(settings).findings.errors;
}

const NatGatewayBox& nat_of(const Result& result) {
  EXPECT_TRUE(result.topology) << testing::PrintToString(result.findings.errors);
  static const NatGatewayBox none;
  return result.topology ? result.topology->find_box("natgw")->nat_gateway : none;
}

TEST(Set, AddsWhatIsNew) {
  const Result result = set({"natgw.timeouts.icmp=60s", "natgw.timeouts.tcp_syn=5s", "natgw.capacity=7"});
  EXPECT_EQ(nat_of(result).timeouts[static_cast<size_t>(TimeoutClass::kIcmp)], 60s);
  EXPECT_EQ(nat_of(result).timeouts[static_cast<size_t>(TimeoutClass::kTcpSyn)], 5s);
  EXPECT_EQ(nat_of(result).capacity, 7U);
}

TEST(Set, ReplacesWhatIsThereAndTheLastOneWins) {
  const Result result = set({"app.address=10.0.1.11", "app.address=10.0.1.12", "start_at=api"});
  ASSERT_TRUE(result.topology) << testing::PrintToString(result.findings.errors);
  EXPECT_EQ(to_string(result.topology->find_host("app")->interfaces.at("eth0").addresses.front()), "10.0.1.12");
  EXPECT_EQ(result.topology->start_at, "api");
}

TEST(Set, KeysOfSysctlsAreDotted) {
  const Result result =
      set({"app.sysctls.net.ipv4.tcp_keepalive_time=60", "api.sysctls.net.ipv4.tcp_rmem=4096 131072 6291456"});
  ASSERT_TRUE(result.topology) << testing::PrintToString(result.findings.errors);
  EXPECT_EQ(result.topology->find_host("app")->sysctls.at("net.ipv4.tcp_keepalive_time"), "60");
  EXPECT_EQ(result.topology->find_host("api")->sysctls.at("net.ipv4.tcp_rmem"), "4096 131072 6291456");
}

TEST(Set, ValueIsYaml) {
  EXPECT_EQ(nat_of(set({"natgw.late_packet={inside: drop, outside: rst}"})).late_outside, LatePacket::kRst);
  EXPECT_EQ(nat_of(set({"natgw.outside.addresses=[203.0.113.20-203.0.113.27]"})).outside.addresses.size(), 8U);
  EXPECT_EQ(nat_of(set({"boxes.natgw.late_packet=rst"})).late_outside, LatePacket::kRst);
  EXPECT_EQ(set({"api.run=echo a=b"}).topology->find_host("api")->run, "echo a=b");
}

TEST(Set, FixedTimeoutNeedsLimitsOff) {
  EXPECT_THAT(
      errors({"natgw.timeouts.tcp_established=60s"}),
      ElementsAre("--set natgw.timeouts.tcp_established=60s: boxes.natgw.timeouts.tcp_established: out of range "
                  "(60s); the provider has fixed it at 350s, and `limits: off` on the box lifts that"));
  EXPECT_EQ(nat_of(set({"natgw.timeouts.tcp_established=60s", "natgw.limits=off"}))
                .timeouts[static_cast<size_t>(TimeoutClass::kTcpEstablished)],
            60s);
}

TEST(Set, BadValueGetsTheErrorOfTheFile) {
  EXPECT_THAT(
      errors({"natgw.capacity=0", "natgw.timeouts.udp=350"}),
      ElementsAre("--set natgw.timeouts.udp=350: boxes.natgw.timeouts.udp: a unit is missing (350); accepted is "
                  "a duration with a unit like 350s, 1m30s or 120ms",
                  "--set natgw.capacity=0: boxes.natgw.capacity: out of range (0); accepted is a whole number, 1 "
                  "to 100000000"));
}

TEST(Set, UnknownNameOrKeyIsAnError) {
  EXPECT_THAT(
      errors({"natgtw.capacity=5"}),
      ElementsAre("--set natgtw.capacity=5: no box, host, link or key of the file is called natgtw; did you mean "
                  "natgw? accepted is NAME.KEY=VALUE with one of natgw, app, api, private, internet, name, "
                  "start_at, links, boxes, hosts, ports"));
  EXPECT_THAT(
      errors({"natgw.timeouts.tpc_syn=5s"}),
      ElementsAre(StartsWith("--set natgw.timeouts.tpc_syn=5s: boxes.natgw.timeouts.tpc_syn: unknown key (tpc_syn); "
                             "did you mean tcp_syn?")));
  EXPECT_THAT(errors({"private.delay=20"}),
              ElementsAre(StartsWith("--set private.delay=20: links.private.delay: a unit is missing (20)")));
}

TEST(Set, NameWithoutAKeyOrNearToAnotherIsAnError) {
  EXPECT_THAT(errors({"natgw=5"}), ElementsAre(StartsWith("--set natgw=5: a key of natgw is missing; accepted is "
                                                          "natgw.KEY=VALUE with one of the keys kind, inside, ")));
  EXPECT_THAT(errors({"boxes.natgtw.capacity=5"}),
              ElementsAre("--set boxes.natgtw.capacity=5: nothing in boxes is called natgtw; did you mean natgw? there "
                          "are natgw"));
  EXPECT_THAT(errors({"ports.privat.vdev=net_tap0"}),
              ElementsAre(StartsWith("--set ports.privat.vdev=net_tap0: ports.privat: no such link (privat); did you "
                                     "mean private?")));
}

// What is new and not near to anything may be built up key by key.
TEST(Set, NewEntriesGrowKeyByKey) {
  const Result result = set({"hosts.db.link=internet", "hosts.db.address=203.0.113.90"});
  ASSERT_TRUE(result.topology) << testing::PrintToString(result.findings.errors);
  EXPECT_NE(result.topology->find_host("db"), nullptr);
}

TEST(Set, PathThatLeadsNowhereIsAnError) {
  EXPECT_THAT(errors({"natgw.kind.x=1"}),
              ElementsAre("--set natgw.kind.x=1: x cannot be set in text (nat-gateway); accepted is a map there"));
  EXPECT_THAT(errors({"api.names.0=x"}),
              ElementsAre("--set api.names.0=x: 0 cannot be set in a list; accepted is a map there"));
  const auto shape = ElementsAre(testing::HasSubstr("accepted is PATH=VALUE like natgw.timeouts.icmp=60s"));
  EXPECT_THAT(errors({"natgw.capacity"}), shape);
  EXPECT_THAT(errors({"=5"}), shape);
  EXPECT_THAT(errors({""}), shape);
  EXPECT_THAT(errors({"natgw.outside.addresses=[1"}), ElementsAre(testing::HasSubstr("the value [1: not YAML: ")));
}

TEST(Set, ANumberIsAPositionInAList) {
  Report report;
  auto root = parse_document(
      changed({{"gateway: 10.0.1.1 }", "gateway: 10.0.1.1, routes: [{ to: 10.9.0.0/16, via: 10.0.1.9 }] }"}}), "t.yaml",
      report);
  apply_settings(*root, {"app.routes.0.via=10.0.1.1"}, report);
  const Draft draft = load_draft(*root, "t.yaml", report);
  EXPECT_FALSE(report.has_errors());
  EXPECT_EQ(to_string(draft.topology.find_host("app")->interfaces.at("eth0").routes.front().via), "10.0.1.1");

  apply_settings(*root, {"app.routes.1.via=10.0.1.1"}, report);
  Findings findings;
  report.deliver(findings);
  EXPECT_THAT(findings.errors,
              ElementsAre("--set app.routes.1.via=10.0.1.1: no such position in the list of routes (1); "
                          "it has 1 item, counted from 0"));
}

TEST(Set, MissingValueIsAnError) {
  EXPECT_THAT(errors({"natgw.capacity="}),
              ElementsAre(StartsWith("--set natgw.capacity=: boxes.natgw.capacity: text is needed, found nothing")));
}

}  // namespace
}  // namespace lapse::topology
