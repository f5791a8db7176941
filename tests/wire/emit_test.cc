#include "dataplane/wire/emit.h"

#include <tins/tins.h>

#include "gtest/gtest.h"

#include "dataplane/wire/arp.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/rewrite.h"
#include "dataplane/wire/tcp.h"
#include "tests/support/frames.h"
#include "tests/support/packets.h"

namespace lapse {
namespace {

using namespace test;

const Endpoint client = endpoint("10.0.1.10", 40000);
const Endpoint web = endpoint("203.0.113.80", 443);
const Ipv4Address router = ip("10.0.1.1");
constexpr MacAddress kRouterMac{{0x02, 0, 0, 0, 0, 0xfe}};
constexpr size_t kIp = sizeof(EthernetHeader);

class Emit : public testing::Test {
 protected:
  ~Emit() override {
    release(out_);
    for (Packet* packet : built_) {
      release(packet);
    }
  }

  Packet& build(const PacketBuilder& builder) { return *built_.emplace_back(builder.build(pool_)); }

  Tins::EthernetII decoded() const {
    const auto bytes = bytes_of(*out_);
    return Tins::EthernetII(bytes.data(), static_cast<uint32_t>(bytes.size()));
  }

  // An independent library, serialising what it decoded, comes to the same bytes: so lengths and checksums are right.
  // It pads short frames, which is the device's business here.
  void expect_same_from_libtins() const {
    auto serialised = decoded().serialize();
    ASSERT_GE(serialised.size(), out_->length);
    serialised.resize(out_->length);
    EXPECT_EQ(serialised, bytes_of(*out_)) << to_string(*out_);
  }

  MemoryPacketPool pool_{16};
  Packet* out_ = pool_.allocate();
  std::vector<Packet*> built_;
};

// ---- RST: aws-behaviour 2.3, one test a row ----

TEST_F(Emit, RstToDataHasItsAcknowledgementAsSequence) {
  write_rst(build(tcp(client, web).push().seq(1001).ack(5001).payload("GET /")), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().seq(5001).window(0).ttl(64).payload("")));
  EXPECT_EQ(acknowledgement_of(*out_), 0U);
  EXPECT_EQ(to_string(*out_), "203.0.113.80:443 > 10.0.1.10:40000 R 5001:5001(0) win 0");
  expect_same_from_libtins();
}

TEST_F(Emit, RstToAKeepaliveProbeIsOneTheSenderAccepts) {
  write_rst(build(tcp(client, web).seq(1000).ack(5001).payload(0)), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().seq(5001)));
}

TEST_F(Emit, RstToFinWithAck) {
  write_rst(build(tcp(client, web).fin().seq(1001).ack(5001)), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().seq(5001)));
}

TEST_F(Emit, RstToSynAck) {
  write_rst(build(tcp(web, client).syn().seq(5000).ack(1001)), *out_);
  EXPECT_THAT(*out_, is(tcp(client, web).rst().seq(1001)));
}

TEST_F(Emit, RstToSynAcknowledgesIt) {
  write_rst(build(tcp(client, web).syn().seq(1000)), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().ack(1001).seq(0).window(0)));
  expect_same_from_libtins();
}

TEST_F(Emit, RstToFinWithoutAckCountsDataAndFin) {
  write_rst(build(tcp(client, web).fin().seq(1000).payload(10)), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().ack(1011).seq(0)));
}

TEST_F(Emit, RstToSynAndFinCountsBoth) {
  // The parser refuses such a segment; whoever lets it in must still get the arithmetic of RFC 9293 section 3.4.
  Packet& late = build(tcp(client, web).syn().seq(1000).payload(10));
  late.header_at<TcpHeader>(late.l4_offset).flags |= kTcpFin;
  late.tcp_flags |= kTcpFin;
  write_rst(late, *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().ack(1012).seq(0)));
}

TEST_F(Emit, RstAcknowledgementWrapsAround) {
  write_rst(build(tcp(client, web).syn().seq(0xffffffff)), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().ack(0).seq(0)));
}

TEST_F(Emit, RstToASegmentWithOptionsOfBothLayers) {
  write_rst(build(tcp(client, web).seq(7).ack(8).payload(3).ip_options({1, 1, 1, 1}).timestamps(1, 2).ttl(1)), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().seq(8).ttl(64).payload("")));
  EXPECT_EQ(out_->length, 54);
}

TEST_F(Emit, RstLeavesTheEthernetAddressesToTheLink) {
  write_rst(build(tcp(client, web).ack(1)), *out_);
  EXPECT_THAT(*out_, is(tcp(web, client).rst().mac({}, {}).identification(0).dont_fragment().type_of_service(0)));
  EXPECT_GE(out_->headroom(), kHeadroom);
}

TEST_F(Emit, RstToRandomSegmentsDecodesInLibtins) {
  FrameGenerator frames(seed(9293));
  int rounds = 0;
  while (rounds < 2000) {
    Packet* late = frames.packet().build(pool_);
    if (late->kind == PacketKind::kTcp && (late->tcp_flags & kTcpRst) == 0) {
      write_rst(*late, *out_);
      expect_same_from_libtins();
      const Tins::EthernetII frame = decoded();
      const auto& rst = frame.rfind_pdu<Tins::TCP>();
      EXPECT_EQ(rst.flags(), (late->tcp_flags & kTcpAck) != 0 ? Tins::TCP::RST : Tins::TCP::RST | Tins::TCP::ACK);
      EXPECT_EQ(out_->tuple, late->tuple.reversed());
      release(out_);
      out_ = pool_.allocate();
      ++rounds;
    }
    release(late);
  }
}

