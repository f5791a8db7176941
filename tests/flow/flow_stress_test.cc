// Several workers on few keys, made to give way in the middle of everything. What each of them saw of each key has to
// have an order (history.h), no record may change under a burst that holds it, and nothing may be left in the end.
//
// LAPSE_STRESS_SECONDS says how long for each number of threads (3); LAPSE_SEED repeats a run.
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include <sched.h>

#include "tests/flow/flow_bench.h"
#include "tests/flow/history.h"
#include "tests/flow/steps.h"
#include "tests/support/random.h"

namespace lapse::test {
namespace {

using Kind = Operation::Kind;
using Put = FlowTable::Put;

constexpr uint32_t kHotKeys = 64;  // for each direction, all in the same eight buckets
constexpr uint32_t kHotBuckets = 8;
constexpr uint32_t kCapacity = 40;
constexpr int kBurstsOfARound = 400;
constexpr int kPacketsOfABurst = 8;
constexpr uint32_t kRecordsOfAnAdvance = 32;  // budget of advance()

// A stamp of the history must not order what the table does not: a relaxed one is nothing to thread sanitizer, and to
// the processor it is the same locked addition.
std::atomic<uint64_t> history_clock{1};
uint64_t moment() {
  return history_clock.fetch_add(1, std::memory_order_relaxed);
}

uint64_t name_of(const FlowRef& flow) {
  return uint64_t{flow.control.generation} << 32 | static_cast<uint32_t>(flow.id);
}

class Yielding final : public StepHook {
 public:
  explicit Yielding(uint64_t seed) : random_(seed) {}
  void at(FlowStep where) override {
    ++passed[static_cast<size_t>(where)];
    const uint64_t dice = random_.below(16);
    if (dice < 2) {
      sched_yield();
    } else if (dice < 6) {
      for (uint64_t spin = random_.below(400); spin > 0; --spin) {
        __builtin_ia32_pause();
      }
    }
  }
  uint64_t passed[static_cast<size_t>(FlowStep::kCount)] = {};

 private:
  Random random_;
};

// Keys of both directions: numbers below kHotKeys are originals, those above replies.
struct HotKeys {
  explicit HotKeys(const FlowTable& table) {
    for (uint32_t n = 0; originals.size() < kHotKeys; ++n) {
      if (is_hot(table, nth(n), 0)) {
        originals.push_back(nth(n));
      }
    }
    for (uint32_t n = 0; replies.size() < kHotKeys; ++n) {
      if (is_hot(table, nth(n).reversed(), kHotBuckets)) {
        replies.push_back(nth(n).reversed());
      }
    }
  }
  static bool is_hot(const FlowTable& table, const FiveTuple& key, uint64_t first) {
    const auto [one, other] = table.key_index().buckets(table.hash(key));
    return one - first < kHotBuckets && other - first < kHotBuckets;
  }
  uint32_t number(const FiveTuple& key) const {
    for (uint32_t n = 0; n < kHotKeys; ++n) {
      if (originals[n] == key) {
        return n;
      }
      if (replies[n] == key) {
        return kHotKeys + n;
      }
    }
    ADD_FAILURE() << "a flow has a key that nobody put: " << lapse::to_string(key);
    return 0;
  }
  std::vector<FiveTuple> originals;
  std::vector<FiveTuple> replies;
};

struct HotTable {
  explicit HotTable(size_t workers) : bench({.capacity = kCapacity, .workers = workers}, 6ms), keys(bench.table) {
    use_up_records();
  }
  // Every record has been used once and is free in the first worker's list: the others have to take theirs from there.
  void use_up_records() {
    for (int round = 0; bench.table.free_count() < bench.table.record_count() || bench.table.record_count() < 1000;
         ++round) {
      ASSERT_LT(round, 10'000) << "records do not come back";
      while (const FlowRef flow = bench.add(nth(bench.table.record_count()), 0)) {
        bench.table.kill(flow);
      }
      bench.advance(0);
      bench.advance(0);
    }
  }
  FlowBench bench;
  HotKeys keys;
  std::atomic<Tick> clock{1000};
};

class HotWorker final : public ExpiryListener {
 public:
  HotWorker(HotTable& hot, WorkerId id, uint64_t seed)
      : hot_(hot),
        table_(hot.bench.table),
        id_(id),
        random_(seed),
        yielding_(seed + 1),
        history_(2 * size_t{kHotKeys}) {}

