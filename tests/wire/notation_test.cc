#include "dataplane/wire/notation.h"

#include "gtest/gtest.h"

#include "dataplane/wire/parse.h"
#include "tests/support/frames.h"
#include "tests/support/packets.h"

namespace lapse {
namespace {

using namespace test;

const Endpoint client = endpoint("10.0.1.10", 40000);
const Endpoint web = endpoint("203.0.113.80", 443);

constexpr const char* kTexts[] = {
    "10.0.1.10:40000 > 203.0.113.80:443 S 1000:1000(0) win 65535",
    "10.0.1.10:40000 > 203.0.113.80:443 S 1000:1000(0) win 64240 <mss 1460,nop,nop,sackOK,nop,wscale 7>",
    "203.0.113.80:443 > 10.0.1.10:40000 S. 5000:5000(0) ack 1001 win 65535",
    "10.0.1.10:40000 > 203.0.113.80:443 . 1001:1001(0) ack 5001 win 65535",
    "10.0.1.10:40000 > 203.0.113.80:443 P. 1001:1006(5) ack 5001 win 65535 <nop,nop,TS val 1 ecr 4294967295>",
    "10.0.1.10:40000 > 203.0.113.80:443 F. 4294967295:4(5) ack 0 win 1",
    "10.0.1.10:40000 > 203.0.113.80:443 R 5001:5001(0) win 0",
    "10.0.1.10:40000 > 203.0.113.80:443 R. 0:0(0) ack 1001 win 0",
    "10.0.1.10:40000 > 203.0.113.80:443 .UEW 1:1(0) ack 2 win 3",
    "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) win 3 <raw fd0401ff,raw 05ff0000>",
    "udp 10.0.1.10:40000 > 203.0.113.53:53 (29)",
    "icmp 10.0.1.10 > 203.0.113.80 echo request id 7 seq 1 (56)",
    "icmp 203.0.113.80 > 10.0.1.10 echo reply id 7 seq 1 (56)",
    "icmp 10.0.1.10 > 203.0.113.80 echo request id 0 seq 0 (0)",
    "icmp 10.0.1.1 > 10.0.1.10 type 13 code 0 (12)",
    "arp who-has 10.0.1.1 tell 10.0.1.10",
    "arp reply 10.0.1.1 is-at 02:00:00:00:00:01",
    "ip 10.0.1.10 > 203.0.113.80 protocol 47 (20)",
    "ip 10.0.1.10 > 203.0.113.80 protocol 17 (1480) frag 4660@1480+",
    "ip 10.0.1.10 > 203.0.113.80 protocol 6 (17) frag 65535@2960",
    "udp 10.0.1.10:40000 > 203.0.113.53:53 (24) frag 0@0+",
};

TEST(Notation, TextToPacketToText) {
  MemoryPacketPool pool(1);
  for (const char* text : kTexts) {
    Packet* built = packet(text).build(pool);
    EXPECT_EQ(to_string(*built), text);
    EXPECT_THAT(*built, is(packet(text)));
    release(built);
  }
}

TEST(Notation, IcmpErrorsAreNamedByTypeAndCode) {
  MemoryPacketPool pool(1);
  const PacketBuilder error = icmp_error({client.address}, web, 11, 0, udp(web, client));
  Packet* built = error.build(pool);
  EXPECT_EQ(to_string(*built), "icmp 10.0.1.10 > 203.0.113.80 type 11 code 0 (28)");
  release(built);
}

TEST(Notation, PacketToTextToPacket) {
  MemoryPacketPool pool(1);
  FrameGenerator frames(seed(15));
  for (int round = 0; round < 20000; ++round) {
    Packet* built = frames.packet().build(pool);
    const auto text = parse_packet_text(to_string(*built));
    ASSERT_TRUE(text) << to_string(*built);
    ASSERT_EQ(*text, describe(*built)) << to_string(*built);
    release(built);
  }
}

TEST(Notation, WhatMayBeLeftOutIs) {
  const auto segment = parse_packet_text("10.0.1.10:40000 > 203.0.113.80:443 . 1001:1001(0) ack 5001");
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->window, std::nullopt);
  const auto echo = parse_packet_text("icmp 10.0.1.10 > 203.0.113.80 echo request id 7 seq 1");
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->payload_length, std::nullopt);
}

TEST(Notation, RefusesAnythingElse) {
  for (const char* text : {"",
                           "hello",
                           "10.0.1.10:40000 > 203.0.113.80:443",
                           "10.0.1.10 > 203.0.113.80 S 1:1(0)",
                           "10.0.1.10:40000 > 203.0.113.80:443 X 1:1(0)",
                           "10.0.1.10:40000 > 203.0.113.80:443 .S 1:1(0) ack 1",
                           "10.0.1.10:40000 > 203.0.113.80:443 . 1:1(0)",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:2(0)",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) ack 5",
                           "10.0.1.10:70000 > 203.0.113.80:443 S 1:1(0)",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) win 65536",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) <mss>",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) <mss 1460",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) more",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) <raw f>",
                           "10.0.1.10:40000 > 203.0.113.80:443 S 1:1(0) <raw zz>",
                           "udp 10.0.1.10:1 > 203.0.113.53:53",
                           "udp 10.0.1.10:1 > 203.0.113.53:53 (-1)",
                           "icmp 10.0.1.10 > 203.0.113.80 id 7",
                           "arp who-has 10.0.1.1",
                           "arp reply 10.0.1.1 is-at 02",
                           "ip 10.0.1.10 > 203.0.113.80 protocol 256 (1)"}) {
    EXPECT_EQ(parse_packet_text(text), std::nullopt) << text;
  }
}

