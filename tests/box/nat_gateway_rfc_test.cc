// What RFC 4787 (UDP), RFC 5382 (TCP), RFC 5508 (ICMP) and RFC 5961 (blind attacks) ask of a translator, and where the
// emulated device departs from them on purpose. tests/CONFORMANCE.md has all requirements with their tests.
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

// The only flow there is.
FlowSnapshot only_flow(NatBench& b) {
  for (uint32_t id = 0; id < b.flows().record_count(); ++id) {
    if (const auto flow = b.flows().snapshot(FlowId{id})) {
      return *flow;
    }
  }
  ADD_FAILURE() << "no flow";
  return {};
}
TcpState state_of(NatBench& b) {
  return only_flow(b).control.tcp_state;
}

// Both FINs and the last ACK: the client is in TIME_WAIT.
Connection closed(NatBench& b) {
  Connection c = establish(b);
  b.inside.send(c.from_client().fin());
  b.outside.expect(c.from_nat().fin());
  ++c.client_seq;
  b.outside.send(c.from_server().fin());
  b.inside.expect(c.to_client().fin());
  ++c.server_seq;
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  return c;
}

// ---- RFC 4787: UDP ----

// Departs: aws-behaviour 3.1, source port range. A privileged port is not answered by a privileged one.
TEST(Rfc4787, Req3a_PortBelow1024BecomesOneAbove) {
  NatBench b;
  for (uint16_t port = 1; port < 1024; port += 31) {
    b.inside.send(udp(client.with_port(port), dns));
    EXPECT_GE(b.outside.expect(udp(eip.any_port(), dns)).source.port, 1024);
  }
}

// Departs: aws-behaviour 3.1, no parity. Even ports get odd ones as often as not.
TEST(Rfc4787, Req4_ParityIsNotKept) {
  NatBench b;
  size_t odd = 0;
  for (uint16_t port = 20000; port < 21000; port += 2) {
    b.inside.send(udp(client.with_port(port), dns));
    odd += b.outside.expect(udp(eip.any_port(), dns)).source.port % 2;
  }
  EXPECT_GT(odd, 200u);
  EXPECT_LT(odd, 300u);
}

TEST(Rfc4787, Req6_OutboundDatagramsAloneHoldTheMapping) {
  NatBench b;
  b.inside.send(udp(client, dns));
  const Seen first = b.outside.expect(udp(eip.any_port(), dns));
  for (int i = 0; i < 5; ++i) {
    b.advance(kUdpTimeout - kTick);
    b.inside.send(udp(client, dns));
    b.outside.expect(udp(first.source, dns));
  }
}

TEST(Rfc4787, Req6a_InboundDatagramsAloneHoldTheMapping) {
  NatBench b;
  b.inside.send(udp(client, dns));
  const Seen first = b.outside.expect(udp(eip.any_port(), dns));
  b.outside.send(udp(dns, first.source));
  b.inside.expect(udp(dns, client));
  for (int i = 0; i < 5; ++i) {
    b.advance(kUdpStreamTimeout - kTick);
    b.outside.send(udp(dns, first.source));
    b.inside.expect(udp(dns, client));
  }
}

// aws-behaviour 3.1, filtering: stricter than either kind that the RFC recommends.
TEST(Rfc4787, Req8_OnlyTheAddressAndPortThatWasSpokenToMayAnswer) {
  NatBench b;
  b.inside.send(udp(client, dns));
  const Endpoint nat = b.outside.expect(udp(eip.any_port(), dns)).source;
  for (const Endpoint& other : {dns.with_port(54), web.with_port(dns.port), stranger}) {
    b.outside.send(udp(other, nat));
    b.expect_dropped(DropReason::kLate);
  }
  // It held nothing, and opened nothing.
  b.advance(kUdpTimeout);
  b.outside.send(udp(dns, nat));
  b.expect_dropped(DropReason::kLate);
}

