#include <thread>

#include "gtest/gtest.h"

#include "dataplane/event.h"

namespace lapse {
namespace {

Event numbered(uint32_t number) {
  Event event;
  event.sequence = number;
  event.acknowledgement = ~number;
  return event;
}

TEST(EventRing, KeepsOrderAndCopiesOut) {
  EventRing ring(8);
  for (uint32_t i = 0; i < 5; ++i) {
    ASSERT_TRUE(ring.push(numbered(i)));
  }
  Event out[8];
  ASSERT_EQ(ring.pop(out, 3), 3U);
  EXPECT_EQ(out[2].sequence, 2U);
  ASSERT_EQ(ring.pop(out, 8), 2U);
  EXPECT_EQ(out[1].sequence, 4U);
  EXPECT_EQ(ring.pop(out, 8), 0U);
}

TEST(EventRing, CapacityIsRoundedUp) {
  EventRing ring(5);
  for (uint32_t i = 0; i < 8; ++i) {
    EXPECT_TRUE(ring.push(numbered(i)));
  }
  EXPECT_FALSE(ring.push(numbered(8)));
}

TEST(EventRing, HasRoomWhileHalfOfItIsFree) {
  EventRing ring(8);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(ring.has_room()) << i;
    ring.push(Event{});
  }
  EXPECT_FALSE(ring.has_room());
  Event taken;
  EXPECT_EQ(ring.pop(&taken, 1), 1U);
  EXPECT_TRUE(ring.has_room());
}

TEST(EventRing, CountsWhatItLostAndGoesOn) {
  EventRing ring(4);
  for (uint32_t i = 0; i < 10; ++i) {
    EXPECT_EQ(ring.push(numbered(i)), i < 4);
  }
  EXPECT_EQ(ring.lost(), 6U);
  Event out[4];
  ASSERT_EQ(ring.pop(out, 1), 1U);
  EXPECT_TRUE(ring.push(numbered(10)));
  EXPECT_FALSE(ring.push(numbered(11)));
  ASSERT_EQ(ring.pop(out, 4), 4U);
  EXPECT_EQ(out[0].sequence, 1U);
  EXPECT_EQ(out[3].sequence, 10U);
  EXPECT_EQ(ring.lost(), 7U);
}

// Pops until 'done' is set and nothing is left; checks that every event is whole and later than the one before.
uint32_t drain(EventRing& ring, const std::atomic<bool>& done) {
  Event out[64];
  uint32_t received = 0;
  int64_t previous = -1;
  while (true) {
    const bool was_done = done.load(std::memory_order_acquire);
    const size_t count = ring.pop(out, std::size(out));
    for (size_t i = 0; i < count; ++i) {
      EXPECT_GT(int64_t{out[i].sequence}, previous);
      EXPECT_EQ(out[i].acknowledgement, ~out[i].sequence);
      previous = out[i].sequence;
    }
    received += static_cast<uint32_t>(count);
    if (count == 0 && was_done) {
      return received;
    }
    if (count == 0) {
      std::this_thread::yield();
    }
  }
}

TEST(EventRing, TwoThreadsLoseNothingThatWasAccepted) {
  constexpr uint32_t kEvents = 200000;
  EventRing ring(64);
  std::atomic<bool> done = false;
  uint32_t received = 0;
  std::thread consumer([&] { received = drain(ring, done); });
  uint32_t accepted = 0;
  for (uint32_t i = 0; i < kEvents; ++i) {
    accepted += ring.push(numbered(i)) ? 1 : 0;
  }
  done.store(true, std::memory_order_release);
  consumer.join();
  EXPECT_EQ(received, accepted);
  EXPECT_EQ(accepted + ring.lost(), kEvents);
}

TEST(EventRing, TwoThreadsWithAPatientProducerLoseNothing) {
  constexpr uint32_t kEvents = 200000;
  EventRing ring(64);
  std::atomic<bool> done = false;
  uint32_t received = 0;
  std::thread consumer([&] { received = drain(ring, done); });
  for (uint32_t i = 0; i < kEvents; ++i) {
    while (!ring.push(numbered(i))) {
      std::this_thread::yield();
    }
  }
  done.store(true, std::memory_order_release);
  consumer.join();
  EXPECT_EQ(received, kEvents);
}

}  // namespace
}  // namespace lapse