  void run() {
    const HookScope scope(yielding_);
    const Quiescence::Slot slot = Quiescence::slot(id_);
    hot_.bench.quiescence.online(slot);
    for (int burst = 0; burst < kBurstsOfARound; ++burst) {
      now_ = hot_.clock.fetch_add(random_.one_in(16) ? 1 : 0, std::memory_order_relaxed);
      burst_of_packets();
      check_held();
      housekeeping();
      hot_.bench.quiescence.quiescent(slot);
    }
    hot_.bench.quiescence.offline(slot);
  }

  void on_expired(const FlowRef& flow, Tick expired) override {
    EXPECT_LE(static_cast<int32_t>(expired - now_), 0) << "the event lies in the future";
    end(flow, call_began_);
    ++ended;
  }

  std::vector<Operation>& history(uint32_t key) { return history_[key]; }
  const Yielding& yielding() const { return yielding_; }
  uint64_t published = 0;
  uint64_t ended = 0;

 private:
  void record(uint32_t key, Kind kind, uint64_t invoked, uint64_t flow = Operation::kNoFlow) {
    history_[key].push_back({invoked, moment(), flow, kind});
  }
  void end(const FlowRef& flow, uint64_t invoked) {
    record(hot_.keys.number(flow.record->original()), Kind::kEnded, invoked, name_of(flow));
    record(hot_.keys.number(flow.record->reply()), Kind::kEnded, invoked, name_of(flow));
  }

  // In passes, as boxes do: what the second one guesses may be long out of date in the third.
  void burst_of_packets() {
    struct {
      uint32_t n;
      bool answer;
    } packets[kPacketsOfABurst];
    uint64_t hashes[kPacketsOfABurst];
    FlowTable::Guess guesses[kPacketsOfABurst];
    for (int i = 0; i < kPacketsOfABurst; ++i) {
      packets[i] = {static_cast<uint32_t>(random_.below(kHotKeys)), random_.one_in(2)};
      hashes[i] = table_.hash(key_of(packets[i].n, packets[i].answer));
    }
    table_.prefetch_records(hashes, guesses);
    for (int i = 0; i < kPacketsOfABurst; ++i) {
      packet(packets[i].n, packets[i].answer, hashes[i], guesses[i]);
    }
  }

  const FiveTuple& key_of(uint32_t n, bool answer) const {
    return answer ? hot_.keys.replies[n] : hot_.keys.originals[n];
  }

  void packet(uint32_t n, bool answer, uint64_t hash, FlowTable::Guess guess) {
    const FiveTuple& key = key_of(n, answer);
    const uint64_t began = moment();
    FlowRef flow;
    table_.find(key, hash, guess, flow);
    record(answer ? kHotKeys + n : n, flow ? Kind::kFound : Kind::kMissed, began, flow ? name_of(flow) : 0);
    if (flow) {
      EXPECT_EQ(flow.record->tuple(flow.direction), key);
      held_.push_back(flow);
      use(flow);
    } else if (!answer) {
      open(n);
    }
  }

  void use(FlowRef flow) {
    const auto expired = table_.expired(flow, now_);
    const uint64_t dice = random_.below(8);
    if (expired || dice == 0) {
      call_began_ = moment();
      if (table_.kill(flow)) {
        end(flow, call_began_);
        ++ended;
      }
    } else if (dice < 3) {
      table_.transition(flow, TcpState::kOpenerClosed,
                        random_.one_in(2) ? TimeoutClass::kTcpClosing : TimeoutClass::kTcpEstablished);
    } else if (dice < 6) {
      table_.stamp(flow, now_, 0);
      EXPECT_GE(static_cast<int32_t>(flow.record->last_seen.load(std::memory_order_relaxed) - now_), 0)
          << "a stamp went back";
    }
  }

