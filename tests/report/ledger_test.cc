// What a box's account of a run has to say: the provider's sums, and the course of its flows.
#include "control/report/ledger.h"

#include "gtest/gtest.h"

#include "tests/report/played.h"

namespace lapse::report {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

uint64_t sum(const BoxLedger& box, NatMetric metric) {
  return box.total()[static_cast<size_t>(metric)];
}

BoxLedger only_box(const ReportedRun& run) {
  return run.record->ledger().boxes().at(0);
}

TEST(Ledger, AFlowThatTheBoxForgotCountsAsAnIdleTimeout) {
  const BoxLedger box = only_box(played("S0.1"));
  EXPECT_EQ(sum(box, NatMetric::kConnectionAttempt), 1);
  EXPECT_EQ(sum(box, NatMetric::kConnectionEstablished), 1);
  EXPECT_EQ(sum(box, NatMetric::kIdleTimeout), 1);
  // 350 s is in the sixth minute.
  EXPECT_EQ(box.minutes.at(5)[static_cast<size_t>(NatMetric::kIdleTimeout)], 1);
  ASSERT_EQ(box.flows.size(), 1);
  EXPECT_TRUE(box.flows[0].forgotten());
  EXPECT_EQ(box.flows[0].expired, Instant(seconds(350)));
  EXPECT_EQ(box.flows[0].timeout_ms, 350'000);
}

// aws-behaviour 9.1: late inbound packets raise what comes in from the destination, and nothing goes out to the source.
TEST(Ledger, ALateAnswerComesInAndDoesNotGoOut) {
  const BoxLedger box = only_box(played("S0.1"));
  const uint64_t dropped = sum(box, NatMetric::kPacketsDrop);
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(sum(box, NatMetric::kPacketsInFromDestination), sum(box, NatMetric::kPacketsOutToSource) + dropped);
  EXPECT_EQ(sum(box, NatMetric::kPacketsInFromSource), sum(box, NatMetric::kPacketsOutToDestination));
}

TEST(Ledger, AConnectionThatCloses) {
  const ReportedRun run = played("S0.2");
  const BoxLedger box = only_box(run);
  EXPECT_EQ(sum(box, NatMetric::kIdleTimeout), 0);
  EXPECT_GT(sum(box, NatMetric::kBytesInFromSource), 120);
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
  EXPECT_EQ(box.minutes.at(0)[static_cast<size_t>(NatMetric::kPacketsInFromSource)], 2);
  EXPECT_EQ(box.minutes.at(0)[static_cast<size_t>(NatMetric::kBytesInFromSource)], 148);
  EXPECT_EQ(box.minutes.at(1)[static_cast<size_t>(NatMetric::kPacketsInFromSource)], 1);
}

TEST(Ledger, ARefusalForWantOfPortsIsAnAttemptAndAnError) {
  story::Stage stage;
  Ledger ledger(stage.directory);
  Event event;
  event.kind = EventKind::kRejected;
  event.reason = DropReason::kPortsExhausted;
  event.box = story::kNat;
  event.tuple = stage.original;
  ledger.add(event);
  EXPECT_EQ(sum(ledger.boxes().at(0), NatMetric::kErrorPortAllocation), 1);
  EXPECT_EQ(sum(ledger.boxes().at(0), NatMetric::kConnectionAttempt), 1);
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
