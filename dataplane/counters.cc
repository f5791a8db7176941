#include "dataplane/counters.h"

namespace lapse {
namespace {

template <size_t count>
uint64_t sum(const std::array<Counter, count>& counters) {
  uint64_t total = 0;
  for (const Counter& counter : counters) {
    total += counter.get();
  }
  return total;
}

}  // namespace

Conservation conservation(const BoxCounters& counters, uint64_t held) {
  return {.received = sum(counters.received_packets),
          .originated = counters.originated.get(),
          .sent = sum(counters.sent_packets),
          .dropped = sum(counters.dropped),
          .held = held};
}

}  // namespace lapse
