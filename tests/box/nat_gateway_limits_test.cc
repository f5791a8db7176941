// A full table, and bursts that hold more than one packet of a flow.
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

NatGateway::Config with_capacity(uint32_t capacity) {
  NatGateway::Config config = nat_config();
  config.capacity = capacity;
  return config;
}

TEST(NatGatewayLimits, FullTableRefusesNewFlowsAndLeavesTheOthersAlone) {
  NatBench b(with_capacity(2));
  const Connection c = establish(b);
  open_half(b, other_client);
  b.forget_events();
  for (const PacketBuilder& packet :
       {tcp(client.with_port(40001), web).syn(), udp(client, dns), icmp_echo(client, web, 7)}) {
    b.inside.send(packet);
    b.expect_dropped(DropReason::kTableFull);
    EXPECT_EQ(b.expect_event(EventKind::kRejected).reason, DropReason::kTableFull);
  }
  EXPECT_EQ(b.flow_count(), 2u);
  b.inside.send(c.from_client().payload(1));
  b.outside.expect(c.from_nat().payload(1));
  b.outside.send(c.from_server().payload(1));
  b.inside.expect(c.to_client().payload(1));
}

TEST(NatGatewayLimits, RecordOfADeadFlowCountsAsFreeAtOnce) {
  NatBench b(with_capacity(1));
  b.inside.send(udp(client, dns));
  b.outside.expect(udp(eip.any_port(), dns));
  b.advance(kUdpTimeout);
  b.inside.send(udp(other_client, dns));
  b.outside.expect(udp(eip.any_port(), dns));
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 1u);
}

TEST(NatGatewayLimits, EveryRecordCanBeUsed) {
  NatBench b(with_capacity(3000));
  for (uint16_t i = 0; i < 3000; ++i) {
    b.inside.send(udp(client.with_port(static_cast<uint16_t>(10000 + i)), dns));
    b.outside.expect(udp(eip.any_port(), dns));
  }
  b.inside.send(udp(client, dns));
  b.expect_dropped(DropReason::kTableFull);
  EXPECT_EQ(b.flow_count(), 3000u);
}

TEST(NatGatewayLimits, TwoFirstPacketsOfOneFlowInOneBurst) {
  NatBench b;
  b.inside.send({tcp(client, web).syn().seq(1000), tcp(client, web).syn().seq(1000)});
  const Seen first = b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000));
  b.outside.expect(tcp(first.source, web).syn().seq(1000));
  EXPECT_EQ(b.flow_count(), 1u);
  EXPECT_EQ(b.event_count(EventKind::kFlowNew), 1u);
}

TEST(NatGatewayLimits, DatagramsOfOneFlowInOneBurstShareItsPort) {
  NatBench b;
  b.inside.send({udp(client, dns).payload(1), udp(client, dns).payload(2), udp(client, dns).payload(3)});
  const Seen first = b.outside.expect(udp(eip.any_port(), dns).payload(1));
  b.outside.expect(udp(first.source, dns).payload(2));
  b.outside.expect(udp(first.source, dns).payload(3));
  EXPECT_EQ(b.flow_count(), 1u);
}

TEST(NatGatewayLimits, SynAndDataInOneBurst) {
  NatBench b;
  b.inside.send({tcp(client, web).syn().seq(1000), tcp(client, web).seq(1001).ack(1).payload(5)});
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000));
  b.outside.expect(tcp(syn.source, web).seq(1001).payload(5));
}

// What comes behind a RST in the same burst still belongs to the closed flow; a SYN opens the next one.
TEST(NatGatewayLimits, ResetThenDataThenSynInOneBurst) {
  NatBench b;
  const Connection c = establish(b);
  b.inside.send({c.from_client().rst(), c.from_client().payload(5), tcp(client, web).syn().seq(90000)});
  b.outside.expect(c.from_nat().rst());
  b.outside.expect(c.from_nat().payload(5));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(90000));
  EXPECT_NE(syn.source, c.nat);
  EXPECT_EQ(b.flow_count(), 1u);
}

// The first late segment of a burst ends the flow, the SYN behind it is a new one, the data after that is its own.
TEST(NatGatewayLimits, LateDataThenSynInOneBurst) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(350s);
  b.inside.send({c.from_client().payload(5), tcp(client, web).syn().seq(90000), c.from_client().payload(5)});
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(90000));
  b.outside.expect(tcp(syn.source, web).payload(5));
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 1u);
}

TEST(NatGatewayLimits, PoolThatRunsOutWithinABurst) {
  NatBench b;
  b.empty_pool(4);
  b.inside.send({tcp(client, web).seq(1).ack(11), tcp(client, web).seq(1).ack(12), tcp(client, web).seq(1).ack(13)});
  // One buffer was left, and an answered packet gives its own back.
  b.expect_dropped(DropReason::kAnswered, 3);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(11));
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(12));
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(13));
}

TEST(NatGatewayLimits, WholeBurstOfLatePackets) {
  NatBench b;
  b.inside.send_many(kBurst, tcp(client, web).seq(1).ack(11));
  b.expect_dropped(DropReason::kAnswered, kBurst);
  for (size_t i = 0; i < kBurst; ++i) {
    b.inside.expect(tcp(web, client).flags(kTcpRst).seq(11));
  }
}

}  // namespace
}  // namespace lapse::test
