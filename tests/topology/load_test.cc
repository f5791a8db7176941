#include <filesystem>

#include "control/topology/nat_gateway_defaults.h"
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kShipped = LAPSE_TEST_TOPOLOGIES "/nat-gateway.yaml";

Topology loaded(const std::string& text) {
  Findings findings;
  auto topology = load_text(text, "t.yaml", findings);
  EXPECT_TRUE(topology.has_value()) << testing::PrintToString(findings.errors);
  return topology.value_or(Topology{});
}

std::string with_box(std::string_view line) {
  static std::string text;
  text = "    kind: nat-gateway\n    " + std::string(line) + "\n";
  return changed({{"    kind: nat-gateway\n", text}});
}

const NatGatewayBox& nat_of(const Topology& topology) {
  return topology.find_box("natgw")->nat_gateway;
}

Duration timeout(const Topology& topology, TimeoutClass timeout_class) {
  return nat_of(topology).timeouts[static_cast<size_t>(timeout_class)];
}

std::vector<std::string> texts(const std::vector<Ipv4Address>& addresses) {
  std::vector<std::string> all;
  for (const Ipv4Address address : addresses) {
    all.push_back(to_string(address));
  }
  return all;
}

TEST(Load, Row3_4_Zonal_ShippedGatewayIsAsItsDrawingSays) {
  Findings findings;
  const auto topology = load(kShipped, findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  EXPECT_THAT(findings.warnings, IsEmpty());
  EXPECT_EQ(topology->name, "nat-gateway");
  EXPECT_EQ(topology->file, kShipped);
  EXPECT_EQ(topology->start_at, "app");
  EXPECT_EQ(to_string(topology->find_link("internet")->subnet), "203.0.113.0/24");
  const NatGatewayBox& nat = nat_of(*topology);
  EXPECT_EQ(nat.inside.link, "private");
  EXPECT_THAT(texts(nat.inside.addresses), ElementsAre("10.0.1.1"));
  EXPECT_THAT(texts(nat.outside.addresses), ElementsAre("203.0.113.10"));
  const Host& app = *topology->find_host("app");
  EXPECT_EQ(app.sysctls.at("net.ipv4.tcp_keepalive_time"), "7200");
  EXPECT_EQ(to_string(*app.interfaces.at("eth0").gateway), "10.0.1.1");
  const Host& api = *topology->find_host("api");
  EXPECT_THAT(api.names, ElementsAre("api.example.com"));
  EXPECT_EQ(api.run, "python3 server.py --port 8080");
  EXPECT_EQ(api.ready.tcp, 8080);
}

TEST(Load, WhatTheShippedTopologyRunsIsShippedBesideIt) {
  const auto folder = std::filesystem::path(kShipped).parent_path();
  EXPECT_TRUE(std::filesystem::exists(folder / "server.py"));
  EXPECT_TRUE(std::filesystem::exists(folder / "client.py"));
}

// Reference section 1, NAT gateway: 350 s for TCP and UDP, and what stands in for what is not published.
TEST(Load, DefaultsAreTheReferences) {
  const Topology topology = loaded(std::string(kGoodFile));
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpSyn), 120s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpEstablished), 350s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpClosing), 350s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpClosed), 60s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kUdp), 350s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kUdpStream), 350s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kIcmp), 350s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kOther), 350s);
  EXPECT_EQ(nat_of(topology).late_inside, LatePacket::kRst);    // L1
  EXPECT_EQ(nat_of(topology).late_outside, LatePacket::kDrop);  // C-1: L2
  EXPECT_EQ(nat_of(topology).capacity, 65536U);
  EXPECT_EQ(nat_of(topology).mtu, 8500);                       // 3.2: MTU
  EXPECT_TRUE(nat_of(topology).mss_clamping);                  // 3.2: MSS clamping
  EXPECT_EQ(nat_of(topology).ceiling.bits_per_second, 0U);     // 3.2: Bandwidth
  EXPECT_EQ(nat_of(topology).ceiling.packets_per_second, 0U);  // 3.2: Packet rate
  EXPECT_EQ(nat_of(topology).max_drain, 350s);                 // 1: address drain
}

TEST(Load, WhatAGatewayCarriesCanBeSaid) {
  const Topology topology =
      loaded(with_box("mtu: 1400\n    mss_clamping: off\n    bandwidth: 5gbit\n    packet_rate: 1000000\n    "
                      "MaxDrainDurationSeconds: 60"));
  EXPECT_EQ(nat_of(topology).mtu, 1400);
  EXPECT_FALSE(nat_of(topology).mss_clamping);
  EXPECT_EQ(nat_of(topology).ceiling.bits_per_second, 5'000'000'000U);
  EXPECT_EQ(nat_of(topology).ceiling.packets_per_second, 1'000'000U);
  EXPECT_EQ(nat_of(topology).max_drain, 60s);
}

TEST(Load, EveryDefaultHasItsRowAndLiesInItsRange) {
  for (const TimeoutDefault& known : kNatGatewayTimeouts) {
    EXPECT_FALSE(known.row.empty());
    EXPECT_LE(known.least, known.value);
    EXPECT_LE(known.value, known.most);
    EXPECT_GE(known.least, kShortestTimeout);
    EXPECT_LE(known.most, kLongestTimeout);
  }
}

TEST(Load, UnpublishedTimeoutsAreFree) {
  const Topology topology = loaded(
      with_box("timeouts: { tcp_syn: 1ms, tcp_closing: 12d, tcp_closed: 1m30s, icmp: 60s, other: 2h, udp: 350s }"));
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpSyn), 1ms);
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpClosing), 12 * 24h);
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpClosed), 90s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kIcmp), 60s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kOther), 2h);
}