  // As a NAT: some tries for a reply key, then the original one, or everything back.
  void open(uint32_t n) {
    call_began_ = moment();
    FlowRef opening = table_.open(id_, now_, *this);
    if (!opening) {
      return;
    }
    opening.record->protocol = hot_.keys.originals[n].protocol;
    opening.record->scope = 0;
    opening.record->set_original(hot_.keys.originals[n]);
    uint32_t port = 0;
    bool has_port = false;
    for (int probe = 0; probe < 3 && !has_port; ++probe) {
      port = static_cast<uint32_t>(random_.below(kHotKeys));
      opening.record->set_reply(hot_.keys.replies[port]);
      has_port = put(opening, Direction::kReply, kHotKeys + port);
    }
    const bool has_both = has_port && put(opening, Direction::kOriginal, n);
    const uint64_t began = moment();
    if (!has_both || random_.one_in(16)) {
      table_.roll_back(opening);
      if (has_port) {
        record(kHotKeys + port, Kind::kEnded, began, name_of(opening));
      }
      if (has_both) {
        record(n, Kind::kEnded, began, name_of(opening));
      }
      return;
    }
    table_.publish(opening, TcpState::kEstablished, TimeoutClass::kTcpEstablished, now_);
    record(n, Kind::kPublished, began, name_of(opening));
    record(kHotKeys + port, Kind::kPublished, began, name_of(opening));
    ++published;
  }

  bool put(const FlowRef& opening, Direction direction, uint32_t key) {
    call_began_ = moment();
    const uint64_t hash = table_.hash(opening.record->tuple(direction));
    const bool inserted = table_.put(opening, direction, hash, now_, *this) == Put::kInserted;
    record(key, inserted ? Kind::kInserted : Kind::kTaken, call_began_, inserted ? name_of(opening) : 0);
    return inserted;
  }

  // Whatever has died meanwhile, this burst still holds it: no record may have been given to another flow.
  void check_held() {
    for (const FlowRef& flow : held_) {
      EXPECT_EQ(flow.record->control.load(std::memory_order_acquire).generation, flow.control.generation)
          << "record " << static_cast<uint32_t>(flow.id) << " was reused under a reader";
    }
    held_.clear();
  }

  void housekeeping() {
    if (random_.one_in(64)) {
      const auto milliseconds = std::chrono::milliseconds(2 + random_.below(8));
      table_.timeouts().set(random_.one_in(2) ? TimeoutClass::kTcpClosing : TimeoutClass::kTcpEstablished,
                            milliseconds);
    }
    call_began_ = moment();
    if (random_.one_in(8)) {
      table_.reap(id_, now_, 8, *this);
    } else if (!random_.one_in(4)) {
      table_.advance(id_, now_, kRecordsOfAnAdvance, *this);
    }
  }

  HotTable& hot_;
  FlowTable& table_;
  WorkerId id_;
  Random random_;
  Yielding yielding_;
  Tick now_ = 0;
  uint64_t call_began_ = 0;
  std::vector<FlowRef> held_;
  std::vector<std::vector<Operation>> history_;  // by key
};

class FlowStress : public testing::TestWithParam<size_t> {
 protected:
  static void check_histories(const std::vector<std::unique_ptr<HotWorker>>& workers) {
    for (uint32_t key = 0; key < 2 * kHotKeys; ++key) {
      std::vector<Operation> all;
      for (const auto& worker : workers) {
        all.insert(all.end(), worker->history(key).begin(), worker->history(key).end());
      }
      operations += all.size();
      const std::string wrong = check(std::move(all));
      ASSERT_EQ(wrong, "") << "key " << key;
    }
  }

