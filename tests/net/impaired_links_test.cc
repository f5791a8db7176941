// What a link does to the packets on it: once a crossing, by its seed, and with even books after every burst.
#include <algorithm>
#include <numeric>

#include "tests/net/link_bench.h"

namespace lapse::test {
namespace {

constexpr uint16_t kMany = 1000;

Impairments delayed(Duration delay, Duration jitter = {}) {
  return {.delay = delay, .jitter = jitter};
}

std::vector<uint16_t> numbers(size_t count) {
  std::vector<uint16_t> all(count);
  std::iota(all.begin(), all.end(), uint16_t{0});
  return all;
}

std::vector<uint16_t> numbers_of(const std::vector<Seen>& seen) {
  std::vector<uint16_t> numbers;
  for (const Seen& one : seen) {
    numbers.push_back(one.number);
  }
  return numbers;
}

// One packet a millisecond, its number.
std::vector<Seen> send_one_a_millisecond(LinkBench& b, uint16_t count) {
  std::vector<Seen> seen;
  for (uint16_t number = 0; number < count; ++number) {
    b.send(number);
    const auto more = b.run_until((number + 1) * 1ms);
    seen.insert(seen.end(), more.begin(), more.end());
  }
  const auto rest = b.run_until(1h);
  seen.insert(seen.end(), rest.begin(), rest.end());
  return seen;
}

// ---- delay ----

TEST(ImpairedLink, APacketIsUnderWayForTheDelay) {
  LinkBench b(delayed(50ms));
  b.send(7);
  EXPECT_EQ(b.held(), 1U);
  EXPECT_EQ(b.next_deadline(), b.now().now + 50ms) << "who sleeps has to wake for it";
  EXPECT_TRUE(b.run_until(49'999'999ns).empty());
  const auto seen = b.run_until(1s);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].after, 50ms);
  EXPECT_EQ(b.held(), 0U);
  EXPECT_EQ(b.next_deadline(), std::nullopt);
}

TEST(ImpairedLink, EachCrossingCountsOnceInBothDirections) {
  LinkBench b(delayed(10ms), delayed(25ms));
  b.send(1);
  EXPECT_EQ(b.run_until(1s).at(0).after, 35ms) << "near link, box, far link";
  b.send_back(2);
  EXPECT_TRUE(b.run_until(1034ms).empty());
  EXPECT_TRUE(b.arrived_back().empty());
  b.run_until(1035ms);
  EXPECT_EQ(numbers_of(b.arrived_back()), std::vector<uint16_t>{2});
}

TEST(ImpairedLink, ALinkBesideItIsNotTouched) {
  LinkBench b({}, delayed(10ms));
  b.send(1);
  b.send_back(2);
  b.run_until(9ms);
  EXPECT_TRUE(b.arrived_back().empty()) << "it had to cross the far link";
  EXPECT_EQ(b.run_until(10ms).size(), 1U);
  EXPECT_EQ(b.arrived_back().size(), 1U);
}

TEST(ImpairedLink, APacketIsAnEventWhenItArrives) {
  LinkBench b(delayed(10ms));
  b.send(1);
  EXPECT_TRUE(b.events().empty());
  b.run_until(1s);
  const auto events = b.events();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].link, kNear);
  EXPECT_EQ(events[0].time - Instant(1s), 10ms);
  EXPECT_EQ(events[1].link, kFar);
}

// Neighbours are a matter of real kernels, and simulated hosts ask nobody.
TEST(ImpairedLink, ArpCrossesAtOnce) {
  Impairments link = delayed(1s);
  link.loss = Probability(1);
  LinkBench b(link);
  b.send_frame(arp_request(mac("02:00:00:00:00:0a"), ip("10.0.1.10"), ip("10.0.1.1")).bytes());
  Packet* const answer = b.near_port().take();
  ASSERT_NE(answer, nullptr);
  release(answer);
}

// ---- jitter and order ----

TEST(ImpairedLink, JitterSpreadsDelaysAndKeepsTheOrder) {
  LinkBench b(delayed(50ms, 40ms), {}, 1, 1024);
  const auto seen = send_one_a_millisecond(b, kMany);
  ASSERT_EQ(numbers_of(seen), numbers(kMany)) << "no packet overtakes another";
  size_t with_its_predecessor = 0;
  for (size_t at = 0; at < seen.size(); ++at) {
    const Duration delay = seen[at].after - seen[at].number * 1ms;
    EXPECT_GE(delay, 10ms);
    EXPECT_LE(delay, 90ms);
    with_its_predecessor += at > 0 && seen[at].after == seen[at - 1].after ? 1 : 0;
  }
  EXPECT_GT(with_its_predecessor, kMany / 2) << "one that was drawn a shorter delay waits for the one before it";
}

