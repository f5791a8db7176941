#include "dataplane/wire/rewrite.h"

#include <tins/tins.h>

#include "gtest/gtest.h"

#include "dataplane/wire/icmp.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/udp.h"
#include "tests/support/packets.h"
#include "tests/support/random.h"

namespace lapse {
namespace {

using namespace test;

const Endpoint client = endpoint("10.0.1.10", 40000);
const Endpoint web = endpoint("203.0.113.80", 443);
const Endpoint eip = endpoint("198.51.100.1", 1024);

// What both libraries are told about a packet; only libtins turns it into bytes.
struct Spec {
  uint8_t protocol;
  bool is_reply;  // ICMP
  Endpoint source;
  Endpoint destination;
  uint16_t identifier;
  uint8_t ttl;
  uint32_t number;
  size_t ip_option_words;
  std::vector<uint8_t> payload;
};

Tins::IPv4Address tins(Ipv4Address address) {
  return Tins::IPv4Address(to_string(address));
}

std::vector<uint8_t> padded(const Spec& spec) {
  Tins::EthernetII frame(Tins::HWAddress<6>("02:00:00:00:00:02"), Tins::HWAddress<6>("02:00:00:00:00:01"));
  Tins::IP ip(tins(spec.destination.address), tins(spec.source.address));
  ip.ttl(spec.ttl);
  ip.id(static_cast<uint16_t>(spec.number));
  for (size_t i = 0; i < 4 * spec.ip_option_words; ++i) {
    ip.noop();
  }
  if (spec.protocol == 6) {
    Tins::TCP tcp(spec.destination.port, spec.source.port);
    tcp.flags(Tins::TCP::PSH | Tins::TCP::ACK);
    tcp.seq(spec.number);
    tcp.ack_seq(~spec.number);
    if (spec.number % 3 == 0) {
      tcp.timestamp(spec.number, 1);
    }
    return (frame / ip / tcp / Tins::RawPDU(spec.payload)).serialize();
  }
  if (spec.protocol == 17) {
    return (frame / ip / Tins::UDP(spec.destination.port, spec.source.port) / Tins::RawPDU(spec.payload)).serialize();
  }
  Tins::ICMP icmp(spec.is_reply ? Tins::ICMP::ECHO_REPLY : Tins::ICMP::ECHO_REQUEST);
  icmp.id(spec.identifier);
  icmp.sequence(static_cast<uint16_t>(spec.number));
  return (frame / ip / icmp / Tins::RawPDU(spec.payload)).serialize();
}

// The frame as parse() leaves it: libtins pads short ones.
std::vector<uint8_t> serialised(const Spec& spec) {
  auto frame = padded(spec);
  frame.resize(size_t{14} + static_cast<size_t>(frame[16] << 8 | frame[17]));
  return frame;
}

Spec random_spec(Random& random) {
  static constexpr uint8_t kProtocols[] = {1, 6, 17};
  const auto end = [&random] {
    return Endpoint{be32(0x0a000000U | static_cast<uint32_t>(random.below(1 << 24))), random.any<uint16_t>()};
  };
  Spec spec{.protocol = random.pick(kProtocols),
            .is_reply = random.one_in(2),
            .source = end(),
            .destination = end(),
            .identifier = random.any<uint16_t>(),
            .ttl = static_cast<uint8_t>(2 + random.below(254)),
            .number = random.any<uint32_t>(),
            .ip_option_words = random.one_in(4) ? random.below(4) : 0,
            .payload = std::vector<uint8_t>(random.below(100))};
  for (uint8_t& byte : spec.payload) {
    byte = random.one_in(3) ? 0xff : random.any<uint8_t>();
  }
  return spec;
}

class Rewrite : public testing::Test {
 protected:
  Packet* parsed(std::span<const uint8_t> bytes) {
    Packet* packet = raw_frame(pool_, bytes);
    EXPECT_EQ(parse(*packet), std::nullopt);
    return packet;
  }

