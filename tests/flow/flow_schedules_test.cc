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
  void fresh(uint32_t capacity = 4) {
    bench.reset();
    bench = std::make_unique<FlowBench>(FlowTable::Options{.capacity = capacity, .workers = 2});
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
    ASSERT_EQ(bench->table.key_index().words(), 0u);
    ASSERT_EQ(bench->table.free_count(), bench->table.record_count());
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

// The worker whose burst began earlier may come second: the flow was seen at the later time all the same.
TEST_F(FlowSchedules, OfTwoStampsTheLaterOneStays) {
  FlowRef flow;
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        flow = bench->add(kKey, 0);
        return {[&] { bench->table.stamp(flow, 10, 0); }, [&] { bench->table.stamp(flow, 12, 0); }};
      },
      [&] { ASSERT_EQ(flow.record->last_seen.load(), 12u) << schedules.current(); });
}

// Two packets of one burst carry the same time, and a burst that is late carries less: neither moves the stamp.
TEST_F(FlowSchedules, TwoPacketsOfOneBurstStampOnce) {
  FlowRef flow;
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        flow = bench->add(kKey, 0);
        return {[&] {
                  bench->table.stamp(flow, 10, 0);
                  bench->table.stamp(flow, 10, 0);
                },
                [&] {
                  bench->table.stamp(flow, 9, 0);
                  bench->table.stamp(flow, 9, 0);
                }};
      },
      [&] { ASSERT_EQ(flow.record->last_seen.load(), 10u) << schedules.current(); });
}

// A finds the flow over while B, whose burst began earlier, still stamps it: the event names the time that A saw.
TEST_F(FlowSchedules, TheTimeOfADeathIsNotInTheFuture) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        const FlowRef flow = bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
        settle(0);
        return {[&] { bench->advance(350'000, 100, kA); }, [this, flow] { bench->table.stamp(flow, 349'999, 0); }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        for (const Death& death : bench->listener.deaths) {
          ASSERT_EQ(death.expired, 350'000u);
        }
        expect_whole(static_cast<uint32_t>(1 - bench->listener.deaths.size()));
      });
}

// Put of a key while its last holder is reclaimed: the words of the dead are never taken for those of the new flow.
TEST_F(FlowSchedules, APutAndTheRemovalOfTheLastHolder) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        const FlowRef last = bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
        settle(0);
        bench->table.kill(last);
        return {[&] {
                  for (int burst = 0; burst < 3; ++burst) {
                    bench->advance(0, 100, kA);
                    bench->quiescence.quiescent(Quiescence::slot(kA));
                  }
                },
                [&] {
                  won[1] = make(kB, kKey, kKey.reversed());
                  bench->quiescence.quiescent(Quiescence::slot(kB));
                }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        ASSERT_TRUE(won[1]);
        ASSERT_EQ(bench->find(kKey).id, made[1].id);
        ASSERT_EQ(bench->find(kKey.reversed()).id, made[1].id);
        expect_whole(1);
      });
}

