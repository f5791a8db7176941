// RFC 9293, RFC 5382, RFC 5961 and aws-behaviour 2.4: how the gateway follows a TCP connection to its end.
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

TcpState state_of(NatBench& b) {
  for (uint32_t id = 0; id < b.flows().record_count(); ++id) {
    if (const auto flow = b.flows().snapshot(FlowId{id})) {
      return flow->control.tcp_state;
    }
  }
  ADD_FAILURE() << "no flow";
  return TcpState::kReset;
}

TEST(NatGatewayTcp, HandshakeIsAnnouncedOnce) {
  NatBench b;
  const Connection c = establish(b);
  const Event opened = b.expect_event(EventKind::kFlowNew);
  EXPECT_EQ(opened.tuple.source_port, be16(client.port));
  EXPECT_EQ(opened.reply.destination_port, be16(c.nat.port));
  const Event established = b.expect_event(EventKind::kFlowEstablished);
  EXPECT_EQ(established.flow, opened.flow);
  EXPECT_EQ(established.generation, opened.generation);
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  EXPECT_EQ(b.event_count(EventKind::kFlowEstablished), 1u);
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
}

TEST(NatGatewayTcp, RetransmittedSynKeepsItsPort) {
  NatBench b;
  const Connection c = open_half(b);
  b.advance(1s);
  b.inside.send(tcp(client, web).syn().seq(1000));
  b.outside.expect(tcp(c.nat, web).syn().seq(1000));
  EXPECT_EQ(b.flow_count(), 1u);
}

// 2.4: a FIN from one side; the other direction goes on.
TEST(NatGatewayTcp, HalfClosedConnectionStillCarriesTheOtherDirection) {
  NatBench b;
  Connection c = establish(b);
  b.inside.send(c.from_client().fin());
  b.outside.expect(c.from_nat().fin());
  EXPECT_EQ(b.expect_event(EventKind::kFlowClosing).side, NatGateway::kInside);
  c.client_seq += 1;
  for (int i = 0; i < 3; ++i) {
    b.advance(kClosingTimeout - kTick);
    b.outside.send(c.from_server().payload(100));
    b.inside.expect(c.to_client().payload(100));
    c.server_seq += 100;
  }
  EXPECT_EQ(b.event_count(EventKind::kFlowClosing), 1u);
}

// 2.4: both FINs: a short time remains in which the last ACK and retransmitted FINs pass.
TEST(NatGatewayTcp, BothFinsCloseAndTheLastAckPasses) {
  NatBench b;
  Connection c = establish(b);
  b.outside.send(c.from_server().fin());
  b.inside.expect(c.to_client().fin());
  EXPECT_EQ(b.expect_event(EventKind::kFlowClosing).side, NatGateway::kOutside);
  c.server_seq += 1;
  b.inside.send(c.from_client().fin());
  b.outside.expect(c.from_nat().fin());
  EXPECT_EQ(b.expect_event(EventKind::kFlowClosed).side, NatGateway::kInside);
  EXPECT_EQ(state_of(b), TcpState::kBothClosed);
  c.client_seq += 1;
  b.outside.send(c.from_server());
  b.inside.expect(c.to_client());
  b.inside.send(c.from_client().fin().seq(c.client_seq - 1));
  b.outside.expect(c.from_nat().fin().seq(c.client_seq - 1));

  b.advance(kClosedTimeout);
  b.inside.send(c.from_client());
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).rst());
}

TEST(NatGatewayTcp, EndIsAnnouncedOnce) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(c.from_server().fin());
  b.inside.expect(c.to_client().fin());
  b.inside.send(c.from_client().ack(c.server_seq + 1).fin());
  b.outside.expect(c.from_nat().ack(c.server_seq + 1).fin());
  b.inside.send(tcp(client, web).rst().seq(c.client_seq + 1));
  b.outside.expect(tcp(c.nat, web).rst());
  EXPECT_EQ(state_of(b), TcpState::kReset);
  EXPECT_EQ(b.event_count(EventKind::kFlowClosing), 1u);
  EXPECT_EQ(b.event_count(EventKind::kFlowClosed), 1u);
}

// 2.4: a RST is forwarded, then the flow has a short time left.
TEST(NatGatewayTcp, ResetIsForwardedAndClosesTheFlow) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(tcp(web, c.nat).rst().seq(c.server_seq));
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq));
  EXPECT_EQ(b.expect_event(EventKind::kFlowClosed).side, NatGateway::kOutside);
  EXPECT_EQ(state_of(b), TcpState::kReset);
  b.advance(kClosedTimeout);
  b.outside.send(c.from_server());
  b.expect_dropped(DropReason::kLate);
}

