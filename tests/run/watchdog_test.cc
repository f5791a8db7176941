#include "control/instance/watchdog.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Change = Watchdog::Change;
using Pulse = Watchdog::Pulse;

// Two workers, looked at every 100 ms.
class WatchdogTest : public testing::Test {
 protected:
  std::vector<Change> look(Pulse first, Pulse second, Watchdog::Span later = 100ms) {
    now_ += later;
    const std::vector<Pulse> pulses{first, second};
    return watchdog_.observe(pulses, now_);
  }

  Watchdog watchdog_{2};
  Watchdog::Time now_{};
};

TEST_F(WatchdogTest, WorkersThatPollAreWell) {
  for (uint64_t polls = 1; polls < 50; ++polls) {
    EXPECT_THAT(look({polls}, {2 * polls}), IsEmpty());
  }
}

TEST_F(WatchdogTest, AWorkerThatStandsStillForMoreThanASecondHasStalled) {
  look({1}, {7});
  for (uint64_t polls = 2; polls <= 11; ++polls) {
    EXPECT_THAT(look({polls}, {7}), IsEmpty()) << polls;
  }
  EXPECT_THAT(look({12}, {7}), ElementsAre(Change{1, true, 1100ms}));
  EXPECT_FALSE(watchdog_.stalled_for(0, now_));
  EXPECT_EQ(watchdog_.stalled_for(1, now_ + 1s), 2100ms);
  EXPECT_THAT(look({13}, {7}), IsEmpty()) << "it is told once";
}

TEST_F(WatchdogTest, AStalledWorkerThatGoesOnIsTold) {
  look({1}, {7});
  for (uint64_t polls = 2; polls <= 20; ++polls) {
    look({polls}, {7});
  }
  EXPECT_THAT(look({21}, {8}), ElementsAre(Change{1, false, 2s}));
  EXPECT_FALSE(watchdog_.stalled_for(1, now_));
}

TEST_F(WatchdogTest, ASleepingWorkerIsWell) {
  look({1}, {7});
  for (uint64_t polls = 2; polls < 50; ++polls) {
    EXPECT_THAT(look({polls}, {7, true}), IsEmpty());
  }
  EXPECT_THAT(look({50}, {7}), IsEmpty()) << "its second begins when it has woken up";
}

// Stopped and continued as a whole, or suspended with the machine.
TEST_F(WatchdogTest, AStoppedProcessIsNoStall) {
  look({1}, {7});
  EXPECT_THAT(look({1}, {7}, 1h), IsEmpty());
  EXPECT_THAT(look({1}, {7}, 400ms), IsEmpty());
  EXPECT_THAT(look({2}, {8}, 400ms), IsEmpty());
}

}  // namespace
}  // namespace lapse
