// What publish() orders: control reads records by their number, without the index, so nothing but the control word stands
// between a worker that fills a record and a reader that copies it. Thread sanitizer is the judge.
#include <atomic>
#include <thread>

#include "tests/flow/flow_bench.h"

namespace lapse::test {
namespace {

TEST(FlowPublish, AReaderOfRecordsSeesThemWhole) {
  constexpr auto kReader = Quiescence::Slot{kMaxWorkers};
  constexpr int kFlows = 20'000;
  FlowBench bench({.capacity = 8});
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      bench.quiescence.online(kReader);
      for (uint32_t id = 0; id < 8; ++id) {
        if (const auto flow = bench.table.snapshot(FlowId{id})) {
          EXPECT_EQ(flow->reply, flow->original.reversed());
          EXPECT_EQ(flow->original.protocol, 6);
          EXPECT_EQ(flow->owner, 0);
        }
      }
      bench.quiescence.offline(kReader);
    }
  });
  const Quiescence::Slot slot = Quiescence::slot(kWorker);
  bench.quiescence.online(slot);
  for (int n = 0; n < kFlows; ++n) {
    if (const FlowRef flow = bench.add(nth(static_cast<uint32_t>(n) % 4096), 0)) {
      EXPECT_TRUE(bench.table.kill(flow));
    }
    bench.advance(0, 16);
    bench.quiescence.quiescent(slot);
  }
  bench.quiescence.offline(slot);
  stop.store(true, std::memory_order_relaxed);
  reader.join();
}

}  // namespace
}  // namespace lapse::test