TEST(NatGatewayTcp, ResetOfTheClientIsForwardedAndClosesTheFlow) {
  NatBench b;
  const Connection c = establish(b);
  b.inside.send(c.from_client().rst());
  b.outside.expect(c.from_nat().rst());
  EXPECT_EQ(state_of(b), TcpState::kReset);
}

struct ResetRow {
  const char* name;
  int64_t offset;  // from what the client expects next
  TcpState state;
};

class ResetInWindow : public testing::TestWithParam<ResetRow> {};

// RFC 5961 section 3.2: only a RST that its receiver may believe ends the flow. All are forwarded.
TEST_P(ResetInWindow, DecidesWhetherTheFlowEnds) {
  NatBench b;
  Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001).window(1000));
  b.inside.expect(tcp(web, client).syn().ack(1001));
  b.inside.send(c.from_client().window(1000));
  b.outside.expect(c.from_nat());
  const auto seq = static_cast<uint32_t>(c.server_seq + GetParam().offset);
  b.outside.send(tcp(web, c.nat).rst().seq(seq));
  b.inside.expect(tcp(web, client).rst().seq(seq));
  EXPECT_EQ(state_of(b), GetParam().state);
  EXPECT_EQ(b.event_count(EventKind::kFlowClosed), GetParam().state == TcpState::kReset ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Offsets, ResetInWindow,
                         testing::Values(ResetRow{"exact", 0, TcpState::kReset},
                                         ResetRow{"within", 999, TcpState::kReset},
                                         ResetRow{"before", -1, TcpState::kEstablished},
                                         ResetRow{"behind", 1100, TcpState::kEstablished},
                                         ResetRow{"far_away", int64_t{1} << 31, TcpState::kEstablished}),
                         [](const auto& row) { return std::string(row.param.name); });

struct FinRow {
  const char* name;
  int64_t seq;  // from what the client expects next
  int64_t ack;  // from what the client sends next
  size_t payload;
  TcpState state;
};

class FinInWindow : public testing::TestWithParam<FinRow> {};

// RFC 9293 section 3.10.7.4, RFC 5961 section 5.2: a FIN closes where its receiver may believe it. All are forwarded.
TEST_P(FinInWindow, DecidesWhetherTheFlowCloses) {
  const FinRow& row = GetParam();
  NatBench b;
  Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001).window(1000));
  b.inside.expect(tcp(web, client).syn().ack(1001));
  b.inside.send(c.from_client().window(1000));
  b.outside.expect(c.from_nat());
  c.server_seq += static_cast<uint32_t>(row.seq);
  c.client_seq += static_cast<uint32_t>(row.ack);
  b.outside.send(c.from_server().fin().payload(row.payload));
  b.inside.expect(c.to_client().fin().payload(row.payload));
  EXPECT_EQ(state_of(b), row.state);
  EXPECT_EQ(b.event_count(EventKind::kFlowClosing), row.state == TcpState::kResponderClosed ? 1u : 0u);
}

INSTANTIATE_TEST_SUITE_P(Offsets, FinInWindow,
                         testing::Values(FinRow{"exact", 0, 0, 0, TcpState::kResponderClosed},
                                         FinRow{"within", 999, 0, 0, TcpState::kResponderClosed},
                                         FinRow{"behind", 1100, 0, 0, TcpState::kEstablished},
                                         FinRow{"before", -1, 0, 0, TcpState::kEstablished},
                                         FinRow{"far_away", int64_t{1} << 31, 0, 0, TcpState::kEstablished},
                                         FinRow{"with_data", 0, 0, 1000, TcpState::kResponderClosed},
                                         FinRow{"behind_data_seen_before", -10, 0, 10, TcpState::kResponderClosed},
                                         FinRow{"all_of_it_seen_before", -10, 0, 9, TcpState::kEstablished},
                                         FinRow{"of_what_was_not_sent", 0, 1, 0, TcpState::kEstablished},
                                         FinRow{"of_what_was_sent_before", 0, -1000, 0, TcpState::kResponderClosed},
                                         FinRow{"of_long_ago", 0, -100000, 0, TcpState::kEstablished}),
                         [](const auto& row) { return std::string(row.param.name); });

// RFC 9293 section 3.10.7.4: what acknowledges nothing is not even looked at.
TEST(NatGatewayTcp, FinWithoutAckClosesNothing) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(tcp(web, c.nat).flags(kTcpFin).seq(c.server_seq));
  b.inside.expect(tcp(web, client).flags(kTcpFin).seq(c.server_seq));
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
}

