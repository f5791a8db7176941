// aws-behaviour 3.1: which address and port a flow gets.
#include <map>
#include <set>

#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

NatGateway::Config with_addresses(size_t count) {
  NatGateway::Config config = nat_config();
  config.capacity = 8192;
  config.outside_addresses.clear();
  for (size_t i = 0; i < count; ++i) {
    config.outside_addresses.push_back(be32(eip.address.host() + static_cast<uint32_t>(i)));
  }
  return config;
}

Seen open(NatBench& b, const Endpoint& from, const Endpoint& to) {
  b.inside.send(udp(from, to));
  return b.outside.expect(udp(eip.any_port(), to));
}

// Mapping: address-and-port-dependent. The same source gets a fresh port for each destination.
TEST(NatGatewayMapping, Row3_1_Mapping_AnotherPortForEachDestination) {
  NatBench b;
  const Seen first = open(b, client, endpoint("203.0.113.1", 3478));
  const Seen second = open(b, client, endpoint("203.0.113.2", 3478));
  const Seen other_port = open(b, client, endpoint("203.0.113.1", 3479));
  EXPECT_NE(first.source.port, second.source.port);
  EXPECT_NE(first.source.port, other_port.source.port);
  EXPECT_EQ(open(b, client, endpoint("203.0.113.1", 3478)).source, first.source) << "one flow keeps its port";
}

TEST(NatGatewayMapping, Row3_1_PortPreservationParityContiguity_NoneOfThem) {
  NatBench b;
  size_t preserved = 0;
  size_t contiguous = 0;
  uint16_t last = 0;
  for (uint16_t port = 40000; port < 40500; ++port) {
    const Seen seen = open(b, client.with_port(port), dns);
    preserved += seen.source.port == port ? 1 : 0;
    contiguous += seen.source.port == last + 1 ? 1 : 0;
    last = seen.source.port;
  }
  // By chance alone 500/64512 of each.
  EXPECT_LE(preserved, 2u);
  EXPECT_LE(contiguous, 2u);
}

TEST(NatGatewayMapping, Row3_1_SourcePortRange_1024To65535AndAllOfIt) {
  NatGateway::Config config = nat_config();
  config.capacity = 4096;
  NatBench b(config);
  std::set<uint16_t> ports;
  for (uint16_t i = 0; i < 4000; ++i) {
    const Seen seen = open(b, client.with_port(static_cast<uint16_t>(10000 + i)), dns);
    EXPECT_GE(seen.source.port, 1024);
    EXPECT_TRUE(ports.insert(seen.source.port).second) << "two living flows of one destination share a port";
  }
  EXPECT_LT(*ports.begin(), 1024 + 500);
  EXPECT_GT(*ports.rbegin(), 65535 - 500);
}

// The choice follows the seed that the builder of the box supplies, so that a simulation repeats.
TEST(NatGatewayMapping, TheSameSeedGivesTheSamePorts) {
  NatGateway::Config config = nat_config();
  NatBench first(config);
  NatBench second(config);
  config.random_seed = 2;
  NatBench third(config);
  const uint16_t port = open(first, client, dns).source.port;
  EXPECT_EQ(open(second, client, dns).source.port, port);
  EXPECT_NE(open(third, client, dns).source.port, port);
}

TEST(NatGatewayMapping, Row3_1_ChoiceAmongAddresses_SpreadAndNotByClient) {
  NatBench b(with_addresses(8));
  std::map<uint32_t, size_t> flows;
  for (uint16_t i = 0; i < 4000; ++i) {
    b.inside.send(udp(client.with_port(static_cast<uint16_t>(10000 + i)), dns));
    ++flows[b.outside.expect_any().source.address.host()];
  }
  ASSERT_EQ(flows.size(), 8u) << "one client uses all addresses";
  for (const auto& [address, count] : flows) {
    EXPECT_GT(count, 400u) << to_string(be32(address));
    EXPECT_LT(count, 600u) << to_string(be32(address));
  }
}

TEST(NatGatewayMapping, Row3_1_AddressesZonal_AnswersFindTheirFlowAtEachOne) {
  NatBench b(with_addresses(8));
  for (uint16_t i = 0; i < 64; ++i) {
    const Endpoint from = client.with_port(static_cast<uint16_t>(10000 + i));
    b.inside.send(udp(from, dns));
    const Seen question = b.outside.expect_any();
    b.outside.send(udp(dns, question.source));
    b.inside.expect(udp(dns, from));
  }
}

