// What a warp can and cannot tell apart: design, section 6.
#include "control/lab/resolution.h"

#include "gtest/gtest.h"

namespace lapse::lab {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TimerStep, GrowsEightfoldALevelAsInTheKernelsWheelAt250Hertz) {
  struct Row {
    Duration delay;
    Duration step;
  };
  const Row rows[] = {
      {milliseconds(4), milliseconds(4)},      {milliseconds(248), milliseconds(4)},
      {milliseconds(252), milliseconds(32)},   {milliseconds(2012), milliseconds(32)},
      {milliseconds(2016), milliseconds(256)}, {seconds(7), milliseconds(256)},  // measured: 0.25 s near 7 s
      {seconds(16), milliseconds(256)},        {seconds(17), milliseconds(2048)},
      {seconds(60), milliseconds(2048)},    // measured: 2 s near 60 s
      {seconds(349), milliseconds(16384)},  // measured: 16 s near 349 s
      {seconds(1032), milliseconds(16384)},    {seconds(1033), milliseconds(131072)},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(timer_step(row.delay), row.step) << row.delay.count() << " ns";
  }
}

TEST(TimerStep, FollowsTheKernelsTick) {
  EXPECT_EQ(timer_step(milliseconds(50), 1000), milliseconds(1));
  EXPECT_EQ(timer_step(milliseconds(63), 1000), milliseconds(8));
  EXPECT_EQ(timer_step(milliseconds(620), 100), milliseconds(10));
}

TEST(KernelHertz, IsOneOfThoseThatKernelsAreBuiltWith) {
  const unsigned hertz = kernel_hertz();
  EXPECT_TRUE(hertz == 100 || hertz == 250 || hertz == 300 || hertz == 1000) << hertz;
}

TEST(GivenKeepalive, IsWholeSecondsRoundedDownAndAtLeastOne) {
  EXPECT_EQ(given_keepalive(seconds(60), 50), seconds(1));
  EXPECT_EQ(given_keepalive(seconds(400), 50), seconds(8));
  EXPECT_EQ(given_keepalive(seconds(349), 50), seconds(6));
  EXPECT_EQ(given_keepalive(seconds(30), 50), seconds(1));
  EXPECT_EQ(given_keepalive(seconds(349), 1), seconds(349));
}

TEST(Uncertainty, IsRoundingPlusOneStepTimesTheFactor) {
  EXPECT_EQ(uncertainty(seconds(60), 50), (milliseconds(200) + milliseconds(32)) * 50);
  EXPECT_EQ(uncertainty(seconds(400), 50), milliseconds(256) * 50);
  EXPECT_EQ(uncertainty(seconds(349), 50), (milliseconds(980) + milliseconds(256)) * 50);
  // Below a second the kernel gets more than it should, which is as wrong as less.
  EXPECT_EQ(uncertainty(seconds(30), 50), (milliseconds(400) + milliseconds(32)) * 50);
}

TEST(Resolve, DecidesWhatIsFarFromTheTimeout) {
  EXPECT_TRUE(resolve(seconds(60), seconds(350), 50).decided());
  EXPECT_TRUE(resolve(seconds(400), seconds(350), 50).decided());
}

TEST(Resolve, LeavesKeepalive349Against350UndecidedAtAnyFactor) {
  const Resolution resolution = resolve(seconds(349), seconds(350), 50);
  EXPECT_FALSE(resolution.decided());
  EXPECT_EQ(resolution.margin, seconds(1));
  EXPECT_FALSE(resolution.largest_factor.has_value()) << "the step of 16.4 s at 349 s is wider than the margin";
  EXPECT_NE(sentence(resolution, "client", "natgw's tcp_established").find("undecided"), std::string::npos);
  EXPECT_NE(sentence(resolution, "client", "natgw's tcp_established").find("not even 1"), std::string::npos);
}

TEST(Resolve, NamesTheLargestFactorThatDecides) {
  const Resolution resolution = resolve(seconds(300), seconds(350), 200);
  ASSERT_FALSE(resolution.decided());
  ASSERT_TRUE(resolution.largest_factor.has_value());
  const unsigned largest = *resolution.largest_factor;
  EXPECT_TRUE(resolve(seconds(300), seconds(350), largest).decided());
  for (unsigned larger = largest + 1; larger <= kLargestFactor; ++larger) {
    EXPECT_FALSE(resolve(seconds(300), seconds(350), larger).decided()) << larger;
  }
  EXPECT_NE(sentence(resolution, "client", "natgw's tcp_established").find("--warp " + std::to_string(largest)),
            std::string::npos);
}

TEST(Resolve, EqualTimesAreNeverDecided) {
  EXPECT_FALSE(resolve(seconds(350), seconds(350), 1).decided());
}

TEST(SecondsText, IsShort) {
  EXPECT_EQ(seconds_text(seconds(350)), "350 s");
  EXPECT_EQ(seconds_text(milliseconds(61'800)), "61.8 s");
  EXPECT_EQ(seconds_text(milliseconds(256)), "0.256 s");
}

}  // namespace
}  // namespace lapse::lab
