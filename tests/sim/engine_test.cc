#include "sim/engine.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

namespace lapse::sim {
namespace {

using std::chrono::seconds;

TEST(Engine, FiresInTheOrderOfTime) {
  Engine engine(1);
  std::vector<int> fired;
  Timer late(engine, [&] { fired.push_back(2); });
  Timer early(engine, [&] { fired.push_back(1); });
  late.arm(Instant(seconds(20)));
  early.arm(Instant(seconds(10)));
  while (engine.run_next(Instant(seconds(60)))) {
  }
  EXPECT_EQ(fired, (std::vector{1, 2}));
  EXPECT_EQ(engine.now(), Instant(seconds(60)));
}

TEST(Engine, OfOneInstantWhoWasArmedFirstGoesFirst) {
  Engine engine(1);
  std::vector<int> fired;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int n = 0; n < 100; ++n) {
    timers.push_back(std::make_unique<Timer>(engine, [&fired, n] { fired.push_back(n); }));
    timers.back()->arm(Instant(seconds(1)));
  }
  while (engine.run_next(Instant(seconds(1)))) {
  }
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
  EXPECT_EQ(fired.size(), 100u);
}

TEST(Engine, ATimerIsArmedForOneTimeOnly) {
  Engine engine(1);
  int fired = 0;
  Timer timer(engine, [&] { ++fired; });
  timer.arm(Instant(seconds(1)));
  timer.arm(Instant(seconds(3)));
  EXPECT_FALSE(engine.run_next(Instant(seconds(2))));
  EXPECT_TRUE(engine.run_next(Instant(seconds(3))));
  EXPECT_FALSE(engine.run_next(Instant(seconds(9))));
  EXPECT_EQ(fired, 1);
}

TEST(Engine, WhatIsCancelledOrGoneDoesNotFire) {
  Engine engine(1);
  Timer cancelled(engine, [] { FAIL(); });
  cancelled.arm(Instant(seconds(1)));
  {
    Timer gone(engine, [] { FAIL(); });
    gone.arm(Instant(seconds(1)));
  }
  cancelled.cancel();
  EXPECT_FALSE(engine.run_next(Instant(seconds(2))));
}

TEST(Engine, AThousandTimersInAnyOrder) {
  Engine engine(42);
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<Instant> fired;
  for (int n = 0; n < 1000; ++n) {
    timers.push_back(std::make_unique<Timer>(engine, [&] { fired.push_back(engine.now()); }));
    timers.back()->arm(Instant(Duration(engine.random().below(5000))));
  }
  for (int n = 0; n < 300; ++n) {
    Timer& timer = *timers[engine.random().below(1000)];
    if (n % 3 == 0) {
      timer.cancel();
    } else {
      timer.arm(Instant(Duration(engine.random().below(5000))));
    }
  }
  const auto armed = std::count_if(timers.begin(), timers.end(), [](const auto& timer) { return timer->armed(); });
  while (engine.run_next(Instant(Duration(5000)))) {
  }
  EXPECT_TRUE(std::is_sorted(fired.begin(), fired.end()));
  EXPECT_EQ(fired.size(), static_cast<size_t>(armed));
}

}  // namespace
}  // namespace lapse::sim
