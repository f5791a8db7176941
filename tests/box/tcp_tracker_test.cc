#include "dataplane/box/tcp_tracker.h"

#include "gtest/gtest.h"

#include "dataplane/wire/tcp.h"
#include "tests/support/packets.h"

namespace lapse::test {
namespace {

constexpr size_t kOriginal = static_cast<size_t>(Direction::kOriginal);
constexpr size_t kReply = static_cast<size_t>(Direction::kReply);
const Endpoint client = endpoint("10.0.1.10", 40000);
const Endpoint web = endpoint("203.0.113.80", 443);

class TcpTracker : public testing::Test {
 protected:
  static TcpSegment segment(const PacketBuilder& builder) {
    MemoryPacketPool pool(1);
    Packet* packet = builder.build(pool);
    const TcpSegment read = read_segment(*packet);
    release(packet);
    return read;
  }
  void sent(const PacketBuilder& builder) { track(record, Direction::kOriginal, state, segment(builder)); }
  void answered(const PacketBuilder& builder) { track(record, Direction::kReply, state, segment(builder)); }
  // SYN 1000 with window 64,000, SYN+ACK 5000 with window 32,000.
  void shake_hands(std::optional<uint8_t> client_scale, std::optional<uint8_t> server_scale) {
    PacketBuilder syn = tcp(client, web).syn().seq(1000).window(64000);
    PacketBuilder syn_ack = tcp(web, client).syn().seq(5000).ack(1001).window(32000);
    if (client_scale) {
      syn.wscale(*client_scale);
    }
    if (server_scale) {
      syn_ack.wscale(*server_scale);
    }
    start_tracking(record, segment(syn));
    answered(syn_ack);
    state = TcpState::kSynReceived;
    sent(tcp(client, web).seq(1001).ack(5001).window(1000));
    state = TcpState::kEstablished;
  }
  // The sequence numbers from 'expected' on that a RST of the server may have.
  uint32_t reset_window() const {
    const uint32_t expected = record.last_ack[kOriginal].load();
    uint32_t size = 0;
    while (may_change_state(record, Direction::kReply, state, {.sequence = expected + size, .flags = kTcpRst})) {
      ++size;
    }
    return size - 1;
  }

