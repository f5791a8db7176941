// aws-behaviour 1, 2.2, 2.4 and 11: when a flow is dead, who learns of it, and what keeps it alive.
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

// Section 1, comparator: a NAT gateway forgets at "350 or more".
TEST(NatGatewayExpiry, Comparator_AliveAt349_999) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(349'999ms);
  b.inside.send(c.from_client().payload(1));
  b.outside.expect(c.from_nat().payload(1));
}

TEST(NatGatewayExpiry, Comparator_DeadAtExactly350) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(350s);
  b.inside.send(c.from_client().payload(1));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq));
}

TEST(NatGatewayExpiry, Comparator_HoldsForTheOtherSideAsWell) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(349'999ms);
  b.outside.send(c.from_server().payload(1));
  b.inside.expect(c.to_client().payload(1));
  b.advance(350s);
  b.outside.send(c.from_server().payload(1));
  b.expect_dropped(DropReason::kLate);
}

// The event says when the timeout ran out, however late somebody noticed.
TEST(NatGatewayExpiry, EventCarriesTheArithmeticTime) {
  NatBench b;
  const Connection c = establish(b);
  const Instant last_packet = b.now();
  b.forget_events();
  b.advance(2h);
  b.inside.send(c.from_client());
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).rst());

  const Event expired = b.expect_event(EventKind::kFlowExpired);
  EXPECT_EQ(expired.time, last_packet + 350s);
  EXPECT_EQ(expired.real, b.now());
  EXPECT_EQ(expired.told, Told::kNobody);
  EXPECT_EQ(expired.timeout_ms, 350'000u);
  EXPECT_EQ(expired.timeout_class, static_cast<uint8_t>(TimeoutClass::kTcpEstablished));
  EXPECT_EQ(expired.tuple.source, client.address);
  EXPECT_EQ(expired.tuple.destination, web.address);
  EXPECT_EQ(expired.reply.destination, eip.address);
  EXPECT_EQ(expired.reply.destination_port, be16(c.nat.port));
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 1u);
}

TEST(NatGatewayExpiry, HousekeepingReportsTheSame) {
  NatBench b;
  establish(b);
  const Instant last_packet = b.now();
  b.reclaim();
  b.forget_events();
  b.advance(350s + 123ms);
  b.reclaim();
  EXPECT_EQ(b.expect_event(EventKind::kFlowExpired).time, last_packet + 350s);
  EXPECT_EQ(b.flow_count(), 0u);
  b.reclaim();
  b.expect_no_event(EventKind::kFlowExpired);
}

// A tick is 32 bits of milliseconds: it wraps after 49.7 days.
TEST(NatGatewayExpiry, EventTimeIsRightAcrossTheWrapOfTheTick) {
  NatBench b;
  const Instant wrap = Instant{} + (uint64_t{1} << 32) * kTick;
  b.clock().set(wrap - 100s);
  const Connection c = establish(b);
  b.advance(349s);
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  const Instant last_packet = b.now();
  b.advance(350s);
  b.inside.send(c.from_client());
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).rst());
  EXPECT_EQ(b.expect_event(EventKind::kFlowExpired).time, last_packet + 350s);
}

TEST(NatGatewayExpiry, NextDeadlineIsThatOfTheFlow) {
  NatBench b;
  const auto deadline = [&b] { return b.box().next_deadline(WorkerId{0}, b.clock().now()); };
  EXPECT_FALSE(deadline());
  establish(b);
  b.reclaim();
  ASSERT_TRUE(deadline());
  EXPECT_GT(*deadline(), b.now());
  EXPECT_LE(*deadline(), b.now() + 350s);
  b.advance(400s);
  EXPECT_EQ(deadline(), b.now()) << "work is waiting";
  b.reclaim();
  EXPECT_FALSE(deadline());
}

// S0.1: no keepalive, the backend answers after 363.627 s into a dead mapping; the client learns nothing.
TEST(NatGatewayExpiry, S0_1_AnswerAfter363SecondsIsLost) {
  NatBench b;
  Connection c = establish(b);
  b.inside.send(c.from_client().push().payload("GET /report HTTP/1.1\r\n"));
  b.outside.expect(c.from_nat().push());
  c.client_seq += 22;
  b.advance(363'627ms);
  b.outside.send(c.from_server().push().payload("HTTP/1.1 200 OK\r\n"));
  b.expect_dropped(DropReason::kLate);
  b.inside.expect_nothing();
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 1u);
  EXPECT_GT(b.counters().received_packets[1].get(), b.counters().sent_packets[0].get())
      << "PacketsInFromDestination > PacketsOutToSource";
}