  // Every record comes back, every key can be had again, and there is room for as many flows as ever.
  static void expect_nothing_is_left(HotTable& hot, const std::vector<std::unique_ptr<HotWorker>>& workers) {
    const Tick end = hot.clock.load() + 100'000;
    for (int round = 0; round < 6; ++round) {
      for (size_t worker = 0; worker < workers.size(); ++worker) {
        hot.bench.advance(end, 1 << 20, WorkerId{static_cast<uint8_t>(worker)});
      }
    }
    uint64_t published = 0;
    uint64_t ended = hot.bench.listener.deaths.size();
    for (const auto& worker : workers) {
      published += worker->published;
      ended += worker->ended;
    }
    ASSERT_EQ(published, ended);
    ASSERT_EQ(hot.bench.table.live_count(), 0u);
    ASSERT_EQ(hot.bench.table.key_index().words(), 0u);
    ASSERT_EQ(hot.bench.table.free_count(), hot.bench.table.record_count());
    for (uint32_t n = 0; n < kCapacity; ++n) {
      ASSERT_TRUE(hot.bench.add(hot.keys.originals[n], end)) << n;
    }
    ASSERT_FALSE(hot.bench.add(hot.keys.originals[kCapacity], end));
  }

  static void round(size_t threads, uint64_t seed) {
    SCOPED_TRACE(testing::Message() << "round of seed " << seed);
    HotTable hot(threads);
    std::vector<std::unique_ptr<HotWorker>> workers;
    for (size_t worker = 0; worker < threads; ++worker) {
      workers.push_back(
          std::make_unique<HotWorker>(hot, WorkerId{static_cast<uint8_t>(worker)}, seed * 1000 + 10 * worker));
    }
    std::barrier together(static_cast<std::ptrdiff_t>(threads));
    std::vector<std::thread> running;
    for (const auto& worker : workers) {
      running.emplace_back([&together, &worker] {
        together.arrive_and_wait();
        worker->run();
      });
    }
    for (auto& thread : running) {
      thread.join();
    }
    check_histories(workers);
    if (!HasFatalFailure()) {
      expect_nothing_is_left(hot, workers);
    }
    for (const auto& worker : workers) {
      for (size_t step = 0; step < static_cast<size_t>(FlowStep::kCount); ++step) {
        passed[step] += worker->yielding().passed[step];
      }
    }
  }

  void SetUp() override {
    operations = 0;
    std::fill(std::begin(passed), std::end(passed), 0);
  }

  static uint64_t operations;
  static uint64_t passed[static_cast<size_t>(FlowStep::kCount)];
};
uint64_t FlowStress::operations = 0;
uint64_t FlowStress::passed[static_cast<size_t>(FlowStep::kCount)] = {};

std::chrono::duration<double> time_for_each() {
  const char* const text = std::getenv("LAPSE_STRESS_SECONDS");
  return std::chrono::duration<double>(text == nullptr ? 3.0 : std::strtod(text, nullptr));
}

TEST_P(FlowStress, EveryKeyHasAnOrder) {
  const uint64_t first = seed(20261121 + GetParam());
  const auto until = std::chrono::steady_clock::now() + time_for_each();
  uint64_t rounds = 0;
  do {
    round(GetParam(), first + rounds++);
  } while (!HasFailure() && std::chrono::steady_clock::now() < until);
  std::printf("%zu threads: %llu rounds, %llu operations\n", GetParam(), static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(operations));
  if (HasFailure()) {
    return;
  }
  for (auto step = FlowStep{}; step < FlowStep::kPairLookedFor;
       step = static_cast<FlowStep>(static_cast<int>(step) + 1)) {
    EXPECT_GT(passed[static_cast<size_t>(step)], 0u) << "nobody came by step " << static_cast<int>(step);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, FlowStress, testing::Values(2, 3, 4));

}  // namespace
}  // namespace lapse::test