TEST(ImpairedLink, JitterAloneIsEvenlySpread) {
  LinkBench b(delayed(50ms, 40ms), {}, 1, 1024);
  std::array<size_t, 8> bins{};
  for (uint16_t number = 0; number < kMany; ++number) {
    b.send(number);
    const auto seen = b.run_until((number + 1) * 1s);
    ASSERT_EQ(seen.size(), 1U);
    ++bins.at(static_cast<size_t>((seen[0].after - number * 1s - 10ms) / 10ms));
  }
  for (const size_t bin : bins) {
    EXPECT_NEAR(static_cast<double>(bin), 125, 50);  // 4.8 standard deviations
  }
}

TEST(ImpairedLink, ReorderLetsPacketsOvertakeByAllOfTheDelay) {
  Impairments link = delayed(50ms);
  link.reorder = Probability(0.25);
  LinkBench b(link, {}, 1, 1024);
  const auto seen = send_one_a_millisecond(b, kMany);
  ASSERT_EQ(seen.size(), kMany);
  std::vector<uint16_t> in_line;
  for (const Seen& one : seen) {
    const Duration delay = one.after - one.number * 1ms;
    ASSERT_TRUE(delay <= 1ms || delay == 50ms) << delay.count();
    if (delay == 50ms) {
      in_line.push_back(one.number);
    }
  }
  EXPECT_EQ(in_line.size(), 753U) << "by the seed; a quarter of the others overtakes";
  EXPECT_TRUE(std::is_sorted(in_line.begin(), in_line.end()));
}

// ---- loss ----

TEST(ImpairedLink, LossIsBySeedAndDirection) {
  const Impairments lossy{.loss = Probability(0.1)};
  std::vector<std::vector<uint16_t>> runs;
  for (const uint64_t seed : {1, 1, 2}) {
    LinkBench b(lossy, {}, seed, 2048);
    for (uint16_t number = 0; number < kMany; ++number) {
      b.send(number);
      b.send_back(number);
    }
    runs.push_back(numbers_of(b.run_until(1s)));
    const auto back = numbers_of(b.arrived_back());
    EXPECT_NE(runs.back(), back) << "each direction has its own chance";
    EXPECT_EQ(runs.back().size() + back.size() + b.dropped(kNear, DropReason::kLinkLoss), 2 * kMany);
  }
  EXPECT_EQ(runs[0].size(), 890U) << "by the seed";
  EXPECT_EQ(runs[0], runs[1]) << "the same seed, the same run";
  EXPECT_NE(runs[0], runs[2]);
}

TEST(ImpairedLink, LossOfAHundredPercentLosesEverything) {
  LinkBench b({.loss = Probability(1)});
  b.send_burst(numbers(200));
  EXPECT_TRUE(b.run_until(1s).empty());
  EXPECT_EQ(b.dropped(kNear, DropReason::kLinkLoss), 200U);
}

TEST(ImpairedLink, ALossIsAnEventThatNamesTheLink) {
  LinkBench b({}, {.loss = Probability(1)});
  b.send(1);
  const auto events = b.events();
  ASSERT_EQ(events.size(), 2U) << "it crossed the near link";
  EXPECT_EQ(events[1].kind, EventKind::kPacketDropped);
  EXPECT_EQ(events[1].reason, DropReason::kLinkLoss);
  EXPECT_EQ(events[1].box, kNoBox) << "no box did it";
  EXPECT_EQ(events[1].link, kFar);
  EXPECT_EQ(events[1].from_interface, InterfaceId{1});
  EXPECT_EQ(events[1].to_interface, kNoInterface);
}

// ---- duplicate ----

