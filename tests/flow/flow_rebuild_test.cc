// A writer stops for good at each marked step of each thing it does. Then index, wheels, inboxes and free lists are made
// anew from the records, and the table is whole: what was live lives on under both its keys and dies on its tick, what
// was not is gone, and there is room for as many flows as ever.
#include <functional>
#include <map>
#include <memory>
#include <semaphore>
#include <set>
#include <thread>

#include "tests/flow/flow_bench.h"
#include "tests/flow/steps.h"

namespace lapse::test {
namespace {

constexpr WorkerId kWriter{0};
constexpr WorkerId kOther{1};
constexpr uint32_t kCapacity = 8;
constexpr Tick kNow = 400'000;
constexpr Tick kBefore = kNow - 2000;  // nothing that was live is over yet

// Thrown out of the step when everything has been looked at: the writer's part of the world is about to go.
struct NeverMind {};

// Runs 'work' in a thread of its own until it has passed 'steps' steps, and leaves it standing there.
class StoppedWriter final : public StepHook {
 public:
  StoppedWriter(const std::function<void()>& work, size_t steps) : left_(steps) {
    thread_ = std::thread([this, &work] {
      const HookScope hook(*this);
      try {
        work();
        finished_ = true;
      } catch (const NeverMind&) {
      }
      stands_.release();
    });
    stands_.acquire();
  }
  ~StoppedWriter() override {
    go_.release();
    thread_.join();
  }
  void at(FlowStep where) override {
    if (left_-- == 0) {
      where_ = where;
      stands_.release();
      go_.acquire();
      throw NeverMind{};
    }
  }
  bool finished() const { return finished_; }
  FlowStep where() const { return where_; }