// ---- ICMP time exceeded ----

TEST_F(Emit, TimeExceededQuotesASmallPacketWhole) {
  Packet& expired = build(udp(client, web).payload("query").ttl(1));
  const auto quoted = bytes_of(expired);
  write_time_exceeded(expired, router, *out_);
  EXPECT_THAT(*out_,
              is(icmp({router}, client, kIcmpTimeExceeded, 0)
                     .payload(std::string_view(reinterpret_cast<const char*>(quoted.data()) + kIp, quoted.size() - kIp))
                     .ttl(64)
                     .identification(0)
                     .dont_fragment()
                     .type_of_service(0xc0)));
  EXPECT_FALSE(may_be_answered_by_icmp(*out_));
  expect_same_from_libtins();
}

TEST_F(Emit, TimeExceededIsAtMost576Bytes) {
  write_time_exceeded(build(udp(client, web).payload(1400).ttl(1)), router, *out_);
  EXPECT_EQ(out_->length - kIp, 576U);
  EXPECT_THAT(*out_, is(icmp({router}, client, kIcmpTimeExceeded, 0)));
  // libtins takes what stands behind 128 quoted bytes for an extension (RFC 4884), so only its sum is asked for.
  const auto bytes = bytes_of(*out_);
  EXPECT_EQ(Tins::Utils::sum_range(bytes.data() + out_->l4_offset, bytes.data() + bytes.size()) % 0xffff, 0U);
}

TEST_F(Emit, TimeExceededQuotesTheLongestIpHeaderAndEightBytes) {
  Packet& expired = build(udp(client, web).payload(1400).ip_options(std::vector<uint8_t>(40, 1)).ttl(1));
  write_time_exceeded(expired, router, *out_);
  EXPECT_GE(out_->payload_length(), 60 + 8);
  EXPECT_THAT(*out_, is(icmp({router}, client, kIcmpTimeExceeded, 0)));
}

// RFC 1191 section 4.
TEST_F(Emit, FragmentationNeededTellsTheMtu) {
  const PacketBuilder too_big = udp(client, web).payload(300).dont_fragment();
  write_fragmentation_needed(build(too_big), 280, router, *out_);
  EXPECT_THAT(*out_, is(icmp_error({router}, client, kIcmpUnreachable, kIcmpFragmentationNeeded, too_big)
                            .next_mtu(280)
                            .ttl(64)
                            .dont_fragment()
                            .type_of_service(0xc0)));
  EXPECT_EQ(decoded().rfind_pdu<Tins::ICMP>().mtu(), 280);
}

TEST_F(Emit, WhatMayBeAnsweredByIcmp) {
  EXPECT_TRUE(may_be_answered_by_icmp(build(tcp(client, web).syn())));
  EXPECT_TRUE(may_be_answered_by_icmp(build(udp(client, web))));
  EXPECT_TRUE(may_be_answered_by_icmp(build(icmp_echo(client, web, 7))));
  EXPECT_TRUE(may_be_answered_by_icmp(build(icmp(client, web, kIcmpTimestampRequest, 0))));
}

TEST_F(Emit, WhatMayNotBeAnsweredByIcmp) {
  for (const uint8_t error : {3, 4, 5, 11, 12, 42}) {
    EXPECT_FALSE(may_be_answered_by_icmp(build(icmp_error(client, web, error, 0, udp(web, client))))) << int{error};
  }
  const auto parts = fragments(udp(client, web).payload(64), 32);
  EXPECT_TRUE(may_be_answered_by_icmp(build(parts[0])));
  EXPECT_FALSE(may_be_answered_by_icmp(build(parts[1]))) << "a later fragment";
  EXPECT_FALSE(may_be_answered_by_icmp(build(udp(client, web).mac(kSenderMac, kBroadcastMac))));
}

TEST_F(Emit, ArpIsNotAnsweredByIcmp) {
  EXPECT_FALSE(may_be_answered_by_icmp(build(arp_request(kSenderMac, client.address, router))));
}

// ---- ARP ----

TEST_F(Emit, ArpRequestIsBroadcast) {
  write_arp_request(kRouterMac, router, client.address, *out_);
  EXPECT_THAT(*out_, is(arp_request(kRouterMac, router, client.address).mac(kRouterMac, kBroadcastMac)));
  const Tins::EthernetII frame = decoded();
  const auto& arp = frame.rfind_pdu<Tins::ARP>();
  EXPECT_EQ(arp.opcode(), Tins::ARP::REQUEST);
  EXPECT_EQ(arp.sender_hw_addr().to_string(), to_string(kRouterMac));
  EXPECT_EQ(arp.sender_ip_addr().to_string(), "10.0.1.1");
  EXPECT_EQ(arp.target_ip_addr().to_string(), "10.0.1.10");
  EXPECT_EQ(out_->length, 42);
}

TEST_F(Emit, ArpReplyGoesToWhoAsked) {
  write_arp_reply(build(arp_request(kSenderMac, client.address, router)), kRouterMac, *out_);
  EXPECT_THAT(*out_, is(arp_reply(kRouterMac, router, kSenderMac, client.address).mac(kRouterMac, kSenderMac)));
  EXPECT_EQ(to_string(*out_), "arp reply 10.0.1.1 is-at 02:00:00:00:00:fe");
}

}  // namespace
}  // namespace lapse
