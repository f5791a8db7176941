// rate_ceiling.h - how many packets and bits a second a box carries before it drops.
//
// Owner:    a box; shared by its workers.
// Memory:   two lines of cache.
// Time:     callers pass 'now'.
// Bytes:    of IP packets, as the provider counts.
// Cost:     one branch without a ceiling; with one, a compare-and-swap a packet.
// Lifetime: as its box.
// Spec:     aws-behaviour 3.2, "Bandwidth", "Packet rate".
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/line_rate.h"
#include "dataplane/time.h"

namespace lapse {

// Both directions share it. A burst may run ahead of the rate by as much as a link's queue would take.
class RateCeiling {
 public:
  struct Options {
    uint64_t bits_per_second = 0;  // 0: no ceiling
    uint64_t packets_per_second = 0;
  };
  explicit RateCeiling(const Options& options) : options_(options) {}

  bool admits(size_t bytes, Instant now) {
    return (options_.packets_per_second == 0 || take(packets_, 1, options_.packets_per_second, now)) &&
           (options_.bits_per_second == 0 || take(bits_, bytes * 8, options_.bits_per_second, now));
  }

 private:
  static bool take(LineRate& line, uint64_t units, uint64_t rate, Instant now) {
    const Duration time = LineRate::time_of(units, rate);
    return line.send(time, LineRate::longest_wait(units, rate), now).has_value();
  }

  Options options_;
  LineRate packets_;
  LineRate bits_;
};

}  // namespace lapse
