// aws-behaviour 2.1 (L1 to L8), 2.3 and conflict C-1: what meets a packet that belongs to no living flow.
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

NatGateway::Config with_rst_to_outside() {
  NatGateway::Config config = nat_config();
  config.late_outside = LatePacket::kRst;
  return config;
}

NatGateway::Config silent() {
  NatGateway::Config config = nat_config();
  config.late_inside = LatePacket::kDrop;
  return config;
}

// The flow has died of silence; nobody has been told.
Connection forgotten(NatBench& b) {
  const Connection c = establish(b);
  b.advance(351s);
  b.forget_events();
  return c;
}

struct LateSegment {
  const char* name;
  PacketBuilder (*segment)(const Connection& c);
};

class LateFromInside : public testing::TestWithParam<LateSegment> {};

// L1 and the first row of 2.3: SEQ = SEG.ACK, RST alone, no length; it looks as sent by the peer.
TEST_P(LateFromInside, L1_IsAnsweredByRstAndNotForwarded) {
  NatBench b;
  const Connection c = forgotten(b);
  b.inside.send(GetParam().segment(c));
  b.expect_dropped(DropReason::kAnswered);
  const Seen rst = b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq).payload(size_t{0}));
  EXPECT_EQ(rst.acknowledgement, 0u);

  const Event late = b.expect_event(EventKind::kLatePacket);
  EXPECT_EQ(late.reason, DropReason::kAnswered);
  EXPECT_EQ(late.told, Told::kSender);
  EXPECT_EQ(late.side, NatGateway::kInside);
  EXPECT_EQ(late.acknowledgement, c.server_seq);
  const Event sent = b.expect_event(EventKind::kRstSent);
  EXPECT_EQ(sent.sequence, c.server_seq);
  EXPECT_EQ(sent.side, NatGateway::kInside);
  EXPECT_EQ(b.flow_count(), 0u);
}

TEST_P(LateFromInside, L1_IsDroppedInSilenceWhereTheSettingSaysSo) {
  NatBench b(silent());
  const Connection c = forgotten(b);
  b.inside.send(GetParam().segment(c));
  b.expect_dropped(DropReason::kLate);
  EXPECT_EQ(b.expect_event(EventKind::kLatePacket).told, Told::kNobody);
}

INSTANTIATE_TEST_SUITE_P(
    Segments, LateFromInside,
    testing::Values(LateSegment{"data", [](const Connection& c) { return c.from_client().push().payload("late"); }},
                    LateSegment{"bare_ack", [](const Connection& c) { return c.from_client(); }},
                    LateSegment{"keepalive", [](const Connection& c) { return c.from_client().seq(c.client_seq - 1); }},
                    LateSegment{"fin", [](const Connection& c) { return c.from_client().fin(); }}),
    [](const auto& row) { return std::string(row.param.name); });

// 2.3, second row: without ACK, SEQ = 0, ACK = SEG.SEQ + SEG.LEN where FIN counts one, RST+ACK.
TEST(NatGatewayLatePacket, L1_FinWithoutAckIsAnsweredByRstAck) {
  NatBench b;
  b.inside.send(tcp(client, web).fin().seq(7000).payload(10));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).rst().ack(7011).seq(0));
}

// Never seen and forgotten are not told apart.
TEST(NatGatewayLatePacket, L1_NeverSeenIsAnsweredAsForgotten) {
  NatBench b;
  b.inside.send(tcp(client, web).seq(1).ack(4242));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(4242));
}

TEST(NatGatewayLatePacket, L1_SynAckWithoutAFlowIsLate) {
  NatBench b;
  b.inside.send(tcp(client, web).syn().seq(1).ack(99));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(99));
}

TEST(NatGatewayLatePacket, L2_LateFromOutsideIsDroppedInSilence) {
  NatBench b;
  const Connection c = forgotten(b);
  b.outside.send(c.from_server().push().payload("the answer"));
  b.expect_dropped(DropReason::kLate);
  const Event late = b.expect_event(EventKind::kLatePacket);
  EXPECT_EQ(late.told, Told::kNobody);
  EXPECT_EQ(late.side, NatGateway::kOutside);
  b.expect_no_event(EventKind::kRstSent);
}

