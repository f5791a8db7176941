// The flow table alone: lookups in bursts of 32 in three passes, as a box does them, and the life of a flow.
// Compare only what ran in the same minutes; 'bytes_a_flow' is all that the table has mapped.
#include <memory>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"

#include "dataplane/flow/flow_table.h"

namespace lapse {
namespace {

constexpr WorkerId kWorker{0};
constexpr size_t kBurst = 32;
constexpr Tick kNow = 1000;

class Silent final : public ExpiryListener {
 public:
  void on_expired(const FlowRef&, Tick) override {}
};

FiveTuple nth(uint32_t n) {
  return {be32(0x0a000000 + (n >> 12)), be32(0xcb007150), be16(static_cast<uint16_t>(1024 + (n & 4095))), be16(443), 6};
}

struct Filled {
  explicit Filled(uint32_t flows)
      : table({.capacity = flows + flows / 8, .hash_key = {0x243f6a8885a308d3ULL, 0x13198a2e03707344ULL}}, quiescence) {
    table.timeouts().set(TimeoutClass::kTcpEstablished, std::chrono::seconds(350));
    for (uint32_t n = 0; n < flows; ++n) {
      add(n);
      table.advance(kWorker, kNow, 64, silent);
    }
  }

  FlowRef add(uint32_t n) {
    FlowRef flow = table.open(kWorker, kNow, silent);
    const FiveTuple key = nth(n);
    flow.record->protocol = key.protocol;
    flow.record->scope = 0;
    flow.record->set_original(key);
    flow.record->set_reply(key.reversed());
    table.put(flow, Direction::kReply, table.hash(key.reversed()), kNow, silent);
    table.put(flow, Direction::kOriginal, table.hash(key), kNow, silent);
    table.publish(flow, TcpState::kEstablished, TimeoutClass::kTcpEstablished, kNow);
    return flow;
  }

  Quiescence quiescence;
  Silent silent;
  FlowTable table;
};

Filled& filled(uint32_t flows) {
  static std::unique_ptr<Filled> kept;
  static uint32_t kept_flows = 0;
  if (kept_flows != flows) {
    kept.reset();
    kept = std::make_unique<Filled>(flows);
    kept_flows = flows;
  }
  return *kept;
}

void report(benchmark::State& state, const Filled& table) {
  state.counters["time_each"] = benchmark::Counter(static_cast<double>(state.items_processed()),
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_a_flow"] = static_cast<double>(table.table.memory_bytes()) / table.table.capacity();
}

// Uniform over all flows, or over as many keys that are in no flow; a hit is stamped.
void find(benchmark::State& state, uint32_t first_key) {
  const auto flows = static_cast<uint32_t>(state.range(0));
  Filled& all = filled(flows);
  uint32_t random = 12345;
  Tick now = kNow;
  uint64_t found = 0;
  for (auto _ : state) {
    FiveTuple keys[kBurst];
    uint64_t hashes[kBurst];
    for (size_t i = 0; i < kBurst; ++i) {
      random = random * 1664525 + 1013904223;
      const auto n = static_cast<uint32_t>(uint64_t{random} * flows >> 32);
      keys[i] = nth(first_key + n);
      hashes[i] = all.table.hash(keys[i]);
      all.table.prefetch_buckets(hashes[i]);
    }
    for (const uint64_t hash : hashes) {
      all.table.prefetch_record(hash);
    }
    ++now;
    for (size_t i = 0; i < kBurst; ++i) {
      if (const FlowRef flow = all.table.find(keys[i], hashes[i])) {
        all.table.stamp(flow, kNow + now % 2, 0);
        ++found;
      }
    }
  }
  benchmark::DoNotOptimize(found);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBurst));
  report(state, all);
}

void BM_FindHit(benchmark::State& state) {
  find(state, 0);
}
void BM_FindMiss(benchmark::State& state) {
  find(state, 1u << 28);
}

// A flow from open() to the reuse of its record: both keys, wheel, kill, unlink, grace period.
void BM_InsertAndKill(benchmark::State& state) {
  const auto flows = static_cast<uint32_t>(state.range(0));
  Filled& all = filled(flows);
  uint32_t next = 1u << 27;
  for (auto _ : state) {
    for (size_t i = 0; i < kBurst; ++i) {
      const FlowRef flow = all.add(next++);
      all.table.kill(flow);
    }
    all.table.advance(kWorker, kNow, 256, all.silent);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBurst));
  report(state, all);
}

// Every flow is over: what the wheel needs for each, until its record is free.
void BM_Expire(benchmark::State& state) {
  const auto flows = static_cast<uint32_t>(state.range(0));
  int64_t expired = 0;
  for (auto _ : state) {
    state.PauseTiming();
    auto all = std::make_unique<Filled>(flows);
    while (all->table.advance(kWorker, kNow, 1024, all->silent) != 0) {
    }
    state.ResumeTiming();
    while (all->table.advance(kWorker, kNow + 400'000, 256, all->silent) != 0) {
    }
    expired += flows;
    state.PauseTiming();
    all.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(expired);
  state.counters["time_each"] =
      benchmark::Counter(static_cast<double>(expired), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(BM_FindHit)->Arg(1 << 16)->Arg(1 << 20);
BENCHMARK(BM_FindMiss)->Arg(1 << 16)->Arg(1 << 20);
BENCHMARK(BM_InsertAndKill)->Arg(1 << 16)->Arg(1 << 20);
BENCHMARK(BM_Expire)->Arg(1 << 16)->Arg(1 << 20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace lapse

BENCHMARK_MAIN();
