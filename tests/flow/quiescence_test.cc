#include "dataplane/quiescence.h"

#include <atomic>
#include <thread>

#include "gtest/gtest.h"

namespace lapse {
namespace {

constexpr Quiescence::Slot kReader{3};

TEST(Quiescence, NobodyOnlineHoldsNothingUp) {
  Quiescence quiescence;
  EXPECT_TRUE(quiescence.passed(quiescence.start()));
  quiescence.wait();
}

TEST(Quiescence, AReaderHoldsUpWhatBeganWhileItWasOnline) {
  Quiescence quiescence;
  quiescence.online(kReader);
  const auto first = quiescence.start();
  EXPECT_FALSE(quiescence.passed(first));
  quiescence.quiescent(kReader);
  EXPECT_TRUE(quiescence.passed(first));
  const auto second = quiescence.start();
  EXPECT_FALSE(quiescence.passed(second));
  EXPECT_TRUE(quiescence.passed(first)) << "what has passed stays passed";
  quiescence.offline(kReader);
  EXPECT_TRUE(quiescence.passed(second));
  quiescence.online(kReader);
  EXPECT_TRUE(quiescence.passed(second)) << "a reader that came later never saw it";
  quiescence.offline(kReader);
}

TEST(Quiescence, EverySlotCounts) {
  Quiescence quiescence;
  for (size_t slot = 0; slot < Quiescence::kSlots; ++slot) {
    quiescence.online(Quiescence::Slot{static_cast<uint8_t>(slot)});
  }
  const auto token = quiescence.start();
  for (size_t slot = 0; slot < Quiescence::kSlots; ++slot) {
    EXPECT_FALSE(quiescence.passed(token)) << slot;
    quiescence.quiescent(Quiescence::Slot{static_cast<uint8_t>(slot)});
  }
  EXPECT_TRUE(quiescence.passed(token));
}

TEST(Quiescence, WaitReturnsWhenTheReaderHasLetGo) {
  Quiescence quiescence;
  std::atomic<bool> let_go{false};
  quiescence.online(kReader);
  std::thread reader([&] {
    let_go.store(true);
    quiescence.quiescent(kReader);
    quiescence.offline(kReader);
  });
  quiescence.wait();
  EXPECT_TRUE(let_go.load());
  reader.join();
}

}  // namespace
}  // namespace lapse
