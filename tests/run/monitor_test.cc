#include "control/instance/monitor.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse {
namespace {

using testing::HasSubstr;

constexpr LinkId kPrivate{3};

// What the monitor says, to be waited for.
class Heard {
 public:
  void say(const std::string& sentence) {
    const std::lock_guard lock(mutex_);
    said_.push_back(sentence);
    heard_.notify_all();
  }
  std::string next() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(heard_.wait_for(lock, std::chrono::seconds(30), [this] { return said_.size() > read_; }));
    return read_ < said_.size() ? said_[read_++] : "";
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<std::string> said_;
  size_t read_ = 0;
};

TEST(Monitor, NamesTheWorkerThatStallsAndTheOneThatGoesOn) {
  Heard heard;
  std::atomic<uint64_t> polls{0};
  std::atomic<bool> stands{true};
  Monitor monitor({{"worker 0 (core 1)",
                    [&] {
                      return Watchdog::Pulse{++polls, false};
                    }},
                   {"worker 1 (core 2)",
                    [&] {
                      return Watchdog::Pulse{stands ? 7 : ++polls, false};
                    }}},
                  {}, {[&](const std::string& sentence) { heard.say(sentence); }, nullptr});
  EXPECT_THAT(heard.next(), HasSubstr("worker 1 (core 2) has stalled"));
  EXPECT_GT(monitor.stalled_for(1), Watchdog::kPatience);
  EXPECT_FALSE(monitor.stalled_for(0));
  stands = false;
  EXPECT_THAT(heard.next(), HasSubstr("worker 1 (core 2) goes on"));
}

// Also when virtual time is so fast that a window ends sooner than the monitor looks by itself.
TEST(Monitor, ReadsRatesAgainAndAgain) {
  Heard heard;
  const Monitor monitor({}, {}, {.read_rates = [&]() -> Duration {
                          heard.say("read");
                          return std::chrono::microseconds(10);
                        }});
  for (int times = 0; times < 5; ++times) {
    EXPECT_EQ(heard.next(), "read");
  }
}

TEST(Monitor, TellsOfALinkThatGoesDownAndComesBack) {
  Heard heard;
  std::atomic<bool> up{false};
  std::mutex mutex;
  std::vector<std::pair<EventKind, LinkId>> told;
  {
    const Monitor monitor({}, {{kPrivate, "private (net_af_packet0)", [&] { return up.load(); }}},
                          {[&](const std::string& sentence) { heard.say(sentence); },
                           [&](EventKind kind, LinkId link) {
                             const std::lock_guard lock(mutex);
                             told.emplace_back(kind, link);
                           }});
    EXPECT_THAT(heard.next(), HasSubstr("link private (net_af_packet0) is down"));
    up = true;
    EXPECT_THAT(heard.next(), HasSubstr("link private (net_af_packet0) is up"));
  }
  EXPECT_THAT(told,
              testing::ElementsAre(std::pair(EventKind::kLinkDown, kPrivate), std::pair(EventKind::kLinkUp, kPrivate)));
}

}  // namespace
}  // namespace lapse