TEST(Notation, Tuples) {
  const FiveTuple tuple{client.address, web.address, be16(client.port), be16(web.port), 6, 0, 0};
  EXPECT_EQ(to_string(tuple), "tcp 10.0.1.10:40000 > 203.0.113.80:443");
  FiveTuple udp_tuple = tuple;
  udp_tuple.protocol = 17;
  EXPECT_EQ(to_string(udp_tuple.reversed()), "udp 203.0.113.80:443 > 10.0.1.10:40000");
  const FiveTuple echo{client.address, web.address, be16(7), {}, 1, 0, 0};
  EXPECT_EQ(to_string(echo), "icmp 10.0.1.10 > 203.0.113.80 id 7");
  EXPECT_EQ(to_string(echo.reversed()), "icmp 203.0.113.80 > 10.0.1.10 id 7");
  const FiveTuple gre{client.address, web.address, {}, {}, 47, 0, 0};
  EXPECT_EQ(to_string(gre), "ip 10.0.1.10 > 203.0.113.80 protocol 47");
}

// ---- the test words themselves: a comparison that cannot fail proves nothing ----

class Matching : public testing::Test {
 protected:
  ~Matching() override { release(packet_); }
  void expect_difference(const PacketBuilder& expected, const std::string& difference) {
    const auto found = matches(expected, *packet_);
    ASSERT_TRUE(found) << difference;
    EXPECT_EQ(*found, difference);
  }

  MemoryPacketPool pool_{1};
  Packet* packet_ = tcp(client, web).push().seq(1000).ack(5001).window(7).payload("hello").build(pool_);
};

TEST_F(Matching, WhatIsNotSaidIsNotLookedAt) {
  EXPECT_EQ(matches(tcp(client, web), *packet_), std::nullopt);
  EXPECT_EQ(matches(tcp(client.any_port(), web.any_port()).seq(1000), *packet_), std::nullopt);
  EXPECT_EQ(matches(tcp(client, web).payload(5), *packet_), std::nullopt);
}

TEST_F(Matching, EachFieldThatDiffersIsNamed) {
  expect_difference(udp(client, web), "kind TCP instead of UDP");
  expect_difference(tcp(client, client.any_port()), "destination 203.0.113.80 instead of 10.0.1.10");
  expect_difference(tcp(client.with_port(1), web), "source port 40000 instead of 1");
  expect_difference(tcp(client, web).ack(5001), "flags P. instead of .");
  expect_difference(tcp(client, web).seq(1001), "sequence number 1000 instead of 1001");
  expect_difference(tcp(client, web).push().ack(1), "acknowledgement number 5001 instead of 1");
  expect_difference(tcp(client, web).window(8), "window 7 instead of 8");
  expect_difference(tcp(client, web).ttl(63), "TTL 64 instead of 63");
  expect_difference(tcp(client, web).payload("hallo"), "payload \"hello\" instead of \"hallo\"");
  expect_difference(tcp(client, web).payload(4), "payload size 5 instead of 4");
  expect_difference(tcp(client, web).mss(1), "TCP options  instead of 02040001");
  expect_difference(tcp(client, web).mac(kReceiverMac, kReceiverMac),
                    "source MAC 02:00:00:00:00:01 instead of 02:00:00:00:00:02");
  expect_difference(tcp(client, web).window(8).ttl(1), "TTL 64 instead of 1; window 7 instead of 8");
}

TEST_F(Matching, AWrongChecksumIsFoundWithoutBeingAskedFor) {
  packet_->data[packet_->length - 1] ^= 1;
  expect_difference(tcp(client, web), "transport checksum wrong instead of a right one");
  packet_->data[packet_->l3_offset + 8] ^= 1;
  expect_difference(tcp(client, web), "it does not parse: the IPv4 header checksum is wrong");
}

TEST_F(Matching, BookkeepingThatDoesNotFitTheFrameIsFound) {
  packet_->tuple.source_port = be16(1);
  expect_difference(tcp(client, web),
                    "tuple beside the frame tcp 10.0.1.10:1 > 203.0.113.80:443 instead of "
                    "tcp 10.0.1.10:40000 > 203.0.113.80:443");
}

TEST_F(Matching, FailuresSpeakTheNotation) {
  testing::StringMatchResultListener listener;
  EXPECT_FALSE(is(tcp(client, web).seq(1)).MatchAndExplain(packet_, &listener));
  EXPECT_EQ(listener.str(),
            "10.0.1.10:40000 > 203.0.113.80:443 P. 1000:1005(5) ack 5001 win 7: sequence number 1000 instead of 1");
  EXPECT_FALSE(is(tcp(client, web)).MatchAndExplain(static_cast<const Packet*>(nullptr), &listener));
}

}  // namespace
}  // namespace lapse