// No application's protocol is read: addresses and ports in payloads stay as they are.
TEST(Rfc4787, Req10_PayloadsAreNotRead) {
  NatBench b;
  const Endpoint sip = web.with_port(5060);
  const std::string invite = "INVITE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.1.10:40000\r\n";
  b.inside.send(udp(client, sip).payload(invite));
  b.outside.expect(udp(eip.any_port(), sip).payload(invite));
  const Connection ftp = establish(b, client, web.with_port(21));
  b.inside.send(ftp.from_client().push().payload("PORT 10,0,1,10,156,64\r\n"));
  b.outside.expect(ftp.from_nat().push().payload("PORT 10,0,1,10,156,64\r\n"));
}

// The last free port is chosen by the same rule as the first: still one flow a port, still another one a destination.
TEST(Rfc4787, Req11_ScarcityChangesNeitherMappingNorFiltering) {
  NatGateway::Config config = nat_config();
  config.ports_per_destination = 2;
  NatBench b(config);
  b.inside.send(udp(client, dns));
  const Endpoint first = b.outside.expect(udp(eip.any_port(), dns)).source;
  b.inside.send(udp(other_client, dns));
  const Endpoint second = b.outside.expect(udp(eip.any_port(), dns)).source;
  EXPECT_NE(first, second);
  b.inside.send(udp(client.with_port(1), dns));
  b.expect_dropped(DropReason::kPortsExhausted);
  b.outside.send(udp(stranger, first));
  b.expect_dropped(DropReason::kLate);
  b.outside.send(udp(dns, first));
  b.inside.expect(udp(dns, client));
}

// ---- RFC 5382: TCP ----

// A SYN+ACK that is lost behind the gateway: the client asks again, the server repeats itself, and the port stays.
TEST(Rfc5382, Req2_LostSynAckIsRepeated) {
  NatBench b;
  const Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001));
  b.inside.expect(tcp(web, client).syn().seq(5000).ack(1001));
  b.advance(1s);
  b.inside.send(tcp(client, web).syn().seq(1000));
  b.outside.expect(tcp(c.nat, web).syn().seq(1000));
  b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001));
  b.inside.expect(tcp(web, client).syn().seq(5000).ack(1001));
  EXPECT_EQ(state_of(b), TcpState::kSynReceived);
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
}

// RFC 9293 figure 7, the whole of it, and data both ways behind it.
TEST(Rfc5382, Req2a_SimultaneousOpenCarriesData) {
  NatBench b;
  const Connection c = open_half(b);
  b.outside.send(tcp(web, c.nat).syn().seq(5000));
  b.inside.expect(tcp(web, client).syn().seq(5000));
  b.inside.send(tcp(client, web).syn().seq(1000).ack(5001));
  b.outside.expect(tcp(c.nat, web).syn().seq(1000).ack(5001));
  b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001));
  b.inside.expect(tcp(web, client).syn().seq(5000).ack(1001));
  b.inside.send(c.from_client().payload(10));
  b.outside.expect(c.from_nat().payload(10));
  b.outside.send(c.from_server().payload(20));
  b.inside.expect(c.to_client().payload(20));
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
  EXPECT_EQ(b.event_count(EventKind::kFlowEstablished), 1u);
}

// Segments that overtook or were repeated: what was sent before the FIN arrives behind it.
TEST(Rfc5382, Req2_DataSentBeforeAFinPassesBehindIt) {
  NatBench b;
  Connection c = establish(b);
  b.inside.send(c.from_client().fin().seq(c.client_seq + 100));
  b.outside.expect(c.from_nat().fin().seq(c.client_seq + 100));
  b.inside.send(c.from_client().payload(100));
  b.outside.expect(c.from_nat().payload(100));
  b.outside.send(c.from_server().ack(c.client_seq + 101).payload(50).fin());
  b.inside.expect(c.to_client().ack(c.client_seq + 101).payload(50).fin());
  EXPECT_EQ(state_of(b), TcpState::kBothClosed);
  b.inside.send(c.from_client().payload(100));
  b.outside.expect(c.from_nat().payload(100));
}

