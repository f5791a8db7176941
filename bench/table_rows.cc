// The flow table alone. Lookups go in bursts and passes as in a box; a hit is stamped.
#include <array>
#include <ctime>

#include "bench/rows.h"

namespace lapse::bench {
namespace {

// Flows that are added and removed again while all others stay.
constexpr uint32_t kChurned = 4096;

// At ten million packets a second a tick of the clock lasts so many bursts.
constexpr uint32_t kBurstsATick = 256;

// Uniform over all flows, or over as many keys that are in no flow.
void find(benchmark::State& state, FilledTable& filled, uint32_t first) {
  const FlowTable& table = filled.table();
  RandomFlow random(filled.flows());
  uint32_t bursts = 0;
  uint64_t found = 0;
  for (auto _ : state) {
    std::array<FiveTuple, kBurst> keys;
    std::array<uint64_t, kBurst> hashes;
    std::array<FlowTable::Guess, kBurst> guesses;
    for (FiveTuple& key : keys) {
      key = filled.numbers().tuple(first + random.next());
    }
    benchmark::ClobberMemory();
    for (size_t i = 0; i < kBurst; ++i) {
      hashes[i] = table.hash(keys[i]);
      table.prefetch_bucket(hashes[i]);
    }
    table.prefetch_records(hashes, guesses.data());
    const Tick now = filled.now(++bursts % kBurstsATick == 0 ? 1 : 0);
    for (size_t i = 0; i < kBurst; ++i) {
      if (FlowRef flow; table.find(keys[i], hashes[i], guesses[i], flow)) {
        filled.table().stamp(flow, now, 0);
        ++found;
      }
    }
  }
  if (found != (first == 0 ? state.iterations() * kBurst : 0)) {
    state.SkipWithError("a key was not found, or one that was never put was");
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kBurst));
}

double time_of(auto&& work) {
  const double start = thread_seconds();
  work();
  return thread_seconds() - start;
}

// From open() to the place in the wheel: a record, two keys.
double insert_all(FilledTable& filled, uint32_t first, std::vector<FlowRef>& flows) {
  return time_of([&] {
    for (uint32_t burst = 0; burst < kChurned; burst += kBurst) {
      for (uint32_t n = burst; n < burst + kBurst; ++n) {
        flows[n] = filled.add(first + n);
      }
      filled.end_burst();
    }
  });
}

// From kill() to a record that can be used again: two words of the index, the wheel, a grace period.
double remove_all(FilledTable& filled, const std::vector<FlowRef>& flows) {
  return time_of([&] {
    for (uint32_t burst = 0; burst < kChurned; burst += kBurst) {
      for (uint32_t n = burst; n < burst + kBurst; ++n) {
        filled.table().kill(flows[n]);
      }
      filled.end_burst();
    }
    while (filled.end_burst() != 0) {
    }
  });
}

enum class Measured : uint8_t { kInsert, kRemove };

void churn(benchmark::State& state, FilledTable& filled, Measured measured) {
  std::vector<FlowRef> flows(kChurned);
  uint32_t next = filled.flows();
  for (auto _ : state) {
    const double inserting = insert_all(filled, next, flows);
    const double removing = remove_all(filled, flows);
    state.SetIterationTime(measured == Measured::kInsert ? inserting : removing);
    next += kChurned;
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kChurned));
}

}  // namespace

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

void add_table_rows(Rows& rows, FilledTable& filled) {
  const double bytes = filled.bytes_a_flow();
  rows.push_back(
      {"find, hit", [&](benchmark::State& state) { find(state, filled, 0); }, {kTwoLines, kRteHashFind}, bytes});
  rows.push_back(
      {"find, miss", [&](benchmark::State& state) { find(state, filled, kUnknown); }, {kOneLine, kRteHashMiss}, bytes});
  rows.push_back({"insert",
                  [&](benchmark::State& state) { churn(state, filled, Measured::kInsert); },
                  {kRteHashInsert},
                  bytes,
                  Timing::kByRow});
  rows.push_back({"remove",
                  [&](benchmark::State& state) { churn(state, filled, Measured::kRemove); },
                  {kRteHashRemove},
                  bytes,
                  Timing::kByRow});
}

}  // namespace lapse::bench