// C-1: the other reading of the sources. The RST looks as sent by the NAT address.
TEST(NatGatewayLatePacket, L3_LateFromOutsideIsAnsweredWhereTheSettingSaysSo) {
  NatBench b(with_rst_to_outside());
  const Connection c = forgotten(b);
  b.outside.send(c.from_server().push().payload("the answer"));
  b.expect_dropped(DropReason::kAnswered);
  b.outside.expect(tcp(c.nat, web).flags(kTcpRst).seq(c.client_seq));
  EXPECT_EQ(b.expect_event(EventKind::kRstSent).side, NatGateway::kOutside);
}

TEST(NatGatewayLatePacket, L3_OnlyTcpIsAnsweredByRst) {
  NatBench b(with_rst_to_outside());
  b.outside.send(udp(dns, eip.with_port(5353)));
  b.expect_dropped(DropReason::kLate);
}

TEST(NatGatewayLatePacket, L4_SynOpensANewMapping) {
  NatBench b;
  const Connection c = forgotten(b);
  b.inside.send(tcp(client, web).syn().seq(90000));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(90000));
  EXPECT_NE(syn.source, c.nat) << "normally a new source port (with this seed)";
  EXPECT_EQ(b.expect_event(EventKind::kFlowExpired).tuple.source_port, be16(client.port));
  b.expect_event(EventKind::kFlowNew);
  EXPECT_EQ(b.flow_count(), 1u);
}

TEST(NatGatewayLatePacket, L5_RstFromInsideIsNeverAnswered) {
  NatBench b;
  const Connection c = forgotten(b);
  b.inside.send(tcp(client, web).rst().seq(c.client_seq));
  b.expect_dropped(DropReason::kStrayReset);
  b.inside.send(c.from_client().rst());
  b.expect_dropped(DropReason::kStrayReset);
  b.expect_no_event(EventKind::kLatePacket);
}

TEST(NatGatewayLatePacket, L5_RstFromOutsideIsNeverAnswered) {
  NatBench b(with_rst_to_outside());
  const Connection c = forgotten(b);
  b.outside.send(c.from_server().rst());
  b.expect_dropped(DropReason::kStrayReset);
}

TEST(NatGatewayLatePacket, L6_UdpFromInsideOpensANewMapping) {
  NatBench b;
  b.inside.send(udp(client, dns));
  const Seen before = b.outside.expect(udp(eip.any_port(), dns));
  b.advance(kUdpTimeout);
  b.inside.send(udp(client, dns));
  const Seen after = b.outside.expect(udp(eip.any_port(), dns));
  EXPECT_NE(before.source, after.source);
}

TEST(NatGatewayLatePacket, L6_EchoRequestFromInsideOpensANewMapping) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 7));
  const Seen before = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  b.advance(kIcmpTimeout);
  b.inside.send(icmp_echo(client, web, 7));
  const Seen after = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  EXPECT_NE(before.identifier, after.identifier);
}

TEST(NatGatewayLatePacket, L7_UdpAnswerAfterItsFlowIsDropped) {
  NatBench b;
  b.inside.send(udp(client, dns));
  const Seen question = b.outside.expect(udp(eip.any_port(), dns));
  b.advance(kUdpTimeout);
  b.outside.send(udp(dns, question.source));
  b.expect_dropped(DropReason::kLate);
  EXPECT_EQ(b.expect_event(EventKind::kLatePacket).told, Told::kNobody);
}

TEST(NatGatewayLatePacket, L7_EchoReplyAfterItsFlowIsDropped) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 7));
  const Seen request = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  b.advance(kIcmpTimeout);
  b.outside.send(icmp_echo(web, eip, request.identifier).reply());
  b.expect_dropped(DropReason::kLate);
}

TEST(NatGatewayLatePacket, L8_Row3_1_PortForwarding_UnsolicitedSynIsDropped) {
  NatBench b(with_rst_to_outside());
  b.outside.send(tcp(stranger, eip.with_port(22)).syn().seq(1));
  b.expect_dropped(DropReason::kUnsolicited);
  b.expect_no_event(EventKind::kLatePacket);
}

TEST(NatGatewayLatePacket, L8_PingToItsAddressIsDropped) {
  NatBench b;
  b.outside.send(icmp_echo(stranger, eip, 7));
  b.expect_dropped(DropReason::kUnsolicited);
}

