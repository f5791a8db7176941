// Every order of the marked steps of two workers. Built with its own copy of the flow table, in which steps stop.
#include <memory>
#include <set>

#include "tests/flow/flow_bench.h"
#include "tests/flow/schedules.h"

namespace lapse::test {
namespace {

using Put = FlowTable::Put;

constexpr WorkerId kA{0};
constexpr WorkerId kB{1};
const FiveTuple kKey = tcp(1, 40000);
const FiveTuple kOtherKey = tcp(2, 40000);

class FlowSchedules : public testing::Test {
 protected:
  void fresh() {
    bench = std::make_unique<FlowBench>(FlowTable::Options{.capacity = 4, .workers = 2});
    bench->quiescence.online(Quiescence::slot(kA));
    bench->quiescence.online(Quiescence::slot(kB));
    for (FlowRef& flow : made) {
      flow = {};
    }
    for (bool& mark : won) {
      mark = false;
    }
  }

  // Puts both keys and publishes; false when a key was taken.
  bool make(WorkerId worker, const FiveTuple& original, const FiveTuple& reply, Tick now = 0) {
    FlowRef flow = bench->open(original, reply, now, worker);
    if (!flow) {
      return false;
    }
    if (bench->put(flow, Direction::kReply, now) == Put::kTaken ||
        bench->put(flow, Direction::kOriginal, now) == Put::kTaken) {
      bench->table.roll_back(flow);
      return false;
    }
    bench->table.publish(flow, TcpState::kEstablished, TimeoutClass::kTcpEstablished, now);
    made[index(worker)] = flow;
    return true;
  }

  void settle(Tick now) {
    for (int round = 0; round < 4; ++round) {
      for (const WorkerId worker : {kA, kB}) {
        bench->advance(now, 1 << 20, worker);
        bench->quiescence.quiescent(Quiescence::slot(worker));
      }
    }
  }

  // Nothing is lost and nothing is there twice: the living die on time, then each record can be had once.
  void expect_whole(uint32_t living) {
    SCOPED_TRACE(schedules.current());
    ASSERT_EQ(bench->table.live_count(), living);
    const size_t before = bench->listener.deaths.size();
    settle(10'000'000);
    ASSERT_EQ(bench->table.live_count(), 0u);
    ASSERT_EQ(bench->listener.deaths.size(), before + living);
    std::set<FlowId> ids;
    for (uint32_t n = 0; n < 4; ++n) {
      const FlowRef flow = bench->add(nth(n), 10'000'000, TimeoutClass::kTcpEstablished, n % 2 == 0 ? kA : kB);
      ASSERT_TRUE(flow);
      ASSERT_TRUE(ids.insert(flow.id).second);
    }
    ASSERT_FALSE(bench->add(nth(4), 10'000'000));
  }

  Schedules schedules;
  std::unique_ptr<FlowBench> bench;
  FlowRef made[2];
  bool won[2] = {};
};

TEST_F(FlowSchedules, OfTwoPutsOfOneKeyExactlyOneWins) {
  FlowRef opening[2];
  const size_t count = schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        for (const WorkerId worker : {kA, kB}) {
          opening[index(worker)] = bench->open(kKey, kKey.reversed(), 0, worker);
        }
        const auto put = [&](WorkerId worker) {
          won[index(worker)] = bench->put(opening[index(worker)], Direction::kReply, 0) == Put::kInserted;
        };
        return {[=] { put(kA); }, [=] { put(kB); }};
      },
      [&] {
        ASSERT_EQ(won[0] + won[1], 1) << schedules.current();
        bench->table.roll_back(opening[0]);
        bench->table.roll_back(opening[1]);
        expect_whole(0);
      });
  EXPECT_GE(count, 30u);
}

TEST_F(FlowSchedules, TwoFirstPacketsOfOneFlowMakeOneFlow) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        return {[&] { won[0] = make(kA, kKey, kKey.reversed()); }, [&] { won[1] = make(kB, kKey, kKey.reversed()); }};
      },
      [&] {
        ASSERT_EQ(won[0] + won[1], 1) << schedules.current();
        ASSERT_EQ(bench->find(kKey).id, made[won[0] ? 0 : 1].id) << schedules.current();
        ASSERT_EQ(bench->find(kKey.reversed()).id, made[won[0] ? 0 : 1].id);
        expect_whole(1);
      });
}

// A puts what B puts second, and the other way round: one of them, or neither, never both.
TEST_F(FlowSchedules, CrossingKeyPairsNeverBothWin) {
  size_t neither = 0;
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        // The keys of B are A's with their parts exchanged: its reply is A's original, its original A's reply.
        return {[&] { won[0] = make(kA, kKey, kOtherKey); }, [&] { won[1] = make(kB, kOtherKey, kKey); }};
      },
      [&] {
        ASSERT_LE(won[0] + won[1], 1) << schedules.current();
        neither += won[0] + won[1] == 0 ? 1 : 0;
        expect_whole(static_cast<uint32_t>(won[0] + won[1]));
      });
  EXPECT_GT(neither, 0u);
}