TEST(ImpairedLink, ACopyFollowsItsOriginal) {
  LinkBench b({.delay = 5ms, .duplicate = Probability(0.3)}, {}, 1, 2048);
  b.send_burst(numbers(100));
  const auto seen = b.run_until(1s);
  EXPECT_EQ(seen.size(), 100 + b.originated(kNear));
  EXPECT_EQ(b.originated(kNear), 35U) << "by the seed";
  size_t copies = 0;
  for (size_t at = 1; at < seen.size(); ++at) {
    EXPECT_EQ(seen[at].after, 5ms);
    if (seen[at].number == seen[at - 1].number) {
      ++copies;
      EXPECT_EQ(seen[at].payload, seen[at - 1].payload);
    } else {
      EXPECT_EQ(seen[at].number, seen[at - 1].number + 1);
    }
  }
  EXPECT_EQ(copies, b.originated(kNear)) << "no copy is copied again";
}

TEST(ImpairedLink, WithoutABufferThereIsNoCopy) {
  LinkBench b({.duplicate = Probability(1)}, {}, 1, 2);
  b.send_burst({1, 2});
  EXPECT_EQ(numbers_of(b.run_until(1s)), (std::vector<uint16_t>{1, 2}));
  EXPECT_EQ(b.dropped(kNear, DropReason::kPoolEmpty), 2U);
}

// ---- rate ----

// 1,250 bytes are 10,000 bits: a millisecond each at 10 Mbit/s.
TEST(ImpairedLink, FramesTakeTheTimeOfTheirBits) {
  LinkBench b({.bit_rate = 10'000'000});
  b.send_burst(numbers(20), 1250);
  const auto seen = b.run_until(1s);
  ASSERT_EQ(numbers_of(seen), numbers(20));
  for (const Seen& one : seen) {
    EXPECT_EQ(one.after, (one.number + 1) * 1ms);
  }
}

TEST(ImpairedLink, DirectionsDoNotShareTheRate) {
  LinkBench b({.bit_rate = 10'000'000});
  b.send(1, 1250);
  b.send_back(2, 1250);
  EXPECT_EQ(b.run_until(1ms).size(), 1U);
  EXPECT_EQ(b.arrived_back().size(), 1U);
}

TEST(ImpairedLink, TheQueueInFrontOfARateIsATenthOfASecondLong) {
  LinkBench b({.bit_rate = 10'000'000});
  b.send_burst(numbers(120), 1250);
  EXPECT_EQ(b.dropped(kNear, DropReason::kLinkQueueFull), 120U - 101U) << "one on the wire, 100 waiting";
  EXPECT_EQ(numbers_of(b.run_until(1s)), numbers(101));
  b.send(500, 1250);
  EXPECT_EQ(b.run_until(2s).size(), 1U) << "there is room again";
}

TEST(ImpairedLink, ASlowLinkQueuesSixteenFullFrames) {
  LinkBench b({.bit_rate = 64'000});
  b.send_burst(numbers(40), 1514);
  EXPECT_EQ(b.dropped(kNear, DropReason::kLinkQueueFull), 40U - 17U);
}

TEST(ImpairedLink, DelayComesAfterTheRate) {
  LinkBench b({.delay = 30ms, .bit_rate = 10'000'000});
  b.send_burst({0, 1}, 1250);
  const auto seen = b.run_until(1s);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].after, 31ms);
  EXPECT_EQ(seen[1].after, 32ms);
}

TEST(ImpairedLink, WorkersShareTheRate) {
  LinkBench b({.bit_rate = 10'000'000}, {}, 1, 1024, 2);
  for (uint16_t number = 0; number < 20; ++number) {
    b.send(number, 1250, number % 2);
  }
  const auto seen = b.run_until(1s);
  ASSERT_EQ(seen.size(), 20U);
  for (size_t at = 0; at < seen.size(); ++at) {
    EXPECT_EQ(seen[at].after, static_cast<int>(at + 1) * 1ms);
  }
}

// ---- mtu ----

TEST(ImpairedLink, APacketLargerThanTheMtuIsDropped) {
  LinkBench b({}, {.mtu = 1400});
  b.send(1, 14 + 1400);
  b.send(2, 14 + 1401);
  EXPECT_EQ(numbers_of(b.run_until(1s)), std::vector<uint16_t>{1});
  EXPECT_EQ(b.dropped(kFar, DropReason::kLinkMtu), 1U) << "before the link, behind the box";
}

TEST(ImpairedLink, ALinkForJumboFramesCarriesThem) {
  LinkBench b({.mtu = 9000}, {.mtu = 9000});
  b.send(1, 14 + 9000);
  EXPECT_EQ(b.run_until(1s).size(), 1U);
}

// ---- the store and the clock ----

