// What publish() orders: control reads records by their number, without the index, so nothing but the control word stands
// between a worker that fills a record and a reader that copies it. Thread sanitizer is the judge.
#include <atomic>
#include <thread>

#include "tests/flow/flow_bench.h"

namespace lapse::test {
namespace {

constexpr auto kReader = Quiescence::Slot{kMaxWorkers};
constexpr uint32_t kLiving = 64;
constexpr uint32_t kFlows = 20'000;
constexpr uint64_t kReads = 20'000;
constexpr int kScansOfASlice = 4;

// A slice is long, so that what orders one slice after another does not stand in for what publish() has to order.
void read_slices(FlowBench& bench, const std::atomic<bool>& stop, std::atomic<uint64_t>& read) {
  while (!stop.load(std::memory_order_relaxed)) {
    bench.quiescence.online(kReader);
    const uint32_t records = bench.table.record_count();
    for (int scan = 0; scan < kScansOfASlice; ++scan) {
      for (uint32_t id = 0; id < records; ++id) {
        if (const auto flow = bench.table.snapshot(FlowId{id})) {
          EXPECT_EQ(flow->reply, flow->original.reversed());
          EXPECT_EQ(flow->original.protocol, 6);
          EXPECT_EQ(flow->owner, 0);
          read.fetch_add(1, std::memory_order_relaxed);
        }
      }
    }
    bench.quiescence.offline(kReader);
  }
}

// Records come and go under the reader, each time for another flow, until both have done enough.
TEST(FlowPublish, AReaderOfRecordsSeesThemWhole) {
  FlowBench bench({.capacity = kLiving});
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> read{0};
  std::thread reader([&] { read_slices(bench, stop, read); });
  const Quiescence::Slot slot = Quiescence::slot(kWorker);
  bench.quiescence.online(slot);
  for (uint32_t n = 0; n < kFlows || read.load(std::memory_order_relaxed) < kReads;) {
    if (const FlowRef oldest = bench.find(nth((n + kFlows - kLiving) % kFlows))) {
      EXPECT_TRUE(bench.table.kill(oldest));
    }
    // None while the reader keeps every record that is free.
    const bool added = static_cast<bool>(bench.add(nth(n % kFlows), 0));
    n += added ? 1 : 0;
    if (!added || n % 16 == 0) {
      bench.advance(0, 64);
      bench.quiescence.quiescent(slot);
      std::this_thread::yield();
    }
  }
  bench.quiescence.offline(slot);
  stop.store(true, std::memory_order_relaxed);
  reader.join();
}

}  // namespace
}  // namespace lapse::test
