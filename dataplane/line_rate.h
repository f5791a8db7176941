// line_rate.h - one direction of a link that carries so many bits a second, with a queue in front of it.
//
// Owner:    the network; shared by all workers: what they send takes its turn on the one line.
// Memory:   one line of cache.
// Time:     callers pass 'now', each worker its own; a jump of the clock empties the queue.
// Bytes:    whole frames, as they stand in their buffers.
// Cost:     one compare-and-swap a frame, more only where workers meet.
// Lifetime: as its network.
// Spec:     tc-netem(8), rate; the queue is counted in time, so its length needs no counter of its own.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "dataplane/time.h"

namespace lapse {

class alignas(64) LineRate {
 public:
  // A frame waits no longer than this for those before it. A queue holds kLeastQueued of them on the slowest line.
  static constexpr Duration kLongestWait = std::chrono::milliseconds(100);
  static constexpr uint64_t kLeastQueued = 16;

  // How long the line is busy with so many units, bits for a link, at 'rate' of them a second.
  static constexpr Duration time_of(uint64_t units, uint64_t rate) {
    return Duration(static_cast<int64_t>((units * 1'000'000'000 + rate / 2) / rate));
  }
  static constexpr Duration longest_wait(uint64_t units, uint64_t rate) {
    return std::max(kLongestWait, time_of(kLeastQueued * units, rate));
  }

  // When a frame that is offered 'now' and takes 'time' has left, or nothing: the wait would be longer than 'longest'.
  std::optional<Instant> send(Duration time, Duration longest, Instant now) {
    int64_t free_at = free_at_.load(std::memory_order_relaxed);
    int64_t gone = 0;
    do {
      const int64_t start = std::max(free_at, now.time_since_epoch().count());
      if (start - now.time_since_epoch().count() > longest.count()) {
        return std::nullopt;
      }
      gone = start + time.count();
    } while (!free_at_.compare_exchange_weak(free_at, gone, std::memory_order_relaxed));
    return Instant(Duration(gone));
  }

 private:
  std::atomic<int64_t> free_at_{0};  // virtual
};

}  // namespace lapse