// S0.2: probes at 349 s and every 10 s carry it over.
TEST(NatGatewayExpiry, S0_2_KeepaliveAt349CarriesTheAnswer) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(349s);
  b.inside.send(c.from_client().seq(c.client_seq - 1));
  b.outside.expect(c.from_nat().seq(c.client_seq - 1));
  b.outside.send(c.from_server());
  b.inside.expect(c.to_client());
  b.advance(14'627ms);
  b.outside.send(c.from_server().push().payload("HTTP/1.1 200 OK\r\n"));
  b.inside.expect(c.to_client().push());
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 0u);
}

TEST(NatGatewayExpiry, S0_3_AnswerAfter340SecondsArrives) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(340s);
  b.outside.send(c.from_server().push().payload("HTTP/1.1 200 OK\r\n"));
  b.inside.expect(c.to_client().push());
}

// S0.8: a keepalive at 350 or 351 s comes too late, and is answered by RST.
TEST(NatGatewayExpiry, S0_8_KeepaliveAt351IsAnsweredByRst) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(351s);
  b.inside.send(c.from_client().seq(c.client_seq - 1));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq));
}

TEST(NatGatewayExpiry, S1_3_ProbesBelowTheTimeoutHoldTheFlow) {
  NatBench b;
  const Connection c = establish(b);
  for (int probe = 0; probe < 12; ++probe) {
    b.advance(300s);
    b.inside.send(c.from_client().seq(c.client_seq - 1));
    b.outside.expect(c.from_nat().seq(c.client_seq - 1));
    b.outside.send(c.from_server());
    b.inside.expect(c.to_client());
    b.reclaim();
  }
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 0u);
  EXPECT_EQ(b.flow_count(), 1u);
}

// S1.4: the client speaks after the timeout; the server's side sees nothing at all.
TEST(NatGatewayExpiry, S1_4_OnlyTheSideThatSpeaksIsTold) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(351s);
  b.inside.send(c.from_client().push().payload("hello"));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq));
  b.outside.expect_nothing();
}

// S1.5 and 2.2: the expiry itself sends nothing to anybody.
TEST(NatGatewayExpiry, S1_5_ExpiryAloneTellsNobody) {
  NatBench b;
  establish(b);
  b.reclaim();
  b.advance(351s);
  b.reclaim();
  b.inside.expect_nothing();
  b.outside.expect_nothing();
  EXPECT_EQ(b.expect_event(EventKind::kFlowExpired).told, Told::kNobody);
  EXPECT_EQ(b.counters().originated.get(), 0u);
}

// 2.4: any traffic of either direction resets the timer.
TEST(NatGatewayExpiry, TrafficOfEitherSideAloneHoldsTheFlow) {
  NatBench b;
  const Connection c = establish(b);
  for (int i = 0; i < 3; ++i) {
    b.advance(349s);
    b.inside.send(c.from_client());
    b.outside.expect(c.from_nat());
  }
  for (int i = 0; i < 3; ++i) {
    b.advance(349s);
    b.outside.send(c.from_server());
    b.inside.expect(c.to_client());
  }
}

// 2.4: what is dropped does not reset the timer.
TEST(NatGatewayExpiry, DroppedPacketsDoNotHoldTheFlow) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(349s);
  b.outside.send(tcp(stranger, c.nat).syn());
  b.expect_dropped(DropReason::kUnsolicited);
  b.advance(1s);
  b.inside.send(c.from_client());
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).rst());
}

// A packet of the inside that belongs to a flow and leaves its state as it is.
struct NextPacket {
  PacketBuilder sent;
  PacketBuilder expected;
};

struct StateRow {
  const char* name;
  Duration timeout;
  TimeoutClass timeout_class;
  // Brings a flow into the state.
  NextPacket (*enter)(NatBench& b);
};

void exchange_fins(NatBench& b, const Connection& c) {
  b.inside.send(c.from_client().fin());
  b.outside.expect(c.from_nat().fin());
  b.outside.send(tcp(web, c.nat).fin().seq(c.server_seq).ack(c.client_seq + 1));
  b.inside.expect(tcp(web, client).fin().ack(c.client_seq + 1));
}

