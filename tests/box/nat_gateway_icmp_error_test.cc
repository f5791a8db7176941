// ICMP errors about translated flows, both ways. aws-behaviour 3.2, "ICMP error for a NAT'd flow"; RFC 5508 section 4.
#include "dataplane/wire/icmp.h"
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

const Endpoint router = endpoint("203.0.113.1");
const Endpoint inside_router = endpoint("10.0.1.1");

constexpr uint8_t kPortUnreachable = 3;
constexpr uint8_t kHostUnreachable = 1;
constexpr uint8_t kProhibited = 13;

// A client's datagram as the destination sees it.
Seen open_udp(NatBench& b) {
  b.inside.send(udp(client, dns).payload("question"));
  return b.outside.expect(udp(eip.any_port(), dns).payload("question"));
}

TEST(NatGatewayIcmpErrors, Req4_ErrorAboutADatagramGoesToItsSender) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(icmp_error(dns, eip, kIcmpUnreachable, kPortUnreachable, udp(sent.source, dns).payload("question")));
  b.inside.expect(icmp_error(dns, client, kIcmpUnreachable, kPortUnreachable, udp(client, dns).payload("question")));
}

TEST(NatGatewayIcmpErrors, Req4_ErrorOfARouterKeepsItsSource) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(icmp_error(router, eip, kIcmpTimeExceeded, 0, udp(sent.source, dns).payload("question").ttl(1)));
  b.inside.expect(icmp_error(router, client, kIcmpTimeExceeded, 0, udp(client, dns).payload("question").ttl(1)));
}

TEST(NatGatewayIcmpErrors, Req4_ErrorAboutATcpSegment) {
  NatBench b;
  const Connection c = establish(b);
  const PacketBuilder segment = c.from_nat().payload(1400).dont_fragment();
  b.outside.send(icmp_error(router, eip, kIcmpUnreachable, kIcmpFragmentationNeeded, segment, 28).next_mtu(1280));
  b.inside.expect(icmp_error(router, client, kIcmpUnreachable, kIcmpFragmentationNeeded,
                             c.from_client().payload(1400).dont_fragment(), 28)
                      .next_mtu(1280));
}

// A quote that is long enough holds the TCP checksum, which changes as well.
TEST(NatGatewayIcmpErrors, Req4_TransportChecksumInTheQuoteStaysRight) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(icmp_error(router, eip, kIcmpUnreachable, kHostUnreachable, c.from_nat().payload("abc")));
  b.inside.expect(icmp_error(router, client, kIcmpUnreachable, kHostUnreachable, c.from_client().payload("abc")));
}

TEST(NatGatewayIcmpErrors, Req4_ErrorAboutAnEchoRequest) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 7).seq(3));
  const Seen sent = b.outside.expect(icmp_echo(eip, web, 0).any_identifier().seq(3));
  b.outside.send(icmp_error(router, eip, kIcmpTimeExceeded, 0, icmp_echo(eip, web, sent.identifier).seq(3)));
  b.inside.expect(icmp_error(router, client, kIcmpTimeExceeded, 0, icmp_echo(client, web, 7).seq(3)));
}

TEST(NatGatewayIcmpErrors, Req5_ErrorFromInsideComesFromTheGatewaysAddress) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(udp(dns, sent.source).payload("answer"));
  b.inside.expect(udp(dns, client).payload("answer"));
  // The client has closed its socket meanwhile.
  b.inside.send(icmp_error(client, dns, kIcmpUnreachable, kPortUnreachable, udp(dns, client).payload("answer")));
  b.outside.expect(icmp_error(eip, dns, kIcmpUnreachable, kPortUnreachable, udp(dns, sent.source).payload("answer")));
}

TEST(NatGatewayIcmpErrors, Req5_RouterInsideIsNotShown) {
  NatBench b;
  const Connection c = establish(b);
  b.outside.send(c.from_server().payload(1400).dont_fragment());
  b.inside.expect(c.to_client().payload(1400));
  b.inside.send(icmp_error(inside_router, web, kIcmpUnreachable, kIcmpFragmentationNeeded,
                           c.to_client().payload(1400).dont_fragment())
                    .next_mtu(1300));
  b.outside.expect(
      icmp_error(eip, web, kIcmpUnreachable, kIcmpFragmentationNeeded, c.from_server().payload(1400).dont_fragment())
          .next_mtu(1300));
}

TEST(NatGatewayIcmpErrors, Req3_WrongIcmpChecksumIsDropped) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(icmp_error(dns, eip, kIcmpUnreachable, kPortUnreachable, udp(sent.source, dns).payload("question"))
                     .bad_checksum());
  b.expect_dropped(DropReason::kIcmpQuote);
}

TEST(NatGatewayIcmpErrors, Req3a_WrongIpChecksumInTheQuoteIsDropped) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(icmp_error(dns, eip, kIcmpUnreachable, kPortUnreachable, udp(sent.source, dns).bad_ip_checksum()));
  b.expect_dropped(DropReason::kIcmpQuote);
}

TEST(NatGatewayIcmpErrors, Req3b_OptionsInTheQuoteArePassedOver) {
  NatBench b;
  const Seen sent = open_udp(b);
  const std::vector<uint8_t> no_operation(8, 1);
  b.outside.send(icmp_error(router, eip, kIcmpUnreachable, kHostUnreachable,
                            udp(sent.source, dns).payload("question").ip_options(no_operation)));
  b.inside.expect(icmp_error(router, client, kIcmpUnreachable, kHostUnreachable,
                             udp(client, dns).payload("question").ip_options(no_operation)));
}