  MemoryPacketPool pool_{2};
};

TEST_F(Rewrite, SourceEqualsWhatLibtinsMakesOfTheNewAddresses) {
  Random random(seed(3022));
  for (int round = 0; round < 20000; ++round) {
    Spec spec = random_spec(random);
    spec.is_reply = false;
    Packet* packet = parsed(serialised(spec));
    const Spec other = random_spec(random);
    spec.source = other.source;
    spec.identifier = other.identifier;
    const uint16_t port = spec.protocol == 1 ? other.identifier : other.source.port;
    rewrite_source(*packet, other.source.address, be16(port));
    ASSERT_EQ(bytes_of(*packet), serialised(spec)) << to_string(*packet);
    const FiveTuple rewritten = packet->tuple;
    ASSERT_EQ(parse(*packet), std::nullopt);
    ASSERT_EQ(packet->tuple, rewritten);
    release(packet);
  }
}

TEST_F(Rewrite, DestinationEqualsWhatLibtinsMakesOfTheNewAddresses) {
  Random random(seed(5508));
  for (int round = 0; round < 20000; ++round) {
    Spec spec = random_spec(random);
    spec.is_reply = true;
    Packet* packet = parsed(serialised(spec));
    const Spec other = random_spec(random);
    spec.destination = other.destination;
    spec.identifier = other.identifier;
    const uint16_t port = spec.protocol == 1 ? other.identifier : other.destination.port;
    rewrite_destination(*packet, other.destination.address, be16(port));
    ASSERT_EQ(bytes_of(*packet), serialised(spec)) << to_string(*packet);
    const FiveTuple rewritten = packet->tuple;
    ASSERT_EQ(parse(*packet), std::nullopt);
    ASSERT_EQ(packet->tuple, rewritten);
    release(packet);
  }
}

TEST_F(Rewrite, TtlEqualsWhatLibtinsMakesOfTheLowerOne) {
  Random random(seed(791));
  for (unsigned ttl = 2; ttl < 256; ++ttl) {
    for (int round = 0; round < 40; ++round) {
      Spec spec = random_spec(random);
      spec.ttl = static_cast<uint8_t>(ttl);
      Packet* packet = parsed(serialised(spec));
      lower_ttl(*packet);
      --spec.ttl;
      ASSERT_EQ(bytes_of(*packet), serialised(spec));
      release(packet);
    }
  }
}

TEST_F(Rewrite, ThereAndBackIsTheSameFrame) {
  Random random(seed(1));
  for (int round = 0; round < 5000; ++round) {
    const Spec spec = random_spec(random);
    const auto before = serialised(spec);
    Packet* packet = parsed(before);
    const FiveTuple tuple = packet->tuple;
    const bool is_reply = spec.protocol == 1 && spec.is_reply;
    (is_reply ? rewrite_destination : rewrite_source)(*packet, eip.address, be16(eip.port));
    (is_reply ? rewrite_destination : rewrite_source)(*packet, is_reply ? tuple.destination : tuple.source,
                                                      is_reply ? tuple.destination_port : tuple.source_port);
    ASSERT_EQ(bytes_of(*packet), before);
    ASSERT_EQ(packet->tuple, tuple);
    release(packet);
  }
}

TEST_F(Rewrite, AWrongChecksumStaysWrong) {
  for (const PacketBuilder& builder :
       {tcp(client, web).syn(), udp(client, web).payload("query"), icmp_echo(client, web, 7)}) {
    Packet* packet = PacketBuilder(builder).bad_checksum().build(pool_);
    rewrite_source(*packet, eip.address, be16(eip.port));
    EXPECT_FALSE(transport_checksum_is_valid(*packet)) << to_string(*packet);
    release(packet);
  }
}

TEST_F(Rewrite, UdpWithoutAChecksumStaysWithoutOne) {
  Packet* packet = udp(client, web).payload("query").no_checksum().build(pool_);
  rewrite_source(*packet, eip.address, be16(eip.port));
  EXPECT_THAT(*packet, is(udp(eip, web).payload("query").no_checksum()));
  rewrite_destination(*packet, client.address, be16(client.port));
  EXPECT_THAT(*packet, is(udp(eip, client).payload("query").no_checksum()));
  release(packet);
}

TEST_F(Rewrite, UdpChecksumNeverBecomesZero) {
  // Every source port once: one of them makes the sum come out as zero.
  Packet* packet = udp(client, web).payload("query").build(pool_);
  int all_ones = 0;
  for (uint32_t port = 0; port < 0x10000; ++port) {
    rewrite_source(*packet, eip.address, be16(static_cast<uint16_t>(port)));
    const Be16 checksum = packet->header_at<UdpHeader>(packet->l4_offset).checksum;
    ASSERT_NE(checksum.host(), 0);
    all_ones += checksum.host() == 0xffff ? 1 : 0;
    ASSERT_TRUE(transport_checksum_is_valid(*packet)) << port;
  }
  EXPECT_GE(all_ones, 1);
  release(packet);
}

TEST_F(Rewrite, TheEndThatWasAskedHasNoIdentifier) {
  Packet* request = icmp_echo(client, web, 7).build(pool_);
  rewrite_destination(*request, eip.address, {});
  EXPECT_THAT(*request, is(icmp_echo(client, eip, 7)));
  release(request);
  Packet* reply = icmp_echo(web, client, 7).reply().build(pool_);
  rewrite_source(*reply, eip.address, {});
  EXPECT_THAT(*reply, is(icmp_echo(eip, client, 7).reply()));
  release(reply);
}

TEST_F(Rewrite, ARecordRouteTakesOneAddressAfterTheOther) {
  Packet* packet = udp(client, web).ip_options({1, 1, 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0}).build(pool_);
  record_route(*packet, ip("10.0.0.1"));
  EXPECT_THAT(*packet, is(udp(client, web).ip_options({1, 1, 7, 11, 8, 10, 0, 0, 1, 0, 0, 0, 0})));
  record_route(*packet, ip("10.0.0.2"));
  const PacketBuilder full = udp(client, web).ip_options({1, 1, 7, 11, 12, 10, 0, 0, 1, 10, 0, 0, 2});
  EXPECT_THAT(*packet, is(full));
  record_route(*packet, ip("10.0.0.3"));
  EXPECT_THAT(*packet, is(full));
  release(packet);
}

TEST_F(Rewrite, NoOtherOptionIsWrittenTo) {
  for (const std::vector<uint8_t>& options :
       {std::vector<uint8_t>{148, 4, 0, 0}, {1, 1, 1, 1}, {148, 4, 7, 7}, {0, 7, 7, 4, 0, 0, 0, 0}}) {
    Packet* packet = udp(client, web).ip_options(options).build(pool_);
    record_route(*packet, ip("10.0.0.1"));
    EXPECT_THAT(*packet, is(udp(client, web).ip_options(options)));
    release(packet);
  }
}

TEST_F(Rewrite, PayloadOptionsAndFlagsAreUntouched) {
  Packet* packet = tcp(client, web).syn().seq(1000).mss(1460).sack_permitted().wscale(7).window(64240).build(pool_);
  rewrite_source(*packet, eip.address, be16(eip.port));
  lower_ttl(*packet);
  EXPECT_THAT(*packet,
              is(tcp(eip, web).syn().seq(1000).mss(1460).sack_permitted().wscale(7).window(64240).payload("").ttl(63)));
  release(packet);
}

}  // namespace
}  // namespace lapse