// 2.4, "Invalid packets": it changes nothing of the flow but that it was seen.
TEST(NatGatewayTcp, BlindFinsLeaveTheFlowItsTimeout) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(c.from_server().seq(c.server_seq + 0x40000000).fin());
  b.inside.expect(c.to_client().seq(c.server_seq + 0x40000000).fin());
  b.inside.send(c.from_client().seq(c.client_seq + 0x40000000).fin());
  b.outside.expect(c.from_nat().seq(c.client_seq + 0x40000000).fin());
  b.advance(kEstablishedTimeout - kTick);
  b.inside.send(c.from_client().payload("still here"));
  b.outside.expect(c.from_nat().payload("still here"));
  EXPECT_EQ(b.event_count(EventKind::kFlowClosing), 0u);
}

TEST(NatGatewayTcp, FinPassesAClosedWindow) {
  NatBench b;
  Connection c = establish(b);
  b.outside.send(c.from_server().payload(500));
  b.inside.expect(c.to_client().payload(500));
  c.server_seq += 500;
  b.inside.send(c.from_client().window(0));
  b.outside.expect(c.from_nat().window(0));
  b.outside.send(c.from_server().fin());
  b.inside.expect(c.to_client().fin());
  EXPECT_EQ(state_of(b), TcpState::kResponderClosed);
}

TEST(NatGatewayTcp, FinAnywhereInAScaledWindow) {
  NatBench b;
  b.inside.send(tcp(client, web).syn().seq(1000).window(64000).wscale(7));
  const Endpoint nat = b.outside.expect(tcp(eip.any_port(), web).syn()).source;
  const Connection c{client, nat, web};
  b.outside.send(tcp(web, nat).syn().seq(5000).ack(1001).wscale(7));
  b.inside.expect(tcp(web, client).syn().ack(1001));
  b.inside.send(c.from_client().window(1000));
  b.outside.expect(c.from_nat());
  b.outside.send(c.from_server().seq(c.server_seq + (1000 << 7)).fin());
  b.inside.expect(c.to_client().seq(c.server_seq + (1000 << 7)).fin());
  EXPECT_EQ(state_of(b), TcpState::kResponderClosed);
}

TEST(NatGatewayTcp, FinsThatCrossCloseBothSides) {
  NatBench b;
  const Connection c = establish(b);
  b.inside.send(c.from_client().fin());
  b.outside.expect(c.from_nat().fin());
  b.outside.send(c.from_server().fin());
  b.inside.expect(c.to_client().fin());
  EXPECT_EQ(state_of(b), TcpState::kBothClosed);
  b.outside.send(c.from_server().fin());
  b.inside.expect(c.to_client().fin());
  EXPECT_EQ(b.event_count(EventKind::kFlowClosed), 1u) << "a repetition";
}

// The end that has closed takes what comes; a stranger's guess does not close the other direction.
TEST(NatGatewayTcp, HalfClosedConnectionIsNotClosedByABlindFin) {
  NatBench b;
  Connection c = establish(b);
  b.inside.send(c.from_client().fin());
  b.outside.expect(c.from_nat().fin());
  c.client_seq += 1;
  b.outside.send(c.from_server().seq(c.server_seq + 0x40000000).fin());
  b.inside.expect(c.to_client().seq(c.server_seq + 0x40000000).fin());
  EXPECT_EQ(state_of(b), TcpState::kOpenerClosed);
  b.outside.send(c.from_server().payload(100).fin());
  b.inside.expect(c.to_client().payload(100).fin());
  EXPECT_EQ(state_of(b), TcpState::kBothClosed);
}

// RFC 9293 section 3.10.7.3: its sender does not believe it, and answers it with a RST that ends nothing either.
TEST(NatGatewayTcp, SynAckOfAnotherSynAnswersNothing) {
  NatBench b;
  const Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).syn().seq(7000).ack(4242));
  b.inside.expect(tcp(web, client).syn().seq(7000).ack(4242));
  EXPECT_EQ(state_of(b), TcpState::kSynSent);
  b.inside.send(tcp(client, web).rst().seq(4242));
  b.outside.expect(tcp(c.nat, web).rst().seq(4242));
  EXPECT_EQ(state_of(b), TcpState::kSynSent);
  b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001));
  b.inside.expect(tcp(web, client).syn().ack(1001));
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
}