TEST_F(FlowSchedules, AKeyIsFreeFromTheDeathOfItsFlowOn) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kB);
        settle(0);
        return {[&] { won[0] = bench->table.kill(bench->find(kKey)); },
                [&] { won[1] = make(kB, kKey, kKey.reversed()); }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        ASSERT_TRUE(won[0]);
        ASSERT_EQ(static_cast<bool>(bench->find(kKey)), won[1]);
        ASSERT_EQ(static_cast<bool>(bench->find(kKey.reversed())), won[1]);
        expect_whole(won[1] ? 1 : 0);
      });
}

TEST_F(FlowSchedules, OfTwoKillsExactlyOneCounts) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        const FlowRef flow = bench->add(kKey, 0);
        return {[this, flow] { won[0] = bench->table.kill(flow); }, [this, flow] { won[1] = bench->table.kill(flow); }};
      },
      [&] {
        ASSERT_EQ(won[0] + won[1], 1) << schedules.current();
        expect_whole(0);
      });
}

// The flow is over: the wheel of its owner finds it, and so does another worker's packet. One death, told once.
TEST_F(FlowSchedules, TheWheelAndAPacketFindOneDeath) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
        settle(0);
        return {[&] { bench->advance(350'000, 100, kA); },
                [&] {
                  const FlowRef flow = bench->find(kKey);
                  won[1] = flow && bench->table.kill(flow);
                }};
      },
      [&] {
        ASSERT_EQ(bench->listener.deaths.size() + (won[1] ? 1 : 0), 1u) << schedules.current();
        expect_whole(0);
      });
}

// The owner looks at its inbox while another worker moves the flow on or kills it: no call for the owner is lost.
TEST_F(FlowSchedules, TheInboxLosesNothing) {
  for (const bool kill : {false, true}) {
    schedules.run_all(
        [&]() -> std::array<Schedules::Actor, 2> {
          fresh();
          bench->table.timeouts().set(TimeoutClass::kTcpClosed, 10s);
          bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
          return {[&] {
                    bench->advance(0, 100, kA);
                    bench->quiescence.quiescent(Quiescence::slot(kA));
                    bench->advance(0, 100, kA);
                  },
                  [&, kill] {
                    FlowRef flow = bench->find(kKey);
                    won[1] = bench->table.transition(flow, TcpState::kReset, TimeoutClass::kTcpClosed);
                    won[0] = kill && bench->table.kill(flow);
                  }};
        },
        [&] {
          SCOPED_TRACE(schedules.current());
          ASSERT_TRUE(won[1]);
          ASSERT_EQ(won[0], kill);
          if (!kill) {
            settle(9'999);
            ASSERT_EQ(bench->table.live_count(), 1u);
            settle(10'000);
          }
          expect_whole(0);
          ASSERT_EQ(bench->listener.deaths.size(), kill ? 0u : 1u);
        });
  }
}

TEST_F(FlowSchedules, AStampDoesNotReviveTheDead) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        const FlowRef flow = bench->add(kKey, 0);
        return {[this, flow] { bench->table.stamp(flow, 349'999, 0); },
                [this, flow] { won[1] = bench->table.kill(flow); }};
      },
      [&] {
        ASSERT_TRUE(won[1]);
        ASSERT_FALSE(bench->find(kKey)) << schedules.current();
        expect_whole(0);
      });
}

TEST_F(FlowSchedules, TheLastRecordIsTakenOnce) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        for (uint32_t n = 0; n < 3; ++n) {
          bench->add(nth(100 + n), 0);
        }
        return {[&] { won[0] = make(kA, kKey, kKey.reversed()); },
                [&] { won[1] = make(kB, kOtherKey, kOtherKey.reversed()); }};
      },
      [&] {
        ASSERT_EQ(won[0] + won[1], 1) << schedules.current();
        expect_whole(4);
      });
}

// A reader of worker B holds a reference across A's whole reclaim: the record keeps its keys until B has let go.
TEST_F(FlowSchedules, NothingIsReusedUnderAReader) {
  FlowRef held;
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        held = {};
        bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
        settle(0);
        return {[&] {
                  bench->table.kill(bench->find(kKey));
                  for (int burst = 0; burst < 2; ++burst) {
                    bench->advance(0, 100, kA);
                    bench->quiescence.quiescent(Quiescence::slot(kA));
                  }
                },
                [&] {
                  held = bench->find(kKey);
                  step(FlowStep::kStampRead);
                  const uint32_t generation = held ? held.record->control.load().generation : 0;
                  won[1] = !held || (held.record->original() == kKey && generation == held.control.generation);
                  step(FlowStep::kStampRead);
                }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        ASSERT_TRUE(won[1]);
        // B has not been quiescent since its find(): no free record may be the one that it holds.
        if (held) {
          bench->advance(0, 100, kA);
          const FlowRef next = bench->add(kOtherKey, 0, TimeoutClass::kTcpEstablished, kA);
          ASSERT_NE(next.id, held.id);
        }
      });
}

}  // namespace
}  // namespace lapse::test
