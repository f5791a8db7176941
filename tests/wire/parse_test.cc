#include "dataplane/wire/parse.h"

#include "gtest/gtest.h"

#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "tests/support/packets.h"

namespace lapse {
namespace {

using namespace test;

const Endpoint client = endpoint("10.0.1.10", 40000);
const Endpoint web = endpoint("203.0.113.80", 443);

constexpr size_t kIp = sizeof(EthernetHeader);
constexpr size_t kTransport = kIp + sizeof(Ipv4Header);

class Parse : public testing::Test {
 protected:
  ~Parse() override { release(packet_); }

  std::optional<DropReason> parse_bytes(std::span<const uint8_t> bytes) {
    release(packet_);
    packet_ = raw_frame(pool_, bytes);
    return parse(*packet_);
  }
  std::optional<DropReason> parse_packet(const PacketBuilder& builder) { return parse_bytes(builder.bytes()); }

  MemoryPacketPool pool_{2};
  Packet* packet_ = pool_.allocate();
};

// ---- Ethernet ----

TEST_F(Parse, EthernetTooShort) {
  const auto frame = tcp(client, web).syn().bytes();
  for (size_t size = 0; size < sizeof(EthernetHeader); ++size) {
    EXPECT_EQ(parse_bytes(std::span(frame).first(size)), DropReason::kFrameTooShort) << size;
  }
}

TEST_F(Parse, EthernetWithVlanTagIsNotCarried) {
  auto frame = tcp(client, web).syn().bytes();
  const uint8_t tag[] = {0x81, 0x00, 0x00, 0x64};
  frame.insert(frame.begin() + 12, tag, tag + 4);
  EXPECT_EQ(parse_bytes(frame), DropReason::kEtherType);
}

TEST_F(Parse, EthernetWithLlcLengthIsNotCarried) {
  auto frame = tcp(client, web).syn().bytes();
  frame[12] = 0x00;
  frame[13] = 0x2e;
  EXPECT_EQ(parse_bytes(frame), DropReason::kEtherType);
}

TEST_F(Parse, EthernetPaddingIsTrimmed) {
  ASSERT_EQ(parse_packet(tcp(client, web).syn().padding(6)), std::nullopt);
  EXPECT_EQ(packet_->length, 54);
  EXPECT_EQ(packet_->payload_length(), 0);
}

// ---- ARP ----

TEST_F(Parse, ArpRequest) {
  ASSERT_EQ(parse_packet(arp_request(kSenderMac, ip("10.0.1.10"), ip("10.0.1.1")).padding(18)), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kArp);
  EXPECT_EQ(packet_->tuple.source, ip("10.0.1.10"));
  EXPECT_EQ(packet_->tuple.destination, ip("10.0.1.1"));
  EXPECT_EQ(packet_->length, 42);
}

TEST_F(Parse, ArpProbeHasNoSenderAddress) {
  EXPECT_EQ(parse_packet(arp_request(kSenderMac, {}, ip("10.0.1.1"))), std::nullopt);
}

TEST_F(Parse, ArpTooShort) {
  const auto frame = arp_request(kSenderMac, ip("10.0.1.10"), ip("10.0.1.1")).bytes();
  for (size_t size = kIp; size < frame.size(); ++size) {
    EXPECT_EQ(parse_bytes(std::span(frame).first(size)), DropReason::kFrameTooShort) << size;
  }
}

TEST_F(Parse, ArpMalformed) {
  const auto good = arp_request(kSenderMac, ip("10.0.1.10"), ip("10.0.1.1")).bytes();
  ASSERT_EQ(parse_bytes(good), std::nullopt);
  struct Row {
    const char* what;
    size_t at;
    uint8_t value;
  };
  for (const Row& row :
       {Row{"hardware type", kIp + 1, 6}, Row{"protocol type", kIp + 2, 0x86}, Row{"hardware size", kIp + 4, 8},
        Row{"protocol size", kIp + 5, 16}, Row{"operation 0", kIp + 7, 0}, Row{"operation 3", kIp + 7, 3},
        Row{"group sender", kIp + 8, 0x03}, Row{"multicast sender", kIp + 14, 0xe0},
        Row{"loopback sender", kIp + 14, 0x7f}}) {
    auto frame = good;
    frame[row.at] = row.value;
    EXPECT_EQ(parse_bytes(frame), DropReason::kArpMalformed) << row.what;
  }
}

// ---- IPv6 ----

TEST_F(Parse, Ipv6IsParsedAndNotCarried) {
  std::vector<uint8_t> frame(kIp + 40 + 8);
  frame[12] = 0x86;
  frame[13] = 0xdd;
  frame[kIp] = 0x60;
  frame[kIp + 5] = 8;
  EXPECT_EQ(parse_bytes(frame), DropReason::kIpv6);
  EXPECT_EQ(parse_bytes(std::span(frame).first(kIp + 39)), DropReason::kFrameTooShort);
  EXPECT_EQ(parse_bytes(std::span(frame).first(kIp + 47)), DropReason::kFrameTooShort);
  frame[kIp] = 0x40;
  EXPECT_EQ(parse_bytes(frame), DropReason::kEtherType);
}

// ---- IPv4 ----

TEST_F(Parse, Ipv4TooShort) {
  const auto frame = tcp(client, web).syn().payload(10).bytes();
  for (size_t size = kIp; size < frame.size(); ++size) {
    EXPECT_EQ(parse_bytes(std::span(frame).first(size)), DropReason::kFrameTooShort) << size;
  }
}

TEST_F(Parse, Ipv4HeaderImpossible) {
  const auto good = tcp(client, web).syn().bytes();
  struct Row {
    const char* what;
    size_t at;
    uint8_t value;
  };
  for (const Row& row : {Row{"version 5", kIp, 0x55}, Row{"version 6", kIp, 0x65}, Row{"size 16", kIp, 0x44},
                         Row{"size 0", kIp, 0x40}, Row{"total length 19", kIp + 3, 19},
                         Row{"total length 0", kIp + 3, 0}, Row{"size beyond total length", kIp, 0x4f}}) {
    auto frame = good;
    frame[row.at] = row.value;
    EXPECT_EQ(parse_bytes(frame), DropReason::kIpv4Header) << row.what;
  }
}

TEST_F(Parse, Ipv4ChecksumWrong) {
  EXPECT_EQ(parse_packet(tcp(client, web).syn().bad_ip_checksum()), DropReason::kIpv4Checksum);
}

TEST_F(Parse, Ipv4EverySingleBitErrorInTheHeaderIsRefused) {
  const auto good = udp(client, web).payload(100).ip_options({1, 1, 1, 1}).bytes();
  for (size_t bit = 8 * kIp; bit < 8 * (kTransport + 4); ++bit) {
    auto frame = good;
    frame[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
    EXPECT_NE(parse_bytes(frame), std::nullopt) << bit;
  }
}

TEST_F(Parse, Ipv4AddressThatNobodyForwards) {
  for (const char* address :
       {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.255.255", "224.0.0.1", "239.255.255.255", "255.255.255.255"}) {
    EXPECT_EQ(parse_packet(tcp(endpoint(address, 1), web).syn()), DropReason::kIpv4Address) << "from " << address;
    EXPECT_EQ(parse_packet(tcp(client, endpoint(address, 1)).syn()), DropReason::kIpv4Address) << "to " << address;
  }
  for (const char* address : {"1.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255", "240.0.0.1"}) {
    EXPECT_EQ(parse_packet(tcp(client, endpoint(address, 1)).syn()), std::nullopt) << address;
  }
}

TEST_F(Parse, Ipv4FirstFragmentOfUdpHasPorts) {
  ASSERT_EQ(parse_packet(fragments(udp(client, web).payload(64), 32)[0]), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kUdp);
  EXPECT_EQ(packet_->part, Part::kFirst);
  EXPECT_EQ(packet_->tuple, (FiveTuple{client.address, web.address, be16(client.port), be16(web.port), 17, 0, 0}));
  EXPECT_EQ(packet_->payload_length(), 24);
}

TEST_F(Parse, Ipv4OtherFragmentsHaveNone) {
  const FiveTuple no_ports{client.address, web.address, {}, {}, 17, 0, 0};
  ASSERT_EQ(parse_packet(fragments(udp(client, web).payload(64), 32)[1]), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kFragment);
  EXPECT_EQ(packet_->part, Part::kLater);
  EXPECT_EQ(packet_->tuple, no_ports);
  ASSERT_EQ(parse_packet(tcp(client, web).syn().payload(4).fragment(0, true)), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kFragment);
  EXPECT_EQ(packet_->part, Part::kFirst);
  ASSERT_EQ(parse_packet(udp(client, web).payload(64).dont_fragment()), std::nullopt);
  EXPECT_EQ(packet_->part, Part::kWhole);
}

TEST_F(Parse, Ipv4ImpossibleFragments) {
  EXPECT_EQ(parse_packet(udp(client, web).payload(5).fragment(0, true)), DropReason::kFragmentHeader)
      << "13 bytes, and more to come";
  EXPECT_EQ(parse_packet(other(client, web, 17).fragment(8, true)), DropReason::kFragmentHeader) << "no bytes";
  EXPECT_EQ(parse_packet(udp(client, web).payload(64).fragment(0x1fff, false)), DropReason::kFragmentHeader)
      << "beyond the longest packet";
  EXPECT_EQ(parse_packet(other(client, web, 17).payload(3).fragment(8189, false)), std::nullopt) << "its last byte";
  EXPECT_EQ(parse_packet(other(client, web, 17).payload(4).fragment(8189, false)), DropReason::kFragmentHeader);
}

TEST_F(Parse, Ipv4SourceRoutesAndDamagedOptions) {
  const auto with = [this](std::vector<uint8_t> options) {
    return parse_packet(udp(client, web).ip_options(std::move(options)));
  };
  EXPECT_EQ(with({7, 7, 4, 0, 0, 0, 0, 0}), std::nullopt) << "record route";
  EXPECT_EQ(with({148, 4, 0, 0}), std::nullopt) << "router alert";
  EXPECT_EQ(with({0, 131, 99, 99}), std::nullopt) << "behind the end of the options";
  EXPECT_EQ(with({131, 7, 4, 10, 0, 0, 1, 0}), DropReason::kIpv4Options) << "loose source route";
  EXPECT_EQ(with({1, 137, 7, 4, 10, 0, 0, 1}), DropReason::kIpv4Options) << "strict source route";
  EXPECT_EQ(with({7, 9, 4, 0, 0, 0, 0, 0}), DropReason::kIpv4Options) << "longer than the header";
  EXPECT_EQ(with({7, 1, 4, 0}), DropReason::kIpv4Options) << "shorter than itself";
  EXPECT_EQ(with({7, 7, 8, 10, 0, 0, 1, 0}), std::nullopt) << "a record route that is full";
  EXPECT_EQ(with({7, 8, 8, 10, 0, 0, 1, 0}), DropReason::kIpv4Options) << "with room for a quarter of an address";
  EXPECT_EQ(with({7, 7, 3, 0, 0, 0, 0, 0}), DropReason::kIpv4Options) << "to be written over its own pointer";
  EXPECT_EQ(with({7, 2, 1, 1}), DropReason::kIpv4Options) << "without a pointer";
  EXPECT_EQ(with({1, 1, 1, 7}), DropReason::kIpv4Options) << "without a length";
}

TEST_F(Parse, Ipv4OptionsOfEverySize) {
  for (size_t size = 4; size <= 40; size += 4) {
    ASSERT_EQ(parse_packet(tcp(client, web).syn().payload(3).ip_options(std::vector<uint8_t>(size, 1))), std::nullopt);
    EXPECT_EQ(packet_->l4_offset, kTransport + size);
    EXPECT_EQ(packet_->payload_length(), 3);
    EXPECT_EQ(packet_->tuple.source_port.host(), client.port);
  }
}

TEST_F(Parse, Ipv4OtherProtocol) {
  ASSERT_EQ(parse_packet(other(client, web, 47).payload(20)), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kOtherIpv4);
  EXPECT_EQ(packet_->tuple, (FiveTuple{client.address, web.address, {}, {}, 47, 0, 0}));
  EXPECT_EQ(packet_->payload_length(), 20);
}

// ---- TCP ----

TEST_F(Parse, TcpSegment) {
  ASSERT_EQ(parse_packet(tcp(client, web).push().seq(1000).ack(5001).payload("hello").timestamps(1, 2)), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kTcp);
  EXPECT_EQ(packet_->tuple, (FiveTuple{client.address, web.address, be16(client.port), be16(web.port), 6, 0, 0}));
  EXPECT_EQ(packet_->tcp_flags, kTcpPsh | kTcpAck);
  EXPECT_EQ(packet_->l3_offset, kIp);
  EXPECT_EQ(packet_->l4_offset, kTransport);
  EXPECT_EQ(packet_->payload_offset, kTransport + 20 + 12);
  EXPECT_EQ(payload_of(*packet_), "hello");
}

TEST_F(Parse, TcpHeaderCutByTheIpPacket) {
  for (size_t size = 0; size < sizeof(TcpHeader); ++size) {
    EXPECT_EQ(parse_packet(other(client, web, 6).payload(size).padding(20)), DropReason::kFrameTooShort) << size;
  }
}

TEST_F(Parse, TcpDataOffsetImpossible) {
  for (const uint8_t words : {0, 1, 4, 7, 15}) {
    auto frame = tcp(client, web).syn().payload(4).padding(40).bytes();
    frame[kTransport + 12] = static_cast<uint8_t>(words << 4);
    EXPECT_EQ(parse_bytes(frame), DropReason::kTcpHeader) << int{words};
  }
  auto frame = tcp(client, web).syn().payload(4).bytes();
  frame[kTransport + 12] = 6 << 4;
  EXPECT_EQ(parse_bytes(frame), std::nullopt);
  EXPECT_EQ(packet_->payload_length(), 0);
}

TEST_F(Parse, TcpFlagsThatContradictEachOther) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    const bool syn = (flags & kTcpSyn) != 0;
    const bool fin = (flags & kTcpFin) != 0;
    const bool rst = (flags & kTcpRst) != 0;
    const bool ack = (flags & kTcpAck) != 0;
    const bool makes_sense = syn + fin + rst <= 1 && (syn || fin || rst || ack);
    EXPECT_EQ(parse_packet(tcp(client, web).flags(static_cast<uint8_t>(flags))),
              makes_sense ? std::nullopt : std::optional(DropReason::kTcpFlags))
        << flags;
  }
}

// ---- UDP ----

TEST_F(Parse, UdpDatagram) {
  ASSERT_EQ(parse_packet(udp(client, web).payload("query")), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kUdp);
  EXPECT_EQ(packet_->tuple, (FiveTuple{client.address, web.address, be16(client.port), be16(web.port), 17, 0, 0}));
  EXPECT_EQ(payload_of(*packet_), "query");
}

TEST_F(Parse, UdpHeaderCutByTheIpPacket) {
  for (size_t size = 0; size < 8; ++size) {
    EXPECT_EQ(parse_packet(other(client, web, 17).payload(size).padding(20)), DropReason::kFrameTooShort) << size;
  }
}

TEST_F(Parse, UdpLengthImpossible) {
  for (const uint8_t length : {0, 7, 14, 255}) {
    auto frame = udp(client, web).payload("query").padding(20).bytes();
    frame[kTransport + 5] = length;
    EXPECT_EQ(parse_bytes(frame), DropReason::kUdpHeader) << int{length};
  }
}

TEST_F(Parse, UdpBytesBehindTheDatagramStayInTheFrame) {
  ASSERT_EQ(parse_packet(udp(client, web).payload("query").behind(7)), std::nullopt);
  EXPECT_EQ(packet_->length, kTransport + 8 + 5 + 7);
  EXPECT_EQ(packet_->payload_offset, kTransport + 8);
  EXPECT_TRUE(transport_checksum_is_valid(*packet_));
}

// ---- ICMP ----

TEST_F(Parse, IcmpEchoIdentifierStandsAtTheEndThatAsked) {
  ASSERT_EQ(parse_packet(icmp_echo(client, web, 7)), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kIcmpQuery);
  EXPECT_EQ(packet_->tuple, (FiveTuple{client.address, web.address, be16(7), {}, 1, 0, 0}));
  const FiveTuple request = packet_->tuple;
  ASSERT_EQ(parse_packet(icmp_echo(web, client, 7).reply()), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kIcmpQuery);
  EXPECT_EQ(packet_->tuple, request.reversed());
}

TEST_F(Parse, IcmpErrorsQuoteAPacket) {
  for (const uint8_t type : {kIcmpUnreachable, kIcmpSourceQuench, kIcmpTimeExceeded, kIcmpParameterProblem}) {
    ASSERT_EQ(parse_packet(icmp_error(web, client, type, 0, udp(client, web))), std::nullopt);
    EXPECT_EQ(packet_->kind, PacketKind::kIcmpError);
    EXPECT_EQ(packet_->tuple, (FiveTuple{web.address, client.address, {}, {}, 1, 0, 0}));
  }
}

TEST_F(Parse, IcmpErrorsThatQuoteTooLittle) {
  const PacketBuilder quoted = udp(client, web).payload("12345678").ip_options(std::vector<uint8_t>(8, 1));
  for (size_t size = 0; size < 28; ++size) {
    EXPECT_EQ(parse_packet(icmp_error(web, client, kIcmpUnreachable, 3, quoted, size)), DropReason::kIcmpQuote) << size;
  }
  EXPECT_EQ(parse_packet(icmp_error(web, client, kIcmpUnreachable, 3, quoted, 28)), std::nullopt);
  EXPECT_EQ(parse_packet(icmp(web, client, kIcmpUnreachable, 3).payload(std::string(28, '\x65'))),
            DropReason::kIcmpQuote)
      << "of another version";
}

TEST_F(Parse, IcmpOther) {
  ASSERT_EQ(parse_packet(icmp(web, client, 13, 0).payload(28)), std::nullopt);
  EXPECT_EQ(packet_->kind, PacketKind::kIcmpOther);
  EXPECT_EQ(packet_->tuple, (FiveTuple{web.address, client.address, {}, {}, 1, 0, 0}));
  EXPECT_EQ(packet_->payload_length(), 28);
}

TEST_F(Parse, IcmpTooShort) {
  for (size_t size = 0; size < 8; ++size) {
    EXPECT_EQ(parse_packet(other(client, web, 1).payload(size).padding(20)), DropReason::kFrameTooShort) << size;
  }
}

// ---- transport checksums ----

TEST_F(Parse, TransportChecksum) {
  for (const size_t size : {0U, 1U, 2U, 3U, 1400U}) {
    for (const PacketBuilder& builder : {tcp(client, web).syn(), udp(client, web), icmp_echo(client, web, 7)}) {
      ASSERT_EQ(parse_packet(PacketBuilder(builder).payload(size)), std::nullopt);
      EXPECT_TRUE(transport_checksum_is_valid(*packet_));
      ASSERT_EQ(parse_packet(PacketBuilder(builder).payload(size).bad_checksum()), std::nullopt);
      EXPECT_FALSE(transport_checksum_is_valid(*packet_));
    }
  }
  ASSERT_EQ(parse_packet(udp(client, web).payload("query").no_checksum()), std::nullopt);
  EXPECT_TRUE(transport_checksum_is_valid(*packet_));
}

}  // namespace
}  // namespace lapse
