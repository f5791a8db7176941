#include "dataplane/clock.h"

#include "gtest/gtest.h"

namespace lapse {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

TEST(TscClock, AdvanceIsSeenByTheNextReadingAndDoesNotMoveRealTime) {
  TscClock clock;
  const Now before = clock.now();
  clock.advance(hours(120));
  const Now after = clock.now();
  EXPECT_GE(after.now - before.now, hours(120));
  EXPECT_LT(after.real - before.real, seconds(60));
  EXPECT_GE(after.now, after.last_jump);
  EXPECT_GE(after.last_jump, before.now + hours(120));
}

TEST(TscClock, VirtualTimeNeverGoesBackWhenTheScaleFalls) {
  TscClock clock(1000);
  for (const double scale : {500.0, 1.0, 20.0, 1.0}) {
    const Now before = clock.now();
    clock.set_scale(scale);
    EXPECT_GE(clock.now().now, before.now);
    EXPECT_EQ(clock.scale(), scale);
  }
}

TEST(TscClock, AScaleChangeIsNoJump) {
  TscClock clock;
  clock.advance(seconds(7));
  const Instant jump = clock.now().last_jump;
  clock.set_scale(50);
  EXPECT_EQ(clock.now().last_jump, jump);
}

TEST(TscClock, ScaledTimeRunsInProportion) {
  TscClock clock(100);
  const Now start = clock.now();
  Now now = start;
  while (now.real - start.real < std::chrono::milliseconds(5)) {
    now = clock.now();
  }
  // Both readings come from the same cycle counter: only rounding is left.
  EXPECT_NEAR(static_cast<double>((now.now - start.now).count()),
              100.0 * static_cast<double>((now.real - start.real).count()), 1e6);
  EXPECT_EQ(clock.real_duration(seconds(100)), seconds(1));
}

TEST(TscClock, RetireKeepsTheCurrentMapping) {
  TscClock clock;
  clock.advance(seconds(10));
  clock.advance(seconds(10));
  const Instant before = clock.now().now;
  clock.retire();
  EXPECT_GE(clock.now().now, before);
  EXPECT_GE(before.time_since_epoch(), seconds(20));
}

}  // namespace
}  // namespace lapse
