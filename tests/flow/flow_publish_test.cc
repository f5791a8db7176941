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
constexpr int kScansOfASlice = 16;

// A slice is long, so that what orders one slice after another does not stand in for what publish() has to order.
void read_slices(FlowBench& bench, const std::atomic<bool>& stop, uint64_t& read) {
  while (!stop.load(std::memory_order_relaxed)) {
    bench.quiescence.online(kReader);
    for (int scan = 0; scan < kScansOfASlice; ++scan) {
      for (uint32_t id = 0; id < kLiving; ++id) {
        if (const auto flow = bench.table.snapshot(FlowId{id})) {
          EXPECT_EQ(flow->reply, flow->original.reversed());
          EXPECT_EQ(flow->original.protocol, 6);
          EXPECT_EQ(flow->owner, 0);
          ++read;
        }
      }
    }
    bench.quiescence.offline(kReader);
  }
}

// Records come and go under the reader, and each incarnation belongs to another flow.
TEST(FlowPublish, AReaderOfRecordsSeesThemWhole) {
  FlowBench bench({.capacity = kLiving});
  std::atomic<bool> stop{false};
  uint64_t read = 0;
  std::thread reader([&] { read_slices(bench, stop, read); });
  const Quiescence::Slot slot = Quiescence::slot(kWorker);
  bench.quiescence.online(slot);
  uint64_t refused = 0;
  for (uint32_t n = 0; n < kFlows; ++n) {
    if (const FlowRef oldest = n < kLiving ? FlowRef{} : bench.find(nth((n - kLiving) % 4096))) {
      EXPECT_TRUE(bench.table.kill(oldest));
    }
    refused += bench.add(nth(n % 4096), 0) ? 0 : 1;
    if (n % 16 == 0) {
      bench.advance(0, 64);
      bench.quiescence.quiescent(slot);
      std::this_thread::yield();
    }
  }
  bench.quiescence.offline(slot);
  stop.store(true, std::memory_order_relaxed);
  reader.join();
  // Without a record only while the reader has kept all of them.
  EXPECT_LT(refused, kFlows / 2);
  EXPECT_GT(read, 1000u);
}

}  // namespace
}  // namespace lapse::test