// The flow in the way is over: two workers put a key of it each, and one death is told.
TEST_F(FlowSchedules, TwoPutsBuryOneDeadHolder) {
  FlowRef opening[2];
  for (const bool same_key : {false, true}) {
    schedules.run_all(
        [&, same_key]() -> std::array<Schedules::Actor, 2> {
          fresh();
          bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
          settle(0);
          opening[0] = bench->open(kKey, kOtherKey, 350'000, kA);
          opening[1] = bench->open(same_key ? kKey : kOtherKey, kKey.reversed(), 350'000, kB);
          const auto put = [&](WorkerId worker, Direction direction) {
            won[index(worker)] = bench->put(opening[index(worker)], direction, 350'000) == Put::kInserted;
          };
          return {[=] { put(kA, Direction::kOriginal); },
                  [=] { put(kB, same_key ? Direction::kOriginal : Direction::kReply); }};
        },
        [&] {
          SCOPED_TRACE(schedules.current());
          ASSERT_EQ(won[0] + won[1], same_key ? 1 : 2);
          ASSERT_EQ(bench->listener.deaths.size(), 1u);
          ASSERT_EQ(bench->listener.deaths[0].expired, 350'000u);
          bench->table.roll_back(opening[0]);
          bench->table.roll_back(opening[1]);
          expect_whole(0);
        });
  }
}

// The one flow that there is room for is over and belongs to A. B finds room in every schedule but those in which A is
// at that very work, and even then nothing is lost and the death is told once.
TEST_F(FlowSchedules, RoomIsMadeFromAnotherWorkersDead) {
  size_t refused_before_death = 0;
  size_t made = 0;
  FlowRef opened;
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh(1);
        opened = {};
        bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
        settle(0);
        return {[&] { bench->advance(350'000, 2, kA); },
                [&] { opened = bench->table.open(kB, 350'000, bench->listener); }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        made += opened ? 1 : 0;
        refused_before_death += opened ? 0 : 1;
        ASSERT_TRUE(opened || schedules.current().starts_with('A')) << "nobody else is at it";
        ASSERT_EQ(bench->listener.deaths.size(), 1u);
        if (opened) {
          bench->table.roll_back(opened);
        }
        settle(350'000);
        ASSERT_EQ(bench->table.live_count(), 0u);
        ASSERT_EQ(bench->table.free_count(), bench->table.record_count());
      });
  EXPECT_GT(made, refused_before_death);
}

// B does A's work while A rolls back, kills, moves on: what A hands over in the meantime is not lost.
TEST_F(FlowSchedules, AWorkerGoesOnWhileAnotherDoesItsReclaim) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        bench->table.timeouts().set(TimeoutClass::kTcpClosed, 10s);
        for (uint32_t n = 0; n < 3; ++n) {
          bench->add(nth(100 + n), 0, TimeoutClass::kTcpEstablished, kA);
        }
        settle(0);
        return {[&] {
                  FlowRef flow = bench->find(nth(101));
                  bench->table.transition(flow, TcpState::kReset, TimeoutClass::kTcpClosed);
                  const FlowRef opening = bench->open(kKey, kKey.reversed(), 0, kA);
                  bench->put(opening, Direction::kReply, 0);
                  bench->table.roll_back(opening);
                },
                [&] { bench->table.reap(kB, 0, 100, bench->listener); }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        settle(9'999);
        ASSERT_EQ(bench->table.live_count(), 3u);
        settle(10'000);
        ASSERT_EQ(bench->table.live_count(), 2u);
        expect_whole(2);
      });
}

// Both workers file again after a timeout was shortened: each its own flows, and every flow dies on its new tick.
TEST_F(FlowSchedules, EachWorkerFilesItsOwnFlowsAgain) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        bench->add(nth(100), 0, TimeoutClass::kTcpEstablished, kA);
        bench->add(nth(101), 0, TimeoutClass::kTcpEstablished, kB);
        settle(0);
        bench->table.timeouts().set(TimeoutClass::kTcpEstablished, 60s);
        return {[&] { bench->advance(0, 100, kA); }, [&] { bench->advance(0, 100, kB); }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        for (const WorkerId worker : {kA, kB}) {
          ASSERT_LE(bench->table.next_deadline(worker, 0), std::optional<Tick>(60'000)) << index(worker);
          bench->advance(59'999, 100, worker);
          ASSERT_EQ(bench->listener.deaths.size(), index(worker));
          bench->advance(60'000, 100, worker);
          ASSERT_EQ(bench->listener.deaths.size(), index(worker) + 1) << "each finds its own";
        }
        expect_whole(0);
      });
}

// A timeout is shortened while a flow moves to its class: whoever comes second sees the other.
TEST_F(FlowSchedules, AMoveAndAShortenedTimeout) {
  schedules.run_all(
      [&]() -> std::array<Schedules::Actor, 2> {
        fresh();
        bench->table.timeouts().set(TimeoutClass::kTcpClosing, 400s);
        bench->add(kKey, 0, TimeoutClass::kTcpEstablished, kA);
        settle(0);
        return {[&] {
                  bench->table.timeouts().set(TimeoutClass::kTcpClosing, 20s);
                  bench->advance(0, 100, kA);
                },
                [&] {
                  FlowRef flow = bench->find(kKey);
                  won[1] = bench->table.transition(flow, TcpState::kOpenerClosed, TimeoutClass::kTcpClosing);
                }};
      },
      [&] {
        SCOPED_TRACE(schedules.current());
        ASSERT_TRUE(won[1]);
        settle(19'999);
        ASSERT_EQ(bench->table.live_count(), 1u);
        settle(20'000);
        ASSERT_EQ(bench->table.live_count(), 0u);
        expect_whole(0);
      });
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