const StateRow kStates[] = {
    {"syn_sent", kSynTimeout, TimeoutClass::kTcpSyn,
     [](NatBench& b) -> NextPacket {
       const Connection c = open_half(b);
       return {tcp(client, web).syn().seq(1000), tcp(c.nat, web).syn().seq(1000)};
     }},
    {"syn_received", kSynTimeout, TimeoutClass::kTcpSyn,
     [](NatBench& b) -> NextPacket {
       const Connection c = open_half(b);
       b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001));
       b.inside.expect(tcp(web, client).syn().ack(1001));
       return {tcp(client, web).syn().seq(1000), tcp(c.nat, web).syn().seq(1000)};
     }},
    {"established", kEstablishedTimeout, TimeoutClass::kTcpEstablished,
     [](NatBench& b) -> NextPacket {
       const Connection c = establish(b);
       return {c.from_client(), c.from_nat()};
     }},
    {"opener_closed", kClosingTimeout, TimeoutClass::kTcpClosing,
     [](NatBench& b) -> NextPacket {
       const Connection c = establish(b);
       b.inside.send(c.from_client().fin());
       b.outside.expect(c.from_nat().fin());
       return {c.from_client().fin(), c.from_nat().fin()};
     }},
    {"responder_closed", kClosingTimeout, TimeoutClass::kTcpClosing,
     [](NatBench& b) -> NextPacket {
       const Connection c = establish(b);
       b.outside.send(c.from_server().fin());
       b.inside.expect(c.to_client().fin());
       return {c.from_client(), c.from_nat()};
     }},
    {"both_closed", kClosedTimeout, TimeoutClass::kTcpClosed,
     [](NatBench& b) -> NextPacket {
       const Connection c = establish(b);
       exchange_fins(b, c);
       return {c.from_client(), c.from_nat()};
     }},
    {"reset", kClosedTimeout, TimeoutClass::kTcpClosed,
     [](NatBench& b) -> NextPacket {
       const Connection c = establish(b);
       b.outside.send(c.from_server().rst());
       b.inside.expect(c.to_client().rst());
       return {c.from_client(), c.from_nat()};
     }},
    {"udp", kUdpTimeout, TimeoutClass::kUdp,
     [](NatBench& b) -> NextPacket {
       b.inside.send(udp(client, dns));
       const Seen question = b.outside.expect(udp(eip.any_port(), dns));
       return {udp(client, dns), udp(question.source, dns)};
     }},
    {"udp_stream", kUdpStreamTimeout, TimeoutClass::kUdpStream,
     [](NatBench& b) -> NextPacket {
       b.inside.send(udp(client, dns));
       const Seen question = b.outside.expect(udp(eip.any_port(), dns));
       b.outside.send(udp(dns, question.source));
       b.inside.expect(udp(dns, client));
       return {udp(client, dns), udp(question.source, dns)};
     }},
    {"icmp", kIcmpTimeout, TimeoutClass::kIcmp,
     [](NatBench& b) -> NextPacket {
       b.inside.send(icmp_echo(client, web, 7));
       const Seen request = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
       return {icmp_echo(client, web, 7), icmp_echo(eip, web, request.identifier)};
     }},
};

class TimeoutOfState : public testing::TestWithParam<StateRow> {};

TEST_P(TimeoutOfState, AliveOneTickBefore) {
  NatBench b;
  const NextPacket next = GetParam().enter(b);
  b.advance(GetParam().timeout - kTick);
  b.reclaim();
  EXPECT_EQ(b.flow_count(), 1u);
  b.inside.send(next.sent);
  b.outside.expect(next.expected);
  EXPECT_EQ(b.event_count(EventKind::kFlowNew), 1u);
}

TEST_P(TimeoutOfState, DeadWhenItHasRunOut) {
  NatBench b;
  GetParam().enter(b);
  b.reclaim();
  b.advance(GetParam().timeout);
  b.reclaim();
  EXPECT_EQ(b.flow_count(), 0u);
  const Event expired = b.expect_event(EventKind::kFlowExpired);
  EXPECT_EQ(expired.timeout_class, static_cast<uint8_t>(GetParam().timeout_class));
  EXPECT_EQ(expired.timeout_ms, GetParam().timeout / kTick);
  EXPECT_EQ(expired.time, b.now());
}

INSTANTIATE_TEST_SUITE_P(States, TimeoutOfState, testing::ValuesIn(kStates),
                         [](const auto& row) { return std::string(row.param.name); });

// A changed timeout counts at once, for flows that are there already.
TEST(NatGatewayExpiry, ShortenedTimeoutCountsAtOnce) {
  NatBench b;
  const Connection c = establish(b);
  b.reclaim();
  b.advance(100s);
  b.flows().timeouts().set(TimeoutClass::kTcpEstablished, 60s);
  b.outside.send(c.from_server());
  b.expect_dropped(DropReason::kLate);
}

}  // namespace
}  // namespace lapse::test