// The ports of a connection in TIME_WAIT again, with a higher sequence number (RFC 9293 section 3.6.1).
TEST(Rfc5382, Req2_PortsOfAConnectionInTimeWaitAreReused) {
  NatBench b;
  const Connection old = closed(b);
  b.inside.send(tcp(client, web).syn().seq(old.client_seq + 70000));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(old.client_seq + 70000));
  EXPECT_NE(syn.source, old.nat);
  EXPECT_EQ(b.flow_count(), 1u);
  b.outside.send(old.from_server());
  b.expect_dropped(DropReason::kLate);
  b.outside.send(tcp(web, syn.source).syn().seq(7000).ack(old.client_seq + 70001));
  b.inside.expect(tcp(web, client).syn().seq(7000).ack(old.client_seq + 70001));
}

// The server's SYN in TIME_WAIT opens nothing: nobody inside asked for it.
TEST(Rfc5382, Req3_SynFromOutsideInTimeWaitOpensNothing) {
  NatBench b;
  const Connection c = closed(b);
  b.outside.send(tcp(web, c.nat).syn().seq(90000));
  b.inside.expect(tcp(web, client).syn().seq(90000));
  EXPECT_EQ(state_of(b), TcpState::kBothClosed);
  b.advance(kClosedTimeout);
  b.outside.send(tcp(web, c.nat).syn().seq(90000));
  b.expect_dropped(DropReason::kUnsolicited);
}

// Six seconds of silence are asked for, and then an ICMP error unless policy forbids: L8, it is silence for good.
TEST(Rfc5382, Req4a_UnsolicitedSynIsNeverAnswered) {
  NatBench b;
  b.outside.send(tcp(stranger, eip.with_port(22)).syn().seq(1));
  b.expect_dropped(DropReason::kUnsolicited);
  b.advance(7s);
  b.reclaim();
  b.outside.expect_nothing();
  EXPECT_EQ(b.counters().originated.get(), 0u);
}

// Picking up in mid-stream is off: a connection that nobody saw begin is refused to the inside and gets no mapping.
TEST(Rfc5382, Req2_MidStreamSegmentOpensNothing) {
  NatBench b;
  b.inside.send(tcp(client, web).seq(1).ack(4242).payload(10));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(4242));
  EXPECT_EQ(b.flow_count(), 0u);
  b.outside.send(tcp(web, eip.with_port(client.port)).seq(4242).ack(11).payload(10));
  b.expect_dropped(DropReason::kLate);
  b.outside.expect_nothing();
}

// ---- RFC 5508: ICMP ----

// Departs: aws-behaviour 3.1, mapping. Identifiers depend on the destination as ports do.
TEST(Rfc5508, Req1a_OneIdentifierBecomesAnotherForEachDestination) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 7));
  const Seen first = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  b.inside.send(icmp_echo(client, dns, 7));
  const Seen second = b.outside.expect(icmp_echo(eip, dns, 0).any_identifier());
  EXPECT_NE(first.identifier, second.identifier);
  b.outside.send(icmp_echo(dns, eip, first.identifier).reply());
  b.expect_dropped(DropReason::kLate);
}

TEST(Rfc5508, Req2_RepliesHoldTheSession) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 7));
  const Seen request = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  for (int i = 0; i < 3; ++i) {
    b.advance(kIcmpTimeout - kTick);
    b.outside.send(icmp_echo(web, eip, request.identifier).reply());
    b.inside.expect(icmp_echo(web, client, 7).reply());
  }
}

// Departs: aws-behaviour 3.1, exhaustion. Who finds no port is not told, by ICMP or otherwise.
TEST(Rfc5508, Req8_ARefusedFlowIsNotTold) {
  NatGateway::Config config = nat_config();
  config.ports_per_destination = 1;
  NatBench b(config);
  b.inside.send(tcp(client, web).syn().seq(1));
  b.outside.expect(tcp(eip.any_port(), web).syn());
  b.inside.send(tcp(other_client, web).syn().seq(1));
  b.expect_dropped(DropReason::kPortsExhausted);
  b.inside.expect_nothing();
  EXPECT_EQ(b.counters().originated.get(), 0u);
}

// ---- RFC 5961: blind attacks. What a receiver answers by a challenge ACK must not end the flow here ----