// Exhaustion: the SYN is dropped without RST, an event tells of it, and nothing else suffers.
TEST(NatGatewayMapping, Row3_1_Exhaustion_RefusesAndSparesOtherDestinations) {
  NatGateway::Config config = nat_config();
  config.ports_per_destination = 3;
  NatBench b(config);
  const Connection c = establish(b);
  open_half(b, client.with_port(40001));
  open_half(b, client.with_port(40002));
  b.forget_events();

  b.inside.send(tcp(client.with_port(40003), web).syn().seq(1));
  b.expect_dropped(DropReason::kPortsExhausted);
  const Event rejected = b.expect_event(EventKind::kRejected);
  EXPECT_EQ(rejected.reason, DropReason::kPortsExhausted);
  EXPECT_EQ(rejected.tuple.source_port, be16(40003));
  EXPECT_EQ(b.flow_count(), 3u) << "a refusal leaves no trace";

  b.inside.send(c.from_client().payload(1));
  b.outside.expect(c.from_nat().payload(1));
  open_half(b, client.with_port(40003), web.with_port(444));
  b.inside.send(udp(client.with_port(40003), web));
  b.outside.expect(udp(eip.any_port(), web));
}

TEST(NatGatewayMapping, ExhaustedAddressIsPassedOver) {
  NatGateway::Config config = with_addresses(2);
  config.ports_per_destination = 3;
  NatBench b(config);
  std::map<uint32_t, size_t> flows;
  for (uint16_t i = 0; i < 6; ++i) {
    b.inside.send(udp(client.with_port(static_cast<uint16_t>(10000 + i)), dns));
    ++flows[b.outside.expect_any().source.address.host()];
  }
  EXPECT_EQ(flows[eip.address.host()], 3u);
  EXPECT_EQ(flows[second_eip.address.host()], 3u);
  b.inside.send(udp(client, dns));
  b.expect_dropped(DropReason::kPortsExhausted);
}

// 55,000 for each (address, destination address, port, protocol), exactly, and a refused flow changes nothing.
TEST(NatGatewayMapping, Row3_1_SimultaneousConnections_FiftyFiveThousandPerDestination) {
  NatGateway::Config config = nat_config();
  config.capacity = 120'000;
  config.timeouts[static_cast<size_t>(TimeoutClass::kUdp)] = 350s;
  NatBench b(config);
  // These die first, and keep the housekeeping busy.
  for (uint16_t i = 0; i < 1000; ++i) {
    open(b, client.with_port(static_cast<uint16_t>(10'000 + i)), web);
  }
  b.advance(1s);
  std::vector<bool> used(65536);
  for (uint32_t i = 0; i < 55'000; ++i) {
    const Endpoint from{be32(client.address.host() + i / 50'000), static_cast<uint16_t>(10'000 + i % 50'000)};
    b.inside.send(udp(from, dns));
    const uint16_t port = b.outside.expect_any().source.port;
    ASSERT_FALSE(used[port]) << "port " << port << " given twice";
    used[port] = true;
    b.forget_events();
  }
  b.inside.send(udp(client.with_port(9999), dns));
  b.expect_dropped(DropReason::kPortsExhausted);
  open(b, client.with_port(9999), dns.with_port(5353));
  b.reclaim();

  // All dead at once, as after a jump of the clock: their ports count as free before anybody has reclaimed them.
  b.advance(350s);
  open(b, client.with_port(9999), dns);
  b.reclaim();
  EXPECT_EQ(b.flow_count(), 1u);
}

TEST(NatGatewayMapping, PortOfADeadFlowIsFreeAtOnce) {
  NatGateway::Config config = nat_config();
  config.ports_per_destination = 1;
  NatBench b(config);
  const Seen first = open(b, client, dns);
  b.inside.send(udp(other_client, dns));
  b.expect_dropped(DropReason::kPortsExhausted);
  b.advance(kUdpTimeout);
  open(b, other_client, dns);
  b.outside.send(udp(dns, first.source));
  b.expect_dropped(DropReason::kLate);
  EXPECT_EQ(b.flow_count(), 1u);
}

TEST(NatGatewayMapping, PortOfAReclaimedFlowIsUsedAgain) {
  NatGateway::Config config = nat_config();
  config.ports_per_destination = 1;
  NatBench b(config);
  for (int round = 0; round < 100; ++round) {
    open(b, client, dns);
    b.advance(kUdpTimeout);
    b.reclaim();
    EXPECT_EQ(b.flow_count(), 0u);
  }
}

}  // namespace
}  // namespace lapse::test
