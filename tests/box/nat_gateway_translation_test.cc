// aws-behaviour 3.1: what the gateway rewrites, and that every checksum stays as right or as wrong as it was.
#include "dataplane/wire/parse.h"
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

TEST(NatGatewayTranslation, Row3_1_Rewrites_TcpSourceGoingOutAndDestinationComingBack) {
  NatBench b;
  b.inside.send(tcp(client, web).syn().seq(1000).mss(1460).wscale(7).ttl(63));
  const Seen syn = b.outside.expect(tcp(eip.any_port(), web).syn().seq(1000).mss(1460).wscale(7).ttl(63));

  b.outside.send(tcp(web, syn.source).syn().seq(5000).ack(1001).ttl(55));
  b.inside.expect(tcp(web, client).syn().seq(5000).ack(1001).ttl(55));

  b.inside.send(tcp(client, web).push().seq(1001).ack(5001).payload("GET / HTTP/1.1\r\n"));
  b.outside.expect(tcp(syn.source, web).push().seq(1001).ack(5001).payload("GET / HTTP/1.1\r\n"));
}

TEST(NatGatewayTranslation, TcpChecksumIsRightForEveryPayloadLength) {
  NatBench b;
  const Connection c = establish(b);
  for (size_t size = 0; size < 40; ++size) {
    b.inside.send(c.from_client().payload(size));
    b.outside.expect(c.from_nat().payload(size));
    b.outside.send(c.from_server().payload(size));
    b.inside.expect(c.to_client().payload(size));
  }
}

TEST(NatGatewayTranslation, ChecksumIsRightBehindIpOptions) {
  NatBench b;
  b.inside.send(tcp(client, web).syn().seq(1).ip_options({1, 1, 1, 1}));
  b.outside.expect(tcp(eip.any_port(), web).syn().seq(1));
}

TEST(NatGatewayTranslation, UdpBothWays) {
  NatBench b;
  b.inside.send(udp(client, dns).payload("question"));
  const Seen question = b.outside.expect(udp(eip.any_port(), dns).payload("question"));
  b.outside.send(udp(dns, question.source).payload("answer"));
  b.inside.expect(udp(dns, client).payload("answer"));
}

TEST(NatGatewayTranslation, UdpWithoutChecksumStaysWithout) {
  NatBench b;
  b.inside.send(udp(client, dns).payload("question").no_checksum());
  const Seen question = b.outside.expect(udp(eip.any_port(), dns).payload("question"));
  constexpr size_t kUdpChecksum = 14 + 20 + 6;
  EXPECT_EQ(question.bytes[kUdpChecksum], 0);
  EXPECT_EQ(question.bytes[kUdpChecksum + 1], 0);

  b.outside.send(udp(dns, question.source).payload("answer").no_checksum());
  const Seen answer = b.inside.expect(udp(dns, client).payload("answer"));
  EXPECT_EQ(answer.bytes[kUdpChecksum], 0);
  EXPECT_EQ(answer.bytes[kUdpChecksum + 1], 0);
}

// RFC 768: a checksum that comes out as 0 is sent as 0xFFFF, or it would mean that there is none.
TEST(NatGatewayTranslation, UdpChecksumNeverBecomesZero) {
  NatBench b;
  constexpr size_t kUdpChecksum = 14 + 20 + 6;
  size_t corners = 0;
  b.inside.send(udp(client, dns).payload(std::string(2, '\0')));
  Seen seen = b.outside.expect(udp(eip.any_port(), dns));
  // The two payload bytes that make the sum come out as all ones.
  const auto zero_sum = static_cast<uint16_t>(seen.bytes[kUdpChecksum] << 8 | seen.bytes[kUdpChecksum + 1]);
  for (int offset = -2; offset <= 2; ++offset) {
    const auto word = static_cast<uint16_t>(zero_sum + offset);
    const std::string payload{static_cast<char>(word >> 8), static_cast<char>(word)};
    b.inside.send(udp(client, dns).payload(payload));
    seen = b.outside.expect(udp(seen.source, dns).payload(payload));
    const bool is_corner = seen.bytes[kUdpChecksum] == 0xff && seen.bytes[kUdpChecksum + 1] == 0xff;
    EXPECT_FALSE(seen.bytes[kUdpChecksum] == 0 && seen.bytes[kUdpChecksum + 1] == 0);
    corners += is_corner ? 1 : 0;
  }
  EXPECT_EQ(corners, 1u) << "the corner was not met";
}