TEST(NatGatewayTcp, AckOfAnotherSynAckEstablishesNothing) {
  NatBench b;
  const Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001));
  b.inside.expect(tcp(web, client).syn().ack(1001));
  for (const uint32_t ack : {5000u, 5002u, 90000u}) {
    b.inside.send(c.from_client().ack(ack));
    b.outside.expect(c.from_nat().ack(ack));
    EXPECT_EQ(state_of(b), TcpState::kSynReceived) << ack;
  }
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
}

// A kernel that refuses a connection answers with SEQ 0 and acknowledges the SYN.
TEST(NatGatewayTcp, RefusedConnectionCloses) {
  NatBench b;
  const Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).rst().ack(1001).seq(0));
  b.inside.expect(tcp(web, client).rst().ack(1001).seq(0));
  EXPECT_EQ(state_of(b), TcpState::kReset);
}

TEST(NatGatewayTcp, ResetThatDoesNotAcknowledgeTheSynRefusesNothing) {
  NatBench b;
  const Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).rst().ack(4242).seq(0));
  b.inside.expect(tcp(web, client).rst().ack(4242));
  EXPECT_EQ(state_of(b), TcpState::kSynSent);
}

// A packet of a living flow that is merely out of window is not late and never earns a RST.
TEST(NatGatewayTcp, OutOfWindowSegmentsAreForwarded) {
  NatBench b;
  const Connection c = establish(b);
  b.inside.send(c.from_client().seq(c.client_seq + 0x40000000).payload(1));
  b.outside.expect(c.from_nat().seq(c.client_seq + 0x40000000).payload(1));
  b.outside.send(c.from_server().ack(c.client_seq + 0x40000000).payload(1));
  b.inside.expect(c.to_client().ack(c.client_seq + 0x40000000).payload(1));
  // They taught the gateway nothing: a RST is still judged by the real window.
  b.outside.send(tcp(web, c.nat).rst().seq(c.server_seq));
  b.inside.expect(tcp(web, client).rst());
  EXPECT_EQ(state_of(b), TcpState::kReset);
}

TEST(NatGatewayTcp, DataThatFliesKeepsResetsBelievable) {
  NatBench b;
  Connection c = establish(b);
  for (int i = 0; i < 100; ++i) {
    b.outside.send(c.from_server().payload(1400));
    b.inside.expect(c.to_client().payload(1400));
    c.server_seq += 1400;
    if (i % 2 == 1) {
      b.inside.send(c.from_client());
      b.outside.expect(c.from_nat());
    }
  }
  b.outside.send(tcp(web, c.nat).rst().seq(c.server_seq));
  b.inside.expect(tcp(web, client).rst());
  EXPECT_EQ(state_of(b), TcpState::kReset);
}

// RFC 9293 section 3.6.1: the same ports again. The old flow is over at once, the new one gets a port of its own.
TEST(NatGatewayTcp, SynAfterTheEndOpensANewFlowWithANewPort) {
  NatBench b;
  const Connection old = establish(b);
  b.outside.send(tcp(web, old.nat).rst().seq(old.server_seq));
  b.inside.expect(tcp(web, client).rst());
  b.forget_events();

  b.inside.send(tcp(client, web).syn().seq(90000));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(90000));
  EXPECT_NE(syn.source, old.nat);
  EXPECT_EQ(b.flow_count(), 1u);
  b.expect_event(EventKind::kFlowNew);
  EXPECT_EQ(b.event_count(EventKind::kFlowExpired), 0u) << "it was not idle";
  b.outside.send(old.from_server());
  b.expect_dropped(DropReason::kLate);
  b.outside.send(tcp(web, syn.source).syn().seq(1).ack(90001));
  b.inside.expect(tcp(web, client).syn().seq(1).ack(90001));
}

TEST(NatGatewayTcp, ReopenedFlowsGiveTheirPortsBack) {
  NatGateway::Config config = nat_config();
  config.ports_per_destination = 1;
  config.capacity = 1;
  NatBench b(config);
  for (uint32_t round = 0; round < 200; ++round) {
    const Connection c = establish(b);
    b.inside.send(c.from_client().rst());
    b.outside.expect(c.from_nat().rst());
  }
  EXPECT_EQ(b.flow_count(), 1u);
}

TEST(NatGatewayTcp, SimultaneousOpenIsFollowed) {
  NatBench b;
  const Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).syn().seq(5000));
  b.inside.expect(tcp(web, client).syn().seq(5000));
  b.inside.send(tcp(client, web).syn().seq(1000).ack(5001));
  b.outside.expect(tcp(c.nat, web).syn().seq(1000).ack(5001));
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
}

}  // namespace
}  // namespace lapse::test
