#include "control/instance/event_hub.h"

#include <atomic>

#include "gtest/gtest.h"

namespace lapse {
namespace {

Event event_at(int64_t real, uint32_t sequence) {
  Event event;
  event.real = Instant(Duration(real));
  event.sequence = sequence;
  return event;
}

struct Hub {
  explicit Hub(size_t count) {
    for (size_t ring = 0; ring < count; ++ring) {
      owned.push_back(std::make_unique<EventRing>(65536));
      rings.push_back(owned.back().get());
    }
  }
  std::vector<std::unique_ptr<EventRing>> owned;
  std::vector<EventRing*> rings;
};

// Whichever worker's ring is looked at first.
TEST(EventHub, EventsOfSeveralWorkersComeInTheOrderOfTime) {
  Hub made(3);
  std::vector<uint32_t> seen;
  made.rings[2]->push(event_at(10, 1));
  made.rings[0]->push(event_at(20, 2));
  made.rings[0]->push(event_at(20, 3));
  made.rings[1]->push(event_at(30, 4));
  made.rings[2]->push(event_at(40, 5));
  made.rings[0]->push(event_at(50, 6));
  EventHub hub(made.rings);
  const auto subscription = hub.subscribe([&](const Event& event) { seen.push_back(event.sequence); });
  for (uint32_t number = 7; number < 10; ++number) {
    made.rings[number % 3]->push(event_at(10 * number, number));
  }
  hub.flush();
  // Some may have been drained before there was a subscriber, always from the front.
  ASSERT_FALSE(seen.empty());
  for (size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i], 9 - (seen.size() - 1 - i));
  }
}

// Two workers in turn: each event is caused by the one before it, in the other ring, and recorded when that one is.
TEST(EventHub, ACauseComesBeforeItsEffect) {
  constexpr uint32_t kEvents = 100'000;
  Hub made(2);
  std::vector<uint32_t> seen;
  seen.reserve(kEvents);
  EventHub hub(made.rings);
  const auto subscription = hub.subscribe([&](const Event& event) { seen.push_back(event.sequence); });
  std::atomic<uint32_t> next{0};
  const auto work = [&](uint32_t which) {
    for (uint32_t number = which; number < kEvents; number += 2) {
      while (next.load(std::memory_order_acquire) != number) {
        std::this_thread::yield();
      }
      made.rings[which]->push(event_at(number, number));
      next.store(number + 1, std::memory_order_release);
    }
  };
  std::thread first(work, 0);
  std::thread second(work, 1);
  first.join();
  second.join();
  hub.flush();
  ASSERT_EQ(seen.size(), kEvents);
  for (uint32_t number = 0; number < kEvents; ++number) {
    ASSERT_EQ(seen[number], number);
  }
}

}  // namespace
}  // namespace lapse
