// What a box's account of a run has to say: the provider's sums, and the course of its flows.
#include "control/report/ledger.h"

#include "gtest/gtest.h"

#include "tests/report/played.h"

namespace lapse::report {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

uint64_t in_minute(const BoxLedger& box, uint64_t minute, std::string_view metric) {
  return metrics::find("nat-gateway", metric)->of(box.minutes.at(minute));
}

uint64_t sum(const BoxLedger& box, std::string_view metric) {
  uint64_t all = 0;
  for (const auto& [minute, totals] : box.minutes) {
    all += in_minute(box, minute, metric);
  }
  return all;
}

BoxLedger only_box(const ReportedRun& run) {
  return run.record->ledger().boxes().at(0);
}

TEST(Ledger, AFlowThatTheBoxForgotCountsAsAnIdleTimeout) {
  const BoxLedger box = only_box(played("S0.1"));
  EXPECT_EQ(sum(box, "ConnectionAttemptCount"), 1);
  EXPECT_EQ(sum(box, "ConnectionEstablishedCount"), 1);
  EXPECT_EQ(sum(box, "IdleTimeoutCount"), 1);
  // 350 s is in the sixth minute.
  EXPECT_EQ(in_minute(box, 5, "IdleTimeoutCount"), 1);
  ASSERT_EQ(box.flows.size(), 1);
  EXPECT_TRUE(box.flows[0].forgotten());
  EXPECT_EQ(box.flows[0].expired, Instant(seconds(350)));
  EXPECT_EQ(box.flows[0].timeout_ms, 350'000);
}

// aws-behaviour 9.1: late inbound packets raise what comes in from the destination, and nothing goes out to the source.
TEST(Ledger, ALateAnswerComesInAndDoesNotGoOut) {
  const BoxLedger box = only_box(played("S0.1"));
  const uint64_t dropped = sum(box, "PacketsDropCount");
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(sum(box, "PacketsInFromDestination"), sum(box, "PacketsOutToSource") + dropped);
  EXPECT_EQ(sum(box, "PacketsInFromSource"), sum(box, "PacketsOutToDestination"));
}

TEST(Ledger, AConnectionThatCloses) {
  const ReportedRun run = played("S0.2");
  const BoxLedger box = only_box(run);
  EXPECT_EQ(sum(box, "IdleTimeoutCount"), 0);
  EXPECT_GT(sum(box, "BytesInFromSource"), 120);
}

TEST(Ledger, StepsRiseWithAFlowAndFallWhenItIsOver) {
  const std::vector<FlowStep> steps = only_box(played("S0.1")).steps();
  ASSERT_EQ(steps.size(), 2);
  EXPECT_EQ(steps[0].time, Instant());
  EXPECT_EQ(steps[0].flows, 1);
  EXPECT_EQ(steps[1].time, Instant(seconds(350)));
  EXPECT_EQ(steps[1].flows, 0);
}

TEST(Ledger, MinutesAreThoseOfVirtualTime) {
  story::Stage stage;
  Ledger ledger(stage.directory);
  Event event =
      stage.packet(stage.original, {.flags = kTcpSyn, .sequence = 1}, story::kPrivate, kNoInterface, story::kNatInside);
  event.frame_length = 74;
  for (const auto time : {milliseconds(0), milliseconds(59'999), milliseconds(60'000)}) {
    event.time = Instant(time);
    ledger.add(event);
  }
  const BoxLedger box = ledger.boxes().at(0);
  ASSERT_EQ(box.minutes.size(), 2);
  EXPECT_EQ(in_minute(box, 0, "PacketsInFromSource"), 2);
  EXPECT_EQ(in_minute(box, 0, "BytesInFromSource"), 120) << "without Ethernet";
  EXPECT_EQ(in_minute(box, 1, "PacketsInFromSource"), 1);
}

TEST(Ledger, ARefusalForWantOfPortsIsAnError) {
  story::Stage stage;
  Ledger ledger(stage.directory);
  Event event;
  event.kind = EventKind::kRejected;
  event.reason = DropReason::kPortsExhausted;
  event.box = story::kNat;
  event.tuple = stage.original;
  ledger.add(event);
  event.kind = EventKind::kPacketDropped;
  ledger.add(event);
  EXPECT_EQ(sum(ledger.boxes().at(0), "ErrorPortAllocation"), 1);
  EXPECT_EQ(sum(ledger.boxes().at(0), "PacketsDropCount"), 1);
  EXPECT_EQ(sum(ledger.boxes().at(0), "ConnectionAttemptCount"), 0) << "no connection was opened";
}

// C-16: established on SYN+ACK, once, as the box counts it; the third segment does not matter.
TEST(Ledger, AConnectionIsEstablishedByItsSynAck) {
  story::Stage stage;
  Ledger ledger(stage.directory);
  Event opened;
  opened.kind = EventKind::kFlowNew;
  opened.box = story::kNat;
  opened.tuple = stage.original;
  opened.reply = stage.reply();
  ledger.add(opened);
  const Event answer = stage.packet(stage.reply(), {.flags = kTcpSyn | kTcpAck, .sequence = 1}, story::kInternet,
                                    kNoInterface, story::kNatOutside);
  ledger.add(answer);
  ledger.add(answer);
  EXPECT_EQ(sum(ledger.boxes().at(0), "ConnectionEstablishedCount"), 1);
}

TEST(Ledger, MoreFlowsThanItKeepsAreCounted) {
  story::Stage stage;
  Ledger ledger(stage.directory);
  Event event;
  event.kind = EventKind::kFlowNew;
  event.box = story::kNat;
  event.tuple = stage.original;
  for (uint32_t flow = 0; flow < Ledger::kMostFlows + 3; ++flow) {
    event.flow = flow;
    ledger.add(event);
  }
  EXPECT_EQ(ledger.boxes().at(0).flows.size(), Ledger::kMostFlows);
  EXPECT_EQ(ledger.boxes().at(0).flows_left_out, 3);
}

}  // namespace
}  // namespace lapse::report
