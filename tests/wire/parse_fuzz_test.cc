#include <algorithm>
#include <array>
#include <memory>

#include "gtest/gtest.h"

#include "dataplane/wire/emit.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/icmp_quote.h"
#include "dataplane/wire/notation.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/rewrite.h"
#include "dataplane/wire/tcp.h"
#include "tests/support/frames.h"
#include "tests/support/packets.h"

namespace lapse {
namespace {

using namespace test;

// A packet whose buffer ends with the frame, so that a sanitizer sees the first byte that is read behind it.
class ExactPacket {
 public:
  explicit ExactPacket(const std::vector<uint8_t>& bytes) : room_(new uint8_t[kHeadroom + bytes.size()]) {
    packet.data = room_.get() + kHeadroom;
    packet.room = room_.get();
    packet.room_size = static_cast<uint32_t>(kHeadroom + bytes.size());
    packet.length = static_cast<uint16_t>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), packet.data);
  }

  Packet packet;

 private:
  std::unique_ptr<uint8_t[]> room_;
};

void expect_offsets_in_order(const Packet& packet, size_t size) {
  ASSERT_LE(packet.length, size);
  ASSERT_LE(packet.l3_offset, packet.l4_offset);
  ASSERT_LE(packet.l4_offset, packet.payload_offset);
  ASSERT_LE(packet.payload_offset, packet.length);
}

// Everything that the data plane may do to a packet that parse() has let in.
void use(Packet& packet, MemoryPacketPool& pool) {
  const bool right = transport_checksum_is_valid(packet);
  const auto text = parse_packet_text(to_string(packet));
  ASSERT_TRUE(text) << to_string(packet);
  Packet* answer = pool.allocate();
  if (packet.kind == PacketKind::kTcp && (packet.tcp_flags & kTcpRst) == 0) {
    write_rst(packet, *answer);
    ASSERT_TRUE(transport_checksum_is_valid(*answer));
  } else if (may_be_answered_by_icmp(packet)) {
    write_time_exceeded(packet, ip("10.0.1.1"), *answer);
    ASSERT_TRUE(transport_checksum_is_valid(*answer));
  }
  release(answer);
  if (packet.kind == PacketKind::kTcp || packet.kind == PacketKind::kUdp) {
    rewrite_source(packet, ip("198.51.100.1"), be16(1024));
    rewrite_destination(packet, ip("198.51.100.2"), be16(1025));
  } else if (packet.kind == PacketKind::kIcmpQuery) {
    const bool is_request = packet.header_at<IcmpHeader>(packet.l4_offset).type == kIcmpEchoRequest;
    (is_request ? rewrite_source : rewrite_destination)(packet, ip("198.51.100.1"), be16(1024));
  } else if (packet.kind == PacketKind::kFragment) {
    rewrite_source(packet, ip("198.51.100.1"), {});
  } else if (packet.kind == PacketKind::kIcmpError) {
    tuple_of_quoted_flow(packet);  // is asked for before anybody knows whether it is sound
    if (!quote_is_sound(packet)) {
      return;
    }
    rewrite_error_source(packet, ip("198.51.100.1"), be16(1024));
    ASSERT_TRUE(quote_is_sound(packet));
    rewrite_error_destination(packet, ip("198.51.100.2"), be16(1025));
    ASSERT_TRUE(quote_is_sound(packet));
  }
  ASSERT_EQ(transport_checksum_is_valid(packet), right) << to_string(packet);
  const FiveTuple tuple = packet.tuple;
  ASSERT_EQ(parse(packet), std::nullopt);
  ASSERT_EQ(packet.tuple, tuple);
}

TEST(ParseFuzz, MutatedFramesNeverLeadOutOfTheBuffer) {
  FrameGenerator frames(seed(20261));
  MemoryPacketPool pool(1);
  std::array<int, kDropReasonCount> refused{};
  std::array<int, 9> accepted{};
  for (int round = 0; round < 200000; ++round) {
    const auto bytes = frames.frame();
    ExactPacket exact(bytes);
    if (const auto reason = parse(exact.packet)) {
      ++refused[static_cast<size_t>(*reason)];
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), exact.packet.data)) << "parse() wrote to the frame";
      continue;
    }
    ++accepted[static_cast<size_t>(exact.packet.kind)];
    ASSERT_NO_FATAL_FAILURE(expect_offsets_in_order(exact.packet, bytes.size()));
    ASSERT_NO_FATAL_FAILURE(use(exact.packet, pool));
  }
  // Had the damage never reached a layer, the fuzzing would prove nothing about it.
  for (const DropReason reason :
       {DropReason::kFrameTooShort, DropReason::kEtherType, DropReason::kIpv6, DropReason::kArpMalformed,
        DropReason::kIpv4Header, DropReason::kIpv4Checksum, DropReason::kIpv4Address, DropReason::kFragmentHeader,
        DropReason::kTcpHeader, DropReason::kTcpFlags, DropReason::kUdpHeader}) {
    EXPECT_GT(refused[static_cast<size_t>(reason)], 100) << code(reason);
  }
  for (const PacketKind kind :
       {PacketKind::kArp, PacketKind::kTcp, PacketKind::kUdp, PacketKind::kIcmpQuery, PacketKind::kIcmpError,
        PacketKind::kIcmpOther, PacketKind::kFragment, PacketKind::kOtherIpv4}) {
    EXPECT_GT(accepted[static_cast<size_t>(kind)], 1000) << static_cast<int>(kind);
  }
}

TEST(ParseFuzz, PureNoise) {
  Random random(seed(4));
  for (int round = 0; round < 50000; ++round) {
    std::vector<uint8_t> bytes(random.below(200));
    for (uint8_t& byte : bytes) {
      byte = random.any<uint8_t>();
    }
    ExactPacket exact(bytes);
    parse(exact.packet);
    ASSERT_LE(exact.packet.length, bytes.size());
  }
}

}  // namespace
}  // namespace lapse