  FlowRecord record{};
  TcpState state = TcpState::kSynSent;
};

TEST_F(TcpTracker, ReadsLengthWithSynAndFin) {
  EXPECT_EQ(segment(tcp(client, web).syn().seq(7)).length, 1u);
  EXPECT_EQ(segment(tcp(client, web).seq(7).ack(1).payload(10)).length, 10u);
  EXPECT_EQ(segment(tcp(client, web).fin().seq(7).ack(1).payload(10)).end(), 18u);
}

TEST_F(TcpTracker, FindsTheWindowScaleBehindOtherOptions) {
  EXPECT_EQ(segment(tcp(client, web).syn()).scale, std::nullopt);
  EXPECT_EQ(segment(tcp(client, web).syn().mss(1460).sack_permitted().timestamps(1, 0).wscale(7)).scale, 7);
  EXPECT_EQ(segment(tcp(client, web).syn().wscale(200)).scale, 14) << "RFC 7323 section 2.3";
}

TEST_F(TcpTracker, OptionsThatEndTooSoonAreNoScale) {
  EXPECT_EQ(segment(tcp(client, web).syn().tcp_options({1, 1, 1, 3})).scale, std::nullopt);
  EXPECT_EQ(segment(tcp(client, web).syn().tcp_options({1, 1, 3, 3})).scale, std::nullopt);
  EXPECT_EQ(segment(tcp(client, web).syn().tcp_options({3, 0, 7, 0})).scale, std::nullopt);
  EXPECT_EQ(segment(tcp(client, web).syn().tcp_options({0, 3, 3, 7})).scale, std::nullopt);
}

TEST_F(TcpTracker, FollowsBothDirections) {
  shake_hands(std::nullopt, std::nullopt);
  sent(tcp(client, web).seq(1001).ack(5001).payload(100));
  answered(tcp(web, client).seq(5001).ack(1101).payload(200));
  EXPECT_EQ(record.highest_end[kOriginal].load(), 1101u);
  EXPECT_EQ(record.highest_end[kReply].load(), 5201u);
  EXPECT_EQ(record.last_ack[kReply].load(), 1101u);
  EXPECT_EQ(record.last_ack[kOriginal].load(), 5001u);
}

TEST_F(TcpTracker, RetransmissionsMoveNothingBack) {
  shake_hands(std::nullopt, std::nullopt);
  sent(tcp(client, web).seq(1001).ack(5001).payload(100));
  answered(tcp(web, client).seq(5001).ack(1101));
  sent(tcp(client, web).seq(1001).ack(5001).payload(50));
  answered(tcp(web, client).seq(5001).ack(1001));
  EXPECT_EQ(record.highest_end[kOriginal].load(), 1101u);
  EXPECT_EQ(record.last_ack[kReply].load(), 1101u);
}

TEST_F(TcpTracker, WindowIsUnscaledWithoutOptions) {
  shake_hands(std::nullopt, std::nullopt);
  EXPECT_EQ(reset_window(), 1008u) << "1000, kept in units of 16";
}

TEST_F(TcpTracker, WindowIsScaledWhenBothEndsOfferIt) {
  shake_hands(7, 2);
  EXPECT_EQ(reset_window(), 1008u << 7);
}

TEST_F(TcpTracker, WindowIsNotScaledWhenOneEndDoesNotOfferIt) {
  shake_hands(7, std::nullopt);
  EXPECT_EQ(reset_window(), 1008u);
}

TEST_F(TcpTracker, ClosedWindowStillTakesWhatWasSent) {
  shake_hands(std::nullopt, std::nullopt);
  answered(tcp(web, client).seq(5001).ack(1001).payload(500));
  sent(tcp(client, web).seq(1001).ack(5001).window(0));
  EXPECT_EQ(reset_window(), 500u);
}

TEST_F(TcpTracker, WorksAcrossTheWrapOfSequenceNumbers) {
  start_tracking(record, segment(tcp(client, web).syn().seq(0xffffffff)));
  answered(tcp(web, client).syn().seq(0xfffffff0).ack(0));
  state = TcpState::kEstablished;
  sent(tcp(client, web).seq(0).ack(0xfffffff1).payload(10));
  answered(tcp(web, client).seq(0xfffffff1).ack(10).payload(100));
  sent(tcp(client, web).seq(10).ack(0x55));
  EXPECT_EQ(record.highest_end[kReply].load(), 0x55u);
  EXPECT_EQ(record.last_ack[kOriginal].load(), 0x55u);
  EXPECT_TRUE(may_change_state(record, Direction::kReply, state, {.sequence = 0x55, .flags = kTcpRst}));
  EXPECT_FALSE(may_change_state(record, Direction::kReply, state, {.sequence = 0xffffffff, .flags = kTcpRst}));
}

TEST_F(TcpTracker, SegmentsFarOutOfWindowTeachNothing) {
  shake_hands(std::nullopt, std::nullopt);
  answered(tcp(web, client).seq(5001 + 1000000).ack(1001 + 1000000).payload(10));
  EXPECT_EQ(record.highest_end[kReply].load(), 5001u);
  EXPECT_EQ(record.last_ack[kReply].load(), 1001u);
}

// Before any answer the opener's own RST is judged by its own SYN.
TEST_F(TcpTracker, OpenerMayAbortItsSyn) {
  start_tracking(record, segment(tcp(client, web).syn().seq(1000)));
  EXPECT_TRUE(may_change_state(record, Direction::kOriginal, state, {.sequence = 1001, .flags = kTcpRst}));
  EXPECT_FALSE(may_change_state(record, Direction::kOriginal, state, {.sequence = 2000, .flags = kTcpRst}));
}

}  // namespace
}  // namespace lapse::test