struct GuessRow {
  const char* name;
  uint32_t offset;  // from what its receiver expects next
};

class Rfc5961 : public testing::TestWithParam<GuessRow> {};

// Section 3: a RST that misses the window is forwarded, for the receiver to ignore; the flow keeps its long timeout.
TEST_P(Rfc5961, Section3_BlindResetFromOutsideDoesNotShortenTheFlow) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(tcp(web, c.nat).rst().seq(c.server_seq + GetParam().offset));
  b.inside.expect(tcp(web, client).rst());
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
  b.advance(kEstablishedTimeout - kTick);
  b.inside.send(c.from_client().payload(1));
  b.outside.expect(c.from_nat().payload(1));
}

TEST_P(Rfc5961, Section3_BlindResetFromInsideDoesNotShortenTheFlow) {
  NatBench b;
  const Connection c = establish(b);
  b.inside.send(tcp(client, web).rst().seq(c.client_seq + GetParam().offset));
  b.outside.expect(tcp(c.nat, web).rst());
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
  b.advance(kEstablishedTimeout - kTick);
  b.outside.send(c.from_server().payload(1));
  b.inside.expect(c.to_client().payload(1));
}

INSTANTIATE_TEST_SUITE_P(Guesses, Rfc5961,
                         testing::Values(GuessRow{"just_before", 0xffffffff}, GuessRow{"a_window_and_more", 70000},
                                         GuessRow{"half_the_space_away", 0x80000000},
                                         GuessRow{"a_quarter_behind", 0xc0000000}),
                         [](const auto& row) { return std::string(row.param.name); });

// Section 3.2, third case: in the window but not exact. The receiver challenges; its ACK and the answer to that pass.
TEST(Rfc5961Middlebox, Section3_ChallengeAndTheExactResetPass) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(tcp(web, c.nat).rst().seq(c.server_seq + 10));
  b.inside.expect(tcp(web, client).rst());
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  b.outside.send(tcp(web, c.nat).rst().seq(c.server_seq));
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(c.server_seq));
}

// Section 4: a SYN in a living connection is for its receiver to challenge. It opens, ends and shortens nothing.
TEST(Rfc5961Middlebox, Section4_SynInALivingConnectionChangesNothing) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(tcp(web, c.nat).syn().seq(77));
  b.inside.expect(tcp(web, client).syn().seq(77));
  b.inside.send(c.from_client());
  b.outside.expect(c.from_nat());
  b.inside.send(tcp(client, web).syn().seq(99999));
  b.outside.expect(tcp(c.nat, web).syn().seq(99999));
  b.outside.send(c.from_server());
  b.inside.expect(c.to_client());
  EXPECT_EQ(state_of(b), TcpState::kEstablished);
  EXPECT_EQ(b.event_count(EventKind::kFlowNew), 1u);
  b.advance(kEstablishedTimeout - kTick);
  b.inside.send(c.from_client().payload(1));
  b.outside.expect(c.from_nat().payload(1));
}

// Section 5: data with an impossible acknowledgement is the receiver's to refuse; the gateway does not learn from it.
TEST(Rfc5961Middlebox, Section5_ImpossibleAcknowledgementTeachesNothing) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(c.from_server().ack(c.client_seq + 0x20000000).payload(5));
  b.inside.expect(c.to_client().ack(c.client_seq + 0x20000000).payload(5));
  b.inside.send(tcp(client, web).rst().seq(c.client_seq + 0x20000000));
  b.outside.expect(tcp(c.nat, web).rst());
  EXPECT_EQ(state_of(b), TcpState::kEstablished) << "the window has not moved to where the guess pointed";
  b.inside.send(tcp(client, web).rst().seq(c.client_seq));
  b.outside.expect(tcp(c.nat, web).rst());
  EXPECT_EQ(state_of(b), TcpState::kReset);
}

// Section 9: a box that answers in an end's name answers once a segment, with a number from that segment alone.
TEST(Rfc5961Middlebox, Section9_ResetIsMadeOfTheSegmentThatItAnswers) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(kEstablishedTimeout);
  b.inside.send(c.from_client().ack(123456789).payload(1));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.expect(tcp(web, client).flags(kTcpRst).seq(123456789));
  b.reclaim();
  b.inside.expect_nothing();
}