TEST(NatGatewayLatePacket, L8_WhatInsideSendsToTheOutsideAddressIsDropped) {
  NatBench b;
  const Connection c = establish(b);
  for (const PacketBuilder& packet : {tcp(other_client, c.nat).syn(), tcp(other_client, c.nat).ack(1),
                                      udp(other_client, eip.with_port(53)), icmp_echo(other_client, eip, 7)}) {
    b.inside.send(packet);
    b.expect_dropped(DropReason::kHairpin);
  }
}

// A router would not carry it: nothing of the inside is reachable by its own address.
TEST(NatGatewayLatePacket, L8_PacketFromOutsideForTheInsideAddressIsDropped) {
  NatBench b;
  establish(b);
  b.outside.send(tcp(web, client).seq(5001).ack(1001));
  b.expect_dropped(DropReason::kUnsolicited);
  b.outside.send(tcp(client, web).seq(1001).ack(5001));
  b.expect_dropped(DropReason::kUnsolicited);
}

// Address-and-port-dependent filtering: only the end that was spoken to may answer.
TEST(NatGatewayLatePacket, L8_StrangerAtALivingMappingIsDropped) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(tcp(stranger, c.nat).syn().seq(1));
  b.expect_dropped(DropReason::kUnsolicited);
  b.outside.send(tcp(web.with_port(444), c.nat).seq(1).ack(1));
  b.expect_dropped(DropReason::kLate);
  b.outside.send(udp(web, c.nat));
  b.expect_dropped(DropReason::kLate);
}

TEST(NatGatewayLatePacket, L8_EchoReplyFromInsideThatNobodyAskedForIsDropped) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 7).reply());
  b.expect_dropped(DropReason::kUnsolicited);
}

// Each direction has its own key: inside cannot speak in the server's name.
TEST(NatGatewayLatePacket, InsideCannotUseAReplyKey) {
  NatBench b;
  const Connection c = establish(b);
  b.inside.send(c.from_server());
  b.expect_dropped(DropReason::kHairpin);
}

TEST(NatGatewayLatePacket, SourceThatIsTheGatewayItselfIsDropped) {
  NatBench b;
  b.inside.send(tcp(eip.with_port(5000), web).syn());
  b.expect_dropped(DropReason::kIpv4Address);
  EXPECT_EQ(b.flow_count(), 0u);
}

// Nor is it answered where late packets from outside are: the answer would go to the gateway.
TEST(NatGatewayLatePacket, SourceThatIsTheGatewayItselfIsDroppedFromOutsideToo) {
  NatBench b(with_rst_to_outside());
  const Connection c = establish(b);
  b.outside.send(tcp(eip.with_port(5000), c.nat).ack(1));
  b.expect_dropped(DropReason::kIpv4Address);
  b.outside.send(udp(eip.with_port(5000), eip.with_port(53)));
  b.expect_dropped(DropReason::kIpv4Address);
  b.outside.send(icmp_error(eip, eip, 3, 1, tcp(c.nat, web).seq(1001)));
  b.expect_dropped(DropReason::kIpv4Address);
}

// The RST that was sent does not bring the flow back, nor does it count as traffic.
TEST(NatGatewayLatePacket, EveryLateSegmentIsAnswered) {
  NatBench b;
  const Connection c = forgotten(b);
  for (int i = 0; i < 3; ++i) {
    b.inside.send(c.from_client().push().payload("late"));
    b.expect_dropped(DropReason::kAnswered);
    b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq));
  }
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 1u);
  EXPECT_EQ(b.event_count(EventKind::kRstSent), 3u);
}

TEST(NatGatewayLatePacket, EmptyPoolDropsAndChangesNothing) {
  NatBench b;
  const Connection gone = forgotten(b);
  const Connection alive = establish(b, other_client);
  b.forget_events();
  b.empty_pool(1);
  b.inside.send(gone.from_client());
  b.expect_dropped(DropReason::kPoolEmpty);
  const Event late = b.expect_event(EventKind::kLatePacket);
  EXPECT_EQ(late.reason, DropReason::kPoolEmpty);
  EXPECT_EQ(late.told, Told::kNobody);
  EXPECT_EQ(b.flow_count(), 1u);

  // Forwarding takes no buffer.
  b.inside.send(alive.from_client().payload(1));
  b.outside.expect(alive.from_nat().payload(1));
  b.refill_pool();
  b.inside.send(gone.from_client());
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(gone.server_seq));
}

}  // namespace
}  // namespace lapse::test
