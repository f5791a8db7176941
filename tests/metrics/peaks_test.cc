// The highest ten-second average, whenever somebody looks: aws-behaviour 9.1, PeakBytesPerSecond and PeakPacketsPerSecond.
#include "control/metrics/peaks.h"

#include "gtest/gtest.h"

namespace lapse::metrics {
namespace {

Instant at(double seconds) {
  return Instant(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
}

// A look at a box that has processed so many packets in all, of 100 bytes each.
void look(Peak& peak, double seconds, uint64_t packets) {
  peak.observe(at(seconds), {packets, packets * 100});
}

TEST(Peak, OfNothingIsZero) {
  Peak peak;
  look(peak, 1000, 0);
  EXPECT_EQ(peak.per_second().packets, 0U);
  EXPECT_EQ(peak.per_second().bytes, 0U);
}

TEST(Peak, IsTheHighestWindowAndNeverFalls) {
  Peak peak;
  look(peak, 10, 100);
  EXPECT_EQ(peak.per_second().packets, 10U);
  look(peak, 20, 500);
  EXPECT_EQ(peak.per_second().packets, 40U);
  look(peak, 30, 600);
  EXPECT_EQ(peak.per_second().packets, 40U);
  EXPECT_EQ(peak.per_second().bytes, 4000U);
}

TEST(Peak, OfPacketsAndOfBytesMayLieInDifferentWindows) {
  Peak peak;
  peak.observe(at(10), {.packets = 100, .bytes = 1'000});
  peak.observe(at(20), {.packets = 110, .bytes = 90'000});
  EXPECT_EQ(peak.per_second().packets, 10U);
  EXPECT_EQ(peak.per_second().bytes, 8'900U);
}

// It can only become more.
TEST(Peak, OfTheWindowUnderWayIsWhatItComesToIfNothingFollows) {
  Peak peak;
  look(peak, 2, 100);
  EXPECT_EQ(peak.per_second().packets, 10U);
  look(peak, 9, 150);
  EXPECT_EQ(peak.per_second().packets, 15U);
  look(peak, 10, 150);
  EXPECT_EQ(peak.per_second().packets, 15U);
  look(peak, 11, 250);
  EXPECT_EQ(peak.per_second().packets, 15U);
}

TEST(Peak, OfWhatCameAtTheEndOfAWindowIsInTheNextOne) {
  Peak peak;
  look(peak, 10, 0);
  look(peak, 10, 100);
  look(peak, 20, 100);
  EXPECT_EQ(peak.per_second().packets, 10U);
  EXPECT_EQ(peak.window_end(), at(30));
}

// 60 packets between 4 s and 16 s: half of them before 10 s, where 100 were already.
TEST(Peak, SpreadsEvenlyWhatCameBetweenTwoLooks) {
  Peak peak;
  look(peak, 4, 100);
  look(peak, 16, 160);
  EXPECT_EQ(peak.per_second().packets, 13U);
  look(peak, 20, 260);
  EXPECT_EQ(peak.per_second().packets, 13U) << "30 and 100";
}

// 1000 packets in 100 s are 10 a second, wherever the looks lie.
TEST(Peak, OfManyWindowsBetweenTwoLooksIsTheirAverage) {
  Peak peak;
  look(peak, 3, 0);
  look(peak, 103, 1000);
  EXPECT_EQ(peak.per_second().packets, 10U);
  EXPECT_EQ(peak.window_end(), at(110));
}

// A jump of 351 s with 100 packets before it and 50 right behind it: neither is thinned out over the jump.
TEST(Peak, HasNoPacketsInAJump) {
  Peak peak;
  look(peak, 105, 100);
  peak.pass(at(456));
  look(peak, 456.001, 150);
  look(peak, 460, 150);
  EXPECT_EQ(peak.per_second().packets, 5U) << "50 in the window from 450 s";
  Peak before;
  look(before, 100, 0);
  look(before, 105, 100);
  before.pass(at(456));
  look(before, 460, 150);
  EXPECT_EQ(before.per_second().packets, 10U) << "100 in the window from 100 s";
}

TEST(Peak, IsRoundedToTheNearestWholeNumber) {
  Peak peak;
  look(peak, 10, 4);
  EXPECT_EQ(peak.per_second().packets, 0U);
  look(peak, 20, 9);
  EXPECT_EQ(peak.per_second().packets, 1U);
}

// Two looks may read packets and bytes so that bytes seem to fall, and times so that they seem to go back.
TEST(Peak, SurvivesReadingsOutOfStep) {
  Peak peak;
  peak.observe(at(5), {.packets = 10, .bytes = 1'000});
  peak.observe(at(4.9), {.packets = 11, .bytes = 986});
  EXPECT_EQ(peak.per_second().bytes, 100U);
  peak.observe(at(10), {.packets = 11, .bytes = 900});
  peak.observe(at(20), {.packets = 11, .bytes = 800});
  EXPECT_EQ(peak.per_second().bytes, 100U);
}

}  // namespace
}  // namespace lapse::metrics