TEST(NatGatewayIcmpErrors, Req3c_TransportChecksumInTheQuoteIsNotJudged) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(icmp_error(dns, eip, kIcmpUnreachable, kPortUnreachable,
                            udp(sent.source, dns).payload("question").bad_checksum()));
  b.inside.expect(icmp(dns, client, kIcmpUnreachable, kPortUnreachable));
}

// RFC 4884: what stands behind the quoted packet is not part of it, and passes as it is.
TEST(NatGatewayIcmpErrors, Req3d_ExtensionsPass) {
  NatBench b;
  const Seen sent = open_udp(b);
  const auto with_extension = [](const Endpoint& from, const Endpoint& to, const PacketBuilder& quoted) {
    const std::vector<uint8_t> frame = quoted.bytes();
    std::string message(frame.begin() + 14, frame.end());
    message.resize(128, '\0');
    return icmp(from, to, kIcmpTimeExceeded, 0).payload(message + std::string("\x20\0\0\0\0\x08\x01\x01LABL", 12));
  };
  b.outside.send(with_extension(router, eip, udp(sent.source, dns).payload("question")));
  b.inside.expect(with_extension(router, client, udp(client, dns).payload("question")));
}

TEST(NatGatewayIcmpErrors, Req4_WithoutAFlowItIsDropped) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(icmp_error(dns, eip, kIcmpUnreachable, kPortUnreachable,
                            udp(sent.source.with_port(static_cast<uint16_t>(sent.source.port ^ 1)), dns)));
  b.expect_dropped(DropReason::kUnsolicited);
  b.inside.send(icmp_error(other_client, dns, kIcmpUnreachable, kPortUnreachable, udp(dns, other_client)));
  b.expect_dropped(DropReason::kUnsolicited);
}

// Whoever quotes a packet of one flow in an error to another host lies.
TEST(NatGatewayIcmpErrors, LyingAddressIsDropped) {
  NatGateway::Config config = nat_config();
  config.outside_addresses.push_back(second_eip.address);
  NatBench b(config);
  b.inside.send(udp(client, dns).payload("question"));
  const Seen sent = b.outside.expect_any();
  const Endpoint other = sent.source.address == eip.address ? second_eip : eip;
  b.outside.send(icmp_error(stranger, other, kIcmpUnreachable, kProhibited, udp(sent.source, dns).payload("question")));
  b.expect_dropped(DropReason::kIcmpQuote);
}

TEST(NatGatewayIcmpErrors, QuoteThatIsNoFlowsIsDropped) {
  NatBench b;
  const Seen sent = open_udp(b);
  const PacketBuilder quoted = udp(sent.source, dns).payload("question");
  b.outside.send(icmp_error(router, eip, kIcmpTimeExceeded, 1, fragments(quoted, 8)[1]));
  b.expect_dropped(DropReason::kIcmpQuote);
  b.outside.send(icmp_error(router, eip, kIcmpTimeExceeded, 0, other(eip, dns, 50).payload("12345678")));
  b.expect_dropped(DropReason::kIcmpQuote);
  b.outside.send(icmp_error(router, eip, kIcmpTimeExceeded, 0,
                            icmp_error(eip, router, kIcmpTimeExceeded, 0, udp(router, eip).payload("12345678"))));
  b.expect_dropped(DropReason::kIcmpQuote);
}

// What an error needs to show of TCP and UDP is their ports.
TEST(NatGatewayIcmpErrors, QuoteWithoutPortsIsDropped) {
  NatBench b;
  const Seen sent = open_udp(b);
  const PacketBuilder quoted = udp(sent.source, dns).payload("question");
  for (size_t size = 20; size < 28; ++size) {
    b.outside.send(icmp_error(router, eip, kIcmpTimeExceeded, 0, quoted, size));
    b.expect_dropped(DropReason::kIcmpQuote);
  }
  b.outside.send(icmp_error(router, eip, kIcmpTimeExceeded, 0, quoted, 28));
  b.inside.expect(icmp(router, client, kIcmpTimeExceeded, 0));
}

// RFC 5508 REQ-7, RFC 5382 REQ-10, RFC 4787 REQ-12: an error neither ends a flow nor keeps it.
TEST(NatGatewayIcmpErrors, Req7_FlowIsNeitherEndedNorRefreshed) {
  NatBench b;
  const Connection c = establish(b);
  b.advance(kEstablishedTimeout - 1s);
  for (const uint8_t code : {kHostUnreachable, kPortUnreachable, kProhibited}) {
    b.outside.send(icmp_error(router, eip, kIcmpUnreachable, code, c.from_nat()));
    b.inside.expect(icmp_error(router, client, kIcmpUnreachable, code, c.from_client()));
  }
  b.inside.send(c.from_client().payload("still there"));
  b.outside.expect(c.from_nat().payload("still there"));
  b.advance(kEstablishedTimeout - 1s);
  b.outside.send(icmp_error(router, eip, kIcmpUnreachable, kHostUnreachable, c.from_nat()));
  b.inside.expect(icmp_error(router, client, kIcmpUnreachable, kHostUnreachable, c.from_client()));
  b.advance(1s);
  b.outside.send(icmp_error(router, eip, kIcmpUnreachable, kHostUnreachable, c.from_nat()));
  b.expect_dropped(DropReason::kUnsolicited);
  b.expect_event(EventKind::kFlowExpired);
}

TEST(NatGatewayIcmpErrors, RedirectsAreNotCarried) {
  NatBench b;
  const Seen sent = open_udp(b);
  b.outside.send(icmp_error(router, eip, 5, 1, udp(sent.source, dns).payload("question")));
  b.expect_dropped(DropReason::kIcmpType);
}

}  // namespace
}  // namespace lapse::test