TEST(ImpairedLink, NoMoreIsHeldThanThereIsRoomFor) {
  constexpr size_t kRoom = LinkStage::kCapacity;
  LinkBench b(delayed(1s), {}, 1, kRoom + 100);
  for (size_t sent = 0; sent < kRoom + 50; sent += 50) {
    b.send_burst(std::vector<uint16_t>(50, uint16_t{1}));
  }
  const size_t sent = (kRoom + 49) / 50 * 50 + 50;
  EXPECT_EQ(b.held(), kRoom);
  EXPECT_EQ(b.dropped(kNear, DropReason::kLinkStoreFull), sent - kRoom);
  EXPECT_EQ(b.run_until(2s).size(), kRoom);
  b.send(1);
  EXPECT_EQ(b.run_until(4s).size(), 1U) << "there is room again";
}

TEST(ImpairedLink, AJumpOfTheClockBringsWhatIsDueInOrder) {
  LinkBench b(delayed(1s, 500ms), {}, 1, 4096);
  std::vector<uint16_t> all = numbers(3000);
  for (size_t first = 0; first < all.size(); first += 100) {
    b.send_burst({all.begin() + static_cast<ptrdiff_t>(first), all.begin() + static_cast<ptrdiff_t>(first + 100)});
  }
  std::vector<Seen> seen = b.jump_to(240h);
  EXPECT_EQ(seen.size(), Path::kMostArrivals) << "a pass stays short";
  EXPECT_LE(b.next_deadline(), b.now().now) << "and the worker comes back at once";
  const auto rest = b.run_until(240h);
  seen.insert(seen.end(), rest.begin(), rest.end());
  EXPECT_EQ(numbers_of(seen), all);
  EXPECT_EQ(seen.back().after, 240h);
}

TEST(ImpairedLink, WhatIsDueGoesBeforeWhatComesNow) {
  LinkBench b({.delay = 10ms, .jitter = 10ms});
  b.send_burst(numbers(50));
  b.run_until(1ms);
  b.send(50);
  EXPECT_EQ(numbers_of(b.run_until(1s)).back(), 50);
}

TEST(ImpairedLink, WhatIsUnderWayAtTheEndIsDroppedForThat) {
  LinkBench b(delayed(1s));
  b.send_burst(numbers(10));
  b.stop();
  EXPECT_EQ(b.dropped(kNear, DropReason::kShutdown), 10U);
}

// ---- all together ----

// Whatever the settings: the books are even after every burst (the bench looks), nothing comes before it can, and what
// does not overtake keeps its order.
TEST(ImpairedLink, AnyMixtureKeepsItsPromises) {
  Random random(20261121);
  for (int round = 0; round < 60; ++round) {
    Impairments link;
    link.delay = Duration(random.below(40'000'000));
    link.jitter =
        link.delay == Duration{} ? Duration{} : Duration(random.below(static_cast<uint32_t>(link.delay.count())));
    link.loss = Probability(random.below(100) / 200.0);
    link.duplicate = Probability(random.below(100) / 200.0);
    link.bit_rate = random.below(2) == 0 ? 0 : 200'000 + random.below(10'000'000);
    LinkBench b(link, link, random.next(), 4096);
    size_t sent = 0;
    std::vector<Seen> seen;
    std::vector<Duration> sent_at;
    for (int step = 1; step <= 40; ++step) {
      const size_t count = random.below(8);
      for (size_t packet = 0; packet < count; ++packet) {
        sent_at.push_back(b.now().now - Instant(1s));
        b.send(static_cast<uint16_t>(sent++));
      }
      const auto more = b.run_until(step * 5ms);
      seen.insert(seen.end(), more.begin(), more.end());
    }
    const auto rest = b.run_until(1h);
    seen.insert(seen.end(), rest.begin(), rest.end());
    uint64_t lost = 0;
    for (const LinkId id : {kNear, kFar}) {
      lost += b.dropped(id, DropReason::kLinkLoss) + b.dropped(id, DropReason::kLinkQueueFull);
    }
    EXPECT_EQ(seen.size() + lost, sent + b.originated(kNear) + b.originated(kFar)) << "round " << round;
    const auto order = numbers_of(seen);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end())) << "round " << round;
    for (const Seen& one : seen) {
      EXPECT_GE(one.after - sent_at.at(one.number), 2 * (link.delay - link.jitter)) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace lapse::test
