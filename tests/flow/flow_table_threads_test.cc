// Two workers on one table: a smoke test that thread sanitizer can judge. Nothing here depends on timing: whatever the
// interleaving, keys are unique, counts are exact and nothing is left.
#include <atomic>
#include <barrier>
#include <random>
#include <thread>
#include <vector>

#include "tests/flow/flow_bench.h"

namespace lapse::test {
namespace {

constexpr size_t kWorkers = 2;
constexpr uint32_t kHotKeys = 64;
constexpr int kBursts = 20'000;

struct Tally {
  uint64_t published = 0;
  uint64_t killed = 0;
};

class CountingListener final : public ExpiryListener {
 public:
  void on_expired(const FlowRef&, Tick) override { ++count; }
  uint64_t count = 0;
};

struct HotTable {
  HotTable() : bench({.capacity = 48, .workers = kWorkers}, 5ms) {}
  FlowBench bench;
  std::atomic<Tick> clock{1000};
};

// A flow that lives before and after another one was seen alive lived at that moment: then their keys differ.
void expect_keys_unique(const FlowTable& table) {
  std::vector<FlowSnapshot> living;
  for (uint32_t id = 0; id < table.record_count(); ++id) {
    if (const auto flow = table.snapshot(FlowId{id})) {
      living.push_back(*flow);
    }
  }
  for (const FlowSnapshot& first : living) {
    for (const FlowSnapshot& second : living) {
      if (first.id < second.id && first.original == second.original) {
        const auto again = table.snapshot(first.id);
        EXPECT_FALSE(again && again->control.generation == first.control.generation)
            << "two living flows have the key " << to_string(first.original);
      }
    }
  }
}

// One packet of key 'n': opens a flow, or uses it, moves it on or ends it.
void packet(HotTable& hot, WorkerId worker, uint32_t n, Tick now, uint32_t dice, CountingListener& listener,
            Tally& tally) {
  FlowTable& table = hot.bench.table;
  const FiveTuple key = nth(n);
  const FiveTuple looked_for = dice % 2 == 0 ? key : key.reversed();
  FlowRef flow = table.find(looked_for, table.hash(looked_for));
  if (flow && !table.is_over(flow, now)) {
    EXPECT_EQ(flow.record->original(), key);
    if (dice % 16 == 0) {
      tally.killed += table.kill(flow) ? 1 : 0;
    } else if (dice % 16 < 4) {
      table.transition(flow, TcpState::kOpenerClosed,
                       dice % 3 == 0 ? TimeoutClass::kTcpClosing : TimeoutClass::kTcpEstablished);
    } else {
      table.stamp(flow, now, 0);
    }
    return;
  }
  FlowRef opening = table.open(worker, now, listener);
  if (!opening) {
    return;
  }
  opening.record->protocol = key.protocol;
  opening.record->scope = 0;
  opening.record->set_original(key);
  if (dice % 4 == 0) {
    // As a NAT that tries another flow's port first; where it is free this flow is given up.
    opening.record->set_reply(nth((n + 1) % kHotKeys).reversed());
    if (table.put(opening, Direction::kReply, table.hash(opening.record->reply()), now, listener) ==
        FlowTable::Put::kInserted) {
      table.roll_back(opening);
      return;
    }
  }
  opening.record->set_reply(key.reversed());
  if (table.put(opening, Direction::kReply, table.hash(key.reversed()), now, listener) == FlowTable::Put::kTaken ||
      table.put(opening, Direction::kOriginal, table.hash(key), now, listener) == FlowTable::Put::kTaken) {
    table.roll_back(opening);
    return;
  }
  ++tally.published;
  table.publish(opening, TcpState::kEstablished, TimeoutClass::kTcpEstablished, now);
}

void run_worker(HotTable& hot, WorkerId worker, CountingListener& listener, Tally& tally) {
  std::mt19937 random(1 + static_cast<unsigned>(worker));
  const Quiescence::Slot slot = Quiescence::slot(worker);
  hot.bench.quiescence.online(slot);
  for (int burst = 0; burst < kBursts; ++burst) {
    const Tick now = hot.clock.fetch_add(random() % 64 == 0 ? 1 : 0);
    for (int i = 0; i < 8; ++i) {
      packet(hot, worker, random() % kHotKeys, now, random(), listener, tally);
    }
    if (burst % 16 == 0) {
      expect_keys_unique(hot.bench.table);
    }
    hot.bench.table.advance(worker, now, 16, listener);
    hot.bench.quiescence.quiescent(slot);
  }
  hot.bench.quiescence.offline(slot);
}

TEST(FlowTableThreads, TwoWorkersOnHotKeys) {
  HotTable hot;
  hot.bench.table.timeouts().set(TimeoutClass::kTcpClosing, 2ms);
  CountingListener listeners[kWorkers];
  Tally tallies[kWorkers];
  std::vector<std::thread> threads;
  std::barrier together(kWorkers);
  for (size_t worker = 0; worker < kWorkers; ++worker) {
    threads.emplace_back(
        [&, worker] { run_worker(hot, WorkerId{static_cast<uint8_t>(worker)}, listeners[worker], tallies[worker]); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const Tick end = hot.clock.load() + 100'000;
  for (int round = 0; round < 4; ++round) {
    for (size_t worker = 0; worker < kWorkers; ++worker) {
      hot.bench.table.advance(WorkerId{static_cast<uint8_t>(worker)}, end, 1 << 20, listeners[worker]);
    }
  }
  EXPECT_EQ(hot.bench.table.live_count(), 0u);
  const uint64_t published = tallies[0].published + tallies[1].published;
  EXPECT_EQ(published, tallies[0].killed + tallies[1].killed + listeners[0].count + listeners[1].count);
  EXPECT_GT(published, 100u);
  // Every record came back: the table can be filled to its capacity, and not beyond.
  for (uint32_t n = 0; n < 48; ++n) {
    EXPECT_TRUE(hot.bench.add(nth(1000 + n), end)) << n;
  }
  EXPECT_FALSE(hot.bench.add(nth(2000), end));
}

}  // namespace
}  // namespace lapse::test