TEST(Load, LimitsOffFreesTheFixedOnes) {
  const Topology topology =
      loaded(with_box("limits: off\n    timeouts: { tcp_established: 12d, udp: 30s, udp_stream: 180s }"));
  EXPECT_EQ(timeout(topology, TimeoutClass::kTcpEstablished), 12 * 24h);
  EXPECT_EQ(timeout(topology, TimeoutClass::kUdp), 30s);
  EXPECT_EQ(timeout(topology, TimeoutClass::kUdpStream), 180s);
}

TEST(Load, LatePacketIsOneOrOneForEachSide) {
  const Topology both = loaded(with_box("late_packet: rst"));  // C-1: L3
  EXPECT_EQ(nat_of(both).late_inside, LatePacket::kRst);
  EXPECT_EQ(nat_of(both).late_outside, LatePacket::kRst);
  const Topology sides = loaded(with_box("late_packet: { inside: drop, outside: rst }"));
  EXPECT_EQ(nat_of(sides).late_inside, LatePacket::kDrop);
  EXPECT_EQ(nat_of(sides).late_outside, LatePacket::kRst);
  const Topology one_side = loaded(with_box("late_packet: { outside: rst }"));
  EXPECT_EQ(nat_of(one_side).late_inside, LatePacket::kRst);
  EXPECT_EQ(nat_of(one_side).late_outside, LatePacket::kRst);
}

TEST(Load, CapacityHasBothEnds) {
  EXPECT_EQ(nat_of(loaded(with_box("capacity: 1"))).capacity, 1U);
  EXPECT_EQ(nat_of(loaded(with_box("capacity: 100000000"))).capacity, 100'000'000U);
}

TEST(Load, OutsideTakesEightAddressesInOrder) {
  const Topology topology = loaded(changed({{"[203.0.113.10]", "[203.0.113.20, 203.0.113.10-203.0.113.16]"}}));
  EXPECT_EQ(nat_of(topology).outside.addresses.size(), 8U);
  EXPECT_EQ(to_string(nat_of(topology).outside.addresses.front()), "203.0.113.20");
}

TEST(Load, HostWithSeveralInterfacesRoutesAndNeighbours) {
  const Topology topology =
      loaded(changed({{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
                       "  app:\n"
                       "    interfaces:\n"
                       "      eth0: { link: private, addresses: 10.0.1.10-10.0.1.12, gateway: 10.0.1.1 }\n"
                       "      eth1:\n"
                       "        link: internet\n"
                       "        address: 203.0.113.90\n"
                       "        routes: [{ to: 198.51.100.0/24, via: 203.0.113.80 }]\n"
                       "        neighbours: { 203.0.113.77: \"02:00:00:00:00:77\" }\n"}}));
  const Host& app = *topology.find_host("app");
  ASSERT_EQ(app.interfaces.size(), 2U);
  EXPECT_THAT(texts(app.interfaces.at("eth0").addresses), ElementsAre("10.0.1.10", "10.0.1.11", "10.0.1.12"));
  const Attachment& eth1 = app.interfaces.at("eth1");
  EXPECT_FALSE(eth1.gateway);
  ASSERT_EQ(eth1.routes.size(), 1U);
  EXPECT_EQ(to_string(eth1.routes.front().to), "198.51.100.0/24");
  EXPECT_EQ(to_string(eth1.routes.front().via), "203.0.113.80");
  EXPECT_EQ(to_string(eth1.neighbours.begin()->second), "02:00:00:00:00:77");
}

TEST(Load, NextHopWithAGivenMacNeedNotBeInTheFile) {
  const Topology topology = loaded(changed({{"addresses: [203.0.113.10] }",
                                             "addresses: [203.0.113.10], gateway: 203.0.113.1,"
                                             " neighbours: { 203.0.113.1: \"02:00:00:00:00:01\" } }"}}));
  EXPECT_EQ(to_string(*nat_of(topology).outside.gateway), "203.0.113.1");
}

TEST(Load, NameComesFromTheFileWhereItSaysNone) {
  const std::string text = changed({{"name: lab\n", ""}});
  Findings findings;
  EXPECT_EQ(load_text(text, "/some/where/My Net_2.yaml", findings)->name, "my-net-2");
  EXPECT_EQ(load_text(text, "/some/where/--.yaml", findings)->name, "topology");
}