 private:
  size_t left_;
  bool finished_ = false;
  FlowStep where_{};
  std::binary_semaphore stands_{0};
  std::binary_semaphore go_{0};
  std::thread thread_;
};

class FlowRebuild : public testing::Test {
 protected:
  // Six flows of both workers: filed and not yet filed, with one that is over at kNow, one killed and not yet reclaimed,
  // one that waits for its grace period.
  void fresh() {
    bench.reset();
    bench = std::make_unique<FlowBench>(FlowTable::Options{.capacity = kCapacity, .workers = 2});
    bench->table.timeouts().set(TimeoutClass::kTcpClosed, 200s);
    bench->quiescence.online(Quiescence::slot(kWriter));
    for (uint32_t n = 0; n < 6; ++n) {
      const Tick seen = n == 0 ? kNow - 350'000 : kNow - 100'000 + n;
      ASSERT_TRUE(bench->add(nth(n), seen, TimeoutClass::kTcpEstablished, n % 2 == 0 ? kWriter : kOther));
      if (n == 3) {
        ASSERT_TRUE(bench->table.kill(bench->find(nth(1))));
        bench->advance(kNow - 100'000, 100, kWriter);
        bench->advance(kNow - 100'000, 100, kOther);
      }
    }
    ASSERT_TRUE(bench->table.kill(bench->find(nth(2))));
    bench->listener.deaths.clear();
  }

  // Stops a writer at every step of 'work'.
  void stop_everywhere(const std::function<void()>& work) {
    for (size_t steps = 0;; ++steps) {
      fresh();
      const StoppedWriter writer(work, steps);
      if (writer.finished()) {
        ASSERT_GT(steps, 0u);
        return;
      }
      stopped_at.insert(writer.where());
      SCOPED_TRACE(testing::Message() << "step " << steps << ", kind " << static_cast<int>(writer.where()));
      bench->quiescence.offline(Quiescence::slot(kWriter));
      const auto living = living_records();
      bench->table.rebuild();
      expect_whole(living);
      if (HasFatalFailure()) {
        return;
      }
    }
  }

  // By record: what the records alone say.
  std::map<uint32_t, FlowSnapshot> living_records() const {
    std::map<uint32_t, FlowSnapshot> living;
    for (uint32_t id = 0; id < bench->table.record_count(); ++id) {
      if (const auto flow = bench->table.snapshot(FlowId{id})) {
        living.emplace(id, *flow);
      }
    }
    return living;
  }

  void expect_whole(const std::map<uint32_t, FlowSnapshot>& living) {
    FlowTable& table = bench->table;
    ASSERT_EQ(table.live_count(), living.size());
    ASSERT_EQ(table.key_index().words(), 2 * living.size());
    ASSERT_EQ(table.free_count(), table.record_count() - living.size());
    std::multiset<Tick> deadlines;
    for (const auto& [id, flow] : living) {
      ASSERT_EQ(bench->find(flow.original).id, FlowId{id});
      ASSERT_EQ(bench->find(flow.reply).id, FlowId{id});
      deadlines.insert(flow.last_seen + table.timeouts().milliseconds(flow.control.timeout_class));
    }
    std::set<FlowId> ids;
    for (size_t n = living.size(); n < kCapacity; ++n) {
      const FlowRef flow = bench->add(nth(static_cast<uint32_t>(100 + n)), kBefore, TimeoutClass::kTcpEstablished,
                                      n % 2 == 0 ? kWriter : kOther);
      ASSERT_TRUE(flow && ids.insert(flow.id).second && !living.contains(static_cast<uint32_t>(flow.id)));
      deadlines.insert(kBefore + table.timeouts().milliseconds(TimeoutClass::kTcpEstablished));
    }
    ASSERT_FALSE(bench->add(nth(200), kBefore));
    expect_each_dies_once(deadlines);
  }

  void expect_each_dies_once(const std::multiset<Tick>& deadlines) {
    bench->listener.deaths.clear();
    for (int round = 0; round < 4; ++round) {
      bench->advance(kNow + 350'000, 1 << 20, kWriter);
      bench->advance(kNow + 350'000, 1 << 20, kOther);
    }
    std::multiset<Tick> told;
    for (const Death& death : bench->listener.deaths) {
      told.insert(death.expired);
    }
    ASSERT_EQ(told, deadlines);
    ASSERT_EQ(bench->table.live_count(), 0u);
    ASSERT_EQ(bench->table.key_index().words(), 0u);
    ASSERT_EQ(bench->table.free_count(), bench->table.record_count());
  }

  std::unique_ptr<FlowBench> bench;
  std::set<FlowStep> stopped_at;
};

// Every step of the table has to be among them, so that a new one is not forgotten here.
TEST_F(FlowRebuild, AWriterThatStopsAnywhereLeavesTheRecordsWhole) {
  const std::pair<const char*, std::function<void()>> works[] = {
      {"a new flow", [&] { bench->add(nth(50), kBefore); }},
      {"a new flow whose key a dead one holds", [&] { bench->add(nth(0), kNow); }},
      {"a flow whose key is taken",
       [&] {
         const FlowRef opening = bench->open(nth(4), nth(50).reversed(), kBefore, kWriter);
         bench->put(opening, Direction::kReply, kBefore);
         bench->put(opening, Direction::kOriginal, kBefore);
         bench->table.roll_back(opening);
       }},
      {"a death", [&] { bench->table.kill(bench->find(nth(3))); }},
      {"a move",
       [&] {
         FlowRef flow = bench->find(nth(4));
         bench->table.transition(flow, TcpState::kReset, TimeoutClass::kTcpClosed);
       }},
      {"a stamp", [&] { bench->table.stamp(bench->find(nth(5)), kBefore, 0); }},
      {"reclaim",
       [&] {
         for (int burst = 0; burst < 3; ++burst) {
           bench->advance(kNow, 100, kWriter);
           bench->quiescence.quiescent(Quiescence::slot(kWriter));
         }
       }},
      {"reclaim after a shortened timeout",
       [&] {
         bench->table.timeouts().set(TimeoutClass::kTcpEstablished, 349s);
         bench->advance(kBefore, 100, kWriter);
       }},
      {"another worker's reclaim", [&] { bench->table.reap(kOther, kNow, 100, bench->listener); }},
  };
  for (const auto& [name, work] : works) {
    SCOPED_TRACE(name);
    stop_everywhere(work);
    if (HasFatalFailure()) {
      return;
    }
  }
  for (int step = 0; step < static_cast<int>(FlowStep::kPairLookedFor); ++step) {
    EXPECT_TRUE(stopped_at.contains(FlowStep{static_cast<uint8_t>(step)})) << "nobody stopped at step " << step;
  }
}

}  // namespace
}  // namespace lapse::test
