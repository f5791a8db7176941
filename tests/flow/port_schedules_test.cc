// Every order of the marked steps of two workers that count flows of one pair.
#include <memory>

#include "gtest/gtest.h"

#include "dataplane/flow/port_allocator.h"
#include "tests/flow/schedules.h"

namespace lapse::test {
namespace {

constexpr HashKey kKey{0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL};
const PortPair kWeb{be32(0xcb00710a), be32(0xcb007150), be16(443), 6};

class PortSchedules : public testing::Test {
 protected:
  void fresh(uint32_t limit) {
    ports =
        std::make_unique<PortAllocator>(PortAllocator::Options{.flow_capacity = 8, .limit = limit, .hash_key = kKey});
    taken[0] = taken[1] = 0;
  }
  // What is counted can be given back, and then everything can be had again: no second word of the pair was left.
  void expect_exact(uint32_t limit) {
    SCOPED_TRACE(schedules.current());
    ASSERT_EQ(ports->used(kWeb), taken[0] + taken[1]);
    for (uint32_t held = taken[0] + taken[1]; held > 0; --held) {
      ports->give_back(kWeb, be16(2000));
    }
    ASSERT_EQ(ports->used(kWeb), 0u);
    for (uint32_t flow = 0; flow < limit; ++flow) {
      ASSERT_TRUE(ports->take(kWeb));
    }
    ASSERT_FALSE(ports->take(kWeb));
  }

  Schedules schedules;
  std::unique_ptr<PortAllocator> ports;
  uint32_t taken[2] = {};
};

TEST_F(PortSchedules, TwoFirstFlowsOfAPairAreTwo) {
  const size_t count = schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh(2);
        return {[&] { taken[0] += ports->take(kWeb) ? 1 : 0; }, [&] { taken[1] += ports->take(kWeb) ? 1 : 0; }};
      },
      [&] {
        ASSERT_EQ(taken[0] + taken[1], 2u) << schedules.current();
        expect_exact(2);
      });
  EXPECT_GE(count, 20u);
}

// The first word goes behind those of other pairs, these leave, and the second one goes before it.
TEST_F(PortSchedules, TwoFirstWordsInDifferentPlaces) {
  constexpr uint32_t kOthers = 256;
  const auto other = [](uint32_t n) { return PortPair{be32(0xcb00710a), be32(n), be16(443), 6}; };
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh(1);
        for (uint32_t n = 0; n < kOthers; ++n) {
          EXPECT_TRUE(ports->take(other(n)));
        }
        return {[&] { taken[0] += ports->take(kWeb) ? 1 : 0; },
                [&, other] {
                  for (uint32_t n = 0; n < kOthers; ++n) {
                    ports->give_back(other(n), be16(2000));
                  }
                  taken[1] += ports->take(kWeb) ? 1 : 0;
                }};
      },
      [&] {
        ASSERT_EQ(taken[0] + taken[1], 1u) << schedules.current();
        expect_exact(1);
      });
}

// A pair at its limit is refused at its first word, and an allocation that succeeds changes that word once.
TEST_F(PortSchedules, ARefusalLooksOnce) {
  struct Counting final : StepHook {
    void at(FlowStep) override { ++steps; }
    int steps = 0;
  };
  Counting counting;
  fresh(1000);
  for (int flow = 0; flow < 1000; ++flow) {
    ASSERT_TRUE(ports->take(kWeb));
  }
  const HookScope scope(counting);
  ASSERT_FALSE(ports->take(kWeb));
  EXPECT_EQ(counting.steps, 0);
  ports->give_back(kWeb, be16(2000));
  ASSERT_TRUE(ports->take(kWeb));
  EXPECT_EQ(counting.steps, 1);
}

TEST_F(PortSchedules, TheLastPortIsTakenOnce) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh(1);
        return {[&] { taken[0] += ports->take(kWeb) ? 1 : 0; }, [&] { taken[1] += ports->take(kWeb) ? 1 : 0; }};
      },
      [&] {
        ASSERT_EQ(taken[0] + taken[1], 1u) << schedules.current();
        expect_exact(1);
      });
}

// The pair comes and goes while the other worker counts in it.
TEST_F(PortSchedules, APairThatEmptiesWhileItFills) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh(2);
        return {[&] {
                  for (int flow = 0; flow < 2; ++flow) {
                    ASSERT_TRUE(ports->take(kWeb));
                    ports->give_back(kWeb, be16(2000));
                  }
                },
                [&] { taken[1] += ports->take(kWeb) ? 1 : 0; }};
      },
      [&] {
        ASSERT_EQ(taken[1], 1u) << schedules.current();
        expect_exact(2);
      });
}

}  // namespace
}  // namespace lapse::test