// ---- RFC 7857: updates ----

// Section 2.2: a RST ends nothing at once; what is still under way passes, and each packet prolongs the short time.
TEST(Rfc7857, Section2_2_FlowOutlivesItsResetForAWhile) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(tcp(web, c.nat).rst().seq(c.server_seq));
  b.inside.expect(tcp(web, client).rst());
  for (int i = 0; i < 3; ++i) {
    b.advance(kClosedTimeout - kTick);
    b.outside.send(c.from_server().payload(5));
    b.inside.expect(c.to_client().payload(5));
  }
  EXPECT_EQ(state_of(b), TcpState::kReset);
}

// Section 5: TCP and UDP of one source are mapped by themselves.
TEST(Rfc7857, Section5_ProtocolsAreMappedIndependently) {
  NatBench b;
  b.inside.send(udp(client, web));
  const Seen datagram = b.outside.expect(udp(eip.any_port(), web));
  b.inside.send(tcp(client, web).syn().seq(1));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn());
  EXPECT_NE(datagram.source, syn.source) << "with this seed";
  b.outside.send(udp(web, syn.source));
  b.expect_dropped(DropReason::kLate);
  b.outside.send(udp(web, datagram.source));
  b.inside.expect(udp(web, client));
}

// ---- RFC 6888: carriers ----

// REQ-8 asks for 120 s before a port is given out again. Departs: a port of a dead flow is free at once, and only
// chance keeps two flows of one destination apart.
TEST(Rfc6888, Req8_PortOfADeadFlowMayBeGivenAtOnce) {
  NatGateway::Config config = nat_config();
  config.ports_per_destination = 1;
  NatBench b(config);
  b.inside.send(udp(client, dns));
  b.outside.expect(udp(eip.any_port(), dns));
  b.advance(kUdpTimeout);
  b.inside.send(udp(other_client, dns));
  b.outside.expect(udp(eip.any_port(), dns));
}

// REQ-11: what cannot be mapped is dropped, and no living mapping pays for it.
TEST(Rfc6888, Req11_ScarcityTakesNoMappingAway) {
  NatGateway::Config config = nat_config();
  config.capacity = 3;
  NatBench b(config);
  const Connection c = establish(b);
  b.inside.send(udp(client, dns));
  const Endpoint datagram = b.outside.expect(udp(eip.any_port(), dns)).source;
  b.inside.send(icmp_echo(client, web, 7));
  b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  for (uint16_t port = 1; port <= 50; ++port) {
    b.inside.send(tcp(other_client.with_port(port), web).syn().seq(1));
    b.expect_dropped(DropReason::kTableFull);
  }
  b.outside.send(c.from_server().payload(1));
  b.inside.expect(c.to_client().payload(1));
  b.outside.send(udp(dns, datagram));
  b.inside.expect(udp(dns, client));
}

// REQ-15: the next port is not to be guessed from the last ones; each of the sixteen bits is a coin.
TEST(Rfc6888, Req15_EveryBitOfThePortIsRandom) {
  constexpr int kFlows = 800;
  NatBench b;
  std::array<int, 16> changed{};
  uint16_t last = 0;
  for (int i = 0; i < kFlows; ++i) {
    b.inside.send(udp(client.with_port(static_cast<uint16_t>(10000 + i)), dns));
    const uint16_t port = b.outside.expect(udp(eip.any_port(), dns)).source.port;
    for (size_t bit = 0; bit < changed.size(); ++bit) {
      changed[bit] += (port ^ last) >> bit & 1;
    }
    last = port;
  }
  for (size_t bit = 0; bit < changed.size(); ++bit) {
    EXPECT_GT(changed[bit], kFlows * 4 / 10) << "bit " << bit;
    EXPECT_LT(changed[bit], kFlows * 6 / 10) << "bit " << bit;
  }
}

}  // namespace
}  // namespace lapse::test