TEST(Load, UnusedLinkIsAWarning) {
  const Findings findings = findings_of(changed({{"links:\n", "links:\n  spare: { subnet: 10.7.0.0/16 }\n"}}));
  EXPECT_THAT(findings.errors, IsEmpty());
  EXPECT_THAT(findings.warnings, ElementsAre("t.yaml:4:3: links.spare: nobody is attached to this link"));
}

TEST(Load, TellsAllErrorsAtOnceInTheOrderOfTheLines) {
  const Findings findings = findings_of(R"(start_at: nobody
links:
  private: { subnet: 10.0.1.0/24, delay: 20 }
  other:   { subnet: 10.0.0.0/16 }
boxes:
  natgw:
    kind: nat-gateway
    inside: { link: private, address: 10.0.1.1 }
    outside: { link: internet, address: 203.0.113.10 }
    timeouts: { udp: 30 }
    capacity: many
hosts:
  private: { link: private, address: 10.0.2.10 }
  b: { link: private, address: 10.0.1.1, sysctls: { vm.x.y: 1 }, colour: red }
)");
  EXPECT_THAT(findings.errors,
              ElementsAre(testing::StartsWith("t.yaml:1:11: start_at: no such host (nobody)"),
                          testing::StartsWith("t.yaml:3:42: links.private.delay: a unit is missing (20)"),
                          testing::StartsWith("t.yaml:4:22: links.other.subnet: overlaps (10.0.0.0/16)"),
                          testing::StartsWith("t.yaml:9:22: boxes.natgw.outside.link: no such link (internet)"),
                          testing::StartsWith("t.yaml:10:22: boxes.natgw.timeouts.udp: a unit is missing (30)"),
                          testing::StartsWith("t.yaml:11:15: boxes.natgw.capacity: not a whole number (many)"),
                          testing::StartsWith("t.yaml:13:3: hosts.private: the name is taken (private)"),
                          testing::StartsWith("t.yaml:13:38: hosts.private.address: outside of the link's subnet"),
                          testing::StartsWith("t.yaml:14:32: hosts.b.address: the address is taken (10.0.1.1)"),
                          testing::StartsWith("t.yaml:14:53: hosts.b.sysctls.vm.x.y: only sysctls of a network"),
                          testing::StartsWith("t.yaml:14:66: hosts.b.colour: unknown key (colour)")));
  ASSERT_EQ(findings.error_details.size(), findings.errors.size());
  EXPECT_EQ(findings.error_details[5].key, "boxes.natgw.capacity");
  EXPECT_EQ(findings.error_details[5].place.line, 11);
}

TEST(Load, LinksAreImpairedAsTheFileSays) {
  Findings findings;
  const auto topology =
      load_text(changed({{"{ subnet: 203.0.113.0/24 }",
                          "{ subnet: 203.0.113.0/24, mtu: 1400, delay: 20ms, jitter: 5ms, loss: 0.5%, "
                          "reorder: 0.25, duplicate: 1%, rate: 10mbit }"}}),
                "t.yaml", findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  EXPECT_FALSE(topology->find_link("private")->impairments.any());
  const Impairments& internet = topology->find_link("internet")->impairments;
  EXPECT_EQ(internet.mtu, 1400);
  EXPECT_EQ(internet.delay, std::chrono::milliseconds(20));
  EXPECT_EQ(internet.jitter, std::chrono::milliseconds(5));
  EXPECT_NEAR(internet.loss.share(), 0.005, 1e-9);
  EXPECT_EQ(internet.reorder.share(), 0.25);
  EXPECT_NEAR(internet.duplicate.share(), 0.01, 1e-9);
  EXPECT_EQ(internet.bit_rate, 10'000'000U);
}

TEST(Load, NothingAtAllIsNoImpairment) {
  Findings findings;
  const auto topology = load_text(
      changed({{"{ subnet: 10.0.1.0/24 }", "{ subnet: 10.0.1.0/24, delay: 0s, jitter: 0s, loss: 0%, reorder: 0.0 }"}}),
      "t.yaml", findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  EXPECT_FALSE(topology->find_link("private")->impairments.any());
}

TEST(Load, FileThatCannotBeReadSaysWhy) {
  Findings findings;
  EXPECT_FALSE(load("/nonexistent/x.yaml", findings));
  EXPECT_FALSE(load("/", findings));
  EXPECT_THAT(findings.errors, ElementsAre("/nonexistent/x.yaml: cannot be read: No such file or directory",
                                           "/: cannot be read: Is a directory"));
}

TEST(Load, FileThatIsTooLargeIsRefused) {
  Findings findings;
  EXPECT_FALSE(load("/dev/zero", findings));
  EXPECT_THAT(findings.errors, ElementsAre("/dev/zero: larger than 1 MiB; that is no topology"));
}

TEST(Load, MoreThanTheIdsCanNameIsRefused) {
  std::string text = "links:\n";
  for (int number = 0; number < 65; ++number) {
    text += "  l" + std::to_string(number) + ": { subnet: 10." + std::to_string(number) + ".0.0/16 }\n";
  }
  EXPECT_THAT(findings_of(text).errors,
              ElementsAre("t.yaml:66:3: links.l64: one too many; there is room for 64 links"));
}

}  // namespace
}  // namespace lapse::topology