TEST(NatGatewayTranslation, IcmpEchoIdentifierIsTranslated) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 7).seq(1).payload(56));
  const Seen request = b.outside.expect(icmp_echo(eip, web, 0).any_identifier().seq(1).payload(56));
  EXPECT_NE(request.identifier, 7) << "symmetric translation keeps no identifier (with this seed)";

  b.outside.send(icmp_echo(web, eip, request.identifier).reply().seq(1).payload(56));
  b.inside.expect(icmp_echo(web, client, 7).reply().seq(1).payload(56));
}

TEST(NatGatewayTranslation, IcmpIdentifierZeroWorks) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 0));
  const Seen request = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  b.outside.send(icmp_echo(web, eip, request.identifier).reply());
  b.inside.expect(icmp_echo(web, client, 0).reply());
  // A reply that goes out has the tuple of that request; it belongs to no flow all the same.
  b.inside.send(icmp_echo(client, web, 0).reply());
  b.expect_dropped(DropReason::kUnsolicited);
}

TEST(NatGatewayTranslation, OneClientPingsWithTwoIdentifiers) {
  NatBench b;
  b.inside.send(icmp_echo(client, web, 1));
  const Seen first = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  b.inside.send(icmp_echo(client, web, 2));
  const Seen second = b.outside.expect(icmp_echo(eip, web, 0).any_identifier());
  EXPECT_NE(first.identifier, second.identifier);
  b.outside.send(icmp_echo(web, eip, second.identifier).reply());
  b.inside.expect(icmp_echo(web, client, 2).reply());
}

// The bench insists on right checksums, so this gateway stands alone.
TEST(NatGatewayTranslation, WrongChecksumStaysWrong) {
  MemoryPacketPool pool(1);
  Quiescence quiescence;
  NatGateway gateway(nat_config(), quiescence);
  BoxCounters counters;
  for (const PacketBuilder& builder :
       {tcp(client, web).syn().bad_checksum(), udp(client, dns).payload("question").bad_checksum(),
        icmp_echo(client, web, 7).bad_checksum()}) {
    Output out(WorkerId{0}, pool, nullptr);
    out.begin(BoxId{0}, counters);
    Packet* packet = builder.build(pool);
    gateway.process({&packet, 1}, NatGateway::kInside, {}, out);
    ASSERT_EQ(out.entries().size(), 1u);
    EXPECT_EQ(packet->tuple.source, eip.address);
    EXPECT_FALSE(transport_checksum_is_valid(*packet));
    release(packet);
  }
}

TEST(NatGatewayTranslation, Row3_1_Protocols_OthersAreNotCarried) {
  NatBench b;
  constexpr uint8_t kEsp = 50;
  b.inside.send(other(client, web, kEsp));
  b.expect_dropped(DropReason::kProtocol);
  b.outside.send(other(web, eip, kEsp));
  b.expect_dropped(DropReason::kProtocol);
}

TEST(NatGatewayTranslation, OtherIcmpMessagesAreNotCarried) {
  NatBench b;
  b.inside.send(icmp(client, web, 13, 0));
  b.expect_dropped(DropReason::kIcmpType);
  b.outside.send(icmp(web, eip, 14, 0).payload(12));
  b.expect_dropped(DropReason::kIcmpType);
}

}  // namespace
}  // namespace lapse::test
