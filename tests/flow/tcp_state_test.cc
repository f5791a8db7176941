#include "dataplane/flow/tcp_state.h"

#include "gtest/gtest.h"

namespace lapse {
namespace {

constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10;

// Every cell, written a second time and the other way round: a row a state, a column an event.
struct StateRow {
  TcpState from;
  std::array<TcpState, kTcpEventCount> to;
};
constexpr auto SS = TcpState::kSynSent, SR = TcpState::kSynReceived, ES = TcpState::kEstablished,
               OC = TcpState::kOpenerClosed, RC = TcpState::kResponderClosed, BC = TcpState::kBothClosed,
               RS = TcpState::kReset, again = TcpState::kReopen;
// clang-format off
constexpr StateRow kRows[] = {
    // opener:      SYN    SYN+ACK ACK FIN RST   responder: SYN SYN+ACK ACK FIN RST
    {SS, {          SS,    SS,     SS, SS, RS,              SR, SR,     SS, SS, RS}},
    {SR, {          SR,    ES,     ES, OC, RS,              SR, SR,     SR, RC, RS}},
    {ES, {          ES,    ES,     ES, OC, RS,              ES, ES,     ES, RC, RS}},
    {OC, {          OC,    OC,     OC, OC, RS,              OC, OC,     OC, BC, RS}},
    {RC, {          RC,    RC,     RC, BC, RS,              RC, RC,     RC, RC, RS}},
    {BC, {          again, BC,     BC, BC, RS,              BC, BC,     BC, BC, RS}},
    {RS, {          again, RS,     RS, RS, RS,              RS, RS,     RS, RS, RS}},
};
// clang-format on

TEST(TcpState, EveryCell) {
  ASSERT_EQ(std::size(kRows), kTcpStateCount);
  for (size_t state = 0; state < kTcpStateCount; ++state) {
    ASSERT_EQ(static_cast<size_t>(kRows[state].from), state);
    for (size_t event = 0; event < kTcpEventCount; ++event) {
      EXPECT_EQ(next(kRows[state].from, static_cast<TcpEvent>(event)), kRows[state].to[event])
          << name(kRows[state].from) << ", event " << event;
    }
  }
}

struct Segment {
  Direction direction;
  uint8_t flags;
  TcpState after;
};
constexpr auto kOpener = Direction::kOriginal;
constexpr auto kResponder = Direction::kReply;

void expect_trace(std::initializer_list<Segment> segments) {
  TcpState state = TcpState::kSynSent;
  size_t number = 0;
  for (const Segment& segment : segments) {
    state = next(state, tcp_event(segment.direction, segment.flags));
    EXPECT_EQ(state, segment.after) << "segment " << number << ": " << name(state);
    ++number;
  }
}

TEST(TcpState, HandshakeDataAndClose) {
  expect_trace({{kResponder, kSyn | kAck, SR},
                {kOpener, kAck, ES},
                {kOpener, kPsh | kAck, ES},
                {kResponder, kPsh | kAck, ES},
                {kOpener, kFin | kAck, OC},
                {kResponder, kAck, OC},
                {kResponder, kFin | kAck, BC},
                {kOpener, kAck, BC}});
}

TEST(TcpState, ResponderClosesFirst) {
  expect_trace({{kResponder, kSyn | kAck, SR},
                {kOpener, kAck, ES},
                {kResponder, kFin | kAck, RC},
                {kOpener, kAck, RC},
                {kOpener, kFin | kAck, BC}});
}

TEST(TcpState, SimultaneousOpen) {
  expect_trace({{kResponder, kSyn, SR}, {kOpener, kSyn | kAck, ES}, {kResponder, kSyn | kAck, ES}});
  expect_trace({{kResponder, kSyn, SR}, {kResponder, kSyn | kAck, SR}, {kOpener, kSyn | kAck, ES}});
}

TEST(TcpState, LostHandshakeSegmentsAreRepeated) {
  expect_trace({{kOpener, kSyn, SS},
                {kResponder, kSyn | kAck, SR},
                {kOpener, kSyn, SR},
                {kResponder, kSyn | kAck, SR},
                {kOpener, kAck, ES}});
}

TEST(TcpState, ASynFromAnybodyDoesNotRestartALivingConnection) {
  expect_trace({{kResponder, kSyn | kAck, SR}, {kOpener, kAck, ES}, {kOpener, kSyn, ES}, {kResponder, kSyn, ES}});
}

TEST(TcpState, AnAnswerWithoutSynEstablishesNothing) {
  expect_trace({{kResponder, kAck, SS}, {kOpener, kAck, SS}, {kResponder, kFin | kAck, SS}});
}

TEST(TcpState, RefusedAndReopened) {
  expect_trace({{kResponder, kRst | kAck, RS}, {kOpener, kSyn, again}});
  expect_trace({{kResponder, kSyn | kAck, SR},
                {kOpener, kAck, ES},
                {kOpener, kFin | kAck, OC},
                {kResponder, kFin | kAck, BC},
                {kResponder, kSyn, BC},
                {kOpener, kSyn, again}});
}

TEST(TcpState, EventOfFlags) {
  // RST outweighs SYN, SYN outweighs FIN; a segment without flags counts as an acknowledgement.
  EXPECT_EQ(tcp_event(kOpener, kRst | kSyn | kAck), TcpEvent::kOpenerRst);
  EXPECT_EQ(tcp_event(kOpener, kSyn | kFin), TcpEvent::kOpenerSyn);
  EXPECT_EQ(tcp_event(kResponder, kSyn | kAck | kFin), TcpEvent::kResponderSynAck);
  EXPECT_EQ(tcp_event(kResponder, kFin | kPsh | kAck), TcpEvent::kResponderFin);
  EXPECT_EQ(tcp_event(kResponder, 0), TcpEvent::kResponderAck);
}

TEST(TcpState, TimeoutClassOfEachState) {
  EXPECT_EQ(timeout_class(SS), TimeoutClass::kTcpSyn);
  EXPECT_EQ(timeout_class(SR), TimeoutClass::kTcpSyn);
  EXPECT_EQ(timeout_class(ES), TimeoutClass::kTcpEstablished);
  EXPECT_EQ(timeout_class(OC), TimeoutClass::kTcpClosing);
  EXPECT_EQ(timeout_class(RC), TimeoutClass::kTcpClosing);
  EXPECT_EQ(timeout_class(BC), TimeoutClass::kTcpClosed);
  EXPECT_EQ(timeout_class(RS), TimeoutClass::kTcpClosed);
}

TEST(TcpState, DiagramShowsEveryChangeOnce) {
  EXPECT_EQ(tcp_state_diagram(),
            "stateDiagram-v2\n"
            "  [*] --> syn_sent: opener SYN\n"
            "  syn_sent --> syn_received: responder SYN, responder SYN+ACK\n"
            "  syn_sent --> reset: opener RST, responder RST\n"
            "  syn_received --> established: opener SYN+ACK, opener ACK\n"
            "  syn_received --> opener_closed: opener FIN\n"
            "  syn_received --> responder_closed: responder FIN\n"
            "  syn_received --> reset: opener RST, responder RST\n"
            "  established --> opener_closed: opener FIN\n"
            "  established --> responder_closed: responder FIN\n"
            "  established --> reset: opener RST, responder RST\n"
            "  opener_closed --> both_closed: responder FIN\n"
            "  opener_closed --> reset: opener RST, responder RST\n"
            "  responder_closed --> both_closed: opener FIN\n"
            "  responder_closed --> reset: opener RST, responder RST\n"
            "  both_closed --> reset: opener RST, responder RST\n"
            "  both_closed --> syn_sent: opener SYN (a new connection)\n"
            "  reset --> syn_sent: opener SYN (a new connection)\n");
}

}  // namespace
}  // namespace lapse
