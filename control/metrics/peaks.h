// peaks.h - the highest ten-second average of what each box has processed, in virtual time, for sim, lab and run.
//
// Owner:    a simulated world or an instance; one thread at a time.
// Memory:   a few numbers a box.
// Time:     virtual. Windows begin at multiples of ten seconds, so that six of them are a minute of the provider's.
// Bytes:    of IP packets, as in metrics.h.
// Cost:     observe(): one pass over the boxes' counters.
// Lifetime: outlived by the network.
// Spec:     aws-behaviour 9.1: PeakBytesPerSecond, PeakPacketsPerSecond, "highest of six 10-second averages".
#pragma once

#include <vector>

#include "control/metrics/metrics.h"
#include "dataplane/time.h"

namespace lapse::metrics {

// One box. The window under way counts with what is in it so far over its whole length: what it comes to if nothing
// follows. So the peak never falls, and a run of two seconds has one.
class Peak {
 public:
  static constexpr Duration kWindow = std::chrono::seconds(10);

  // Until 'now' the box has processed 'sum' in all. What came since the last call is spread evenly over the time since
  // then: exact when both lie in one window, and else as good as the calls are close to the windows' ends. A 'now' before
  // the last one is taken for the last one.
  void observe(Instant now, const Processed& sum);
  // Time has gone on without a packet, as in a jump of the clock: the windows inside it are empty.
  void pass(Instant now) { observe(now, seen_); }

  // When the window under way ends.
  Instant window_end() const { return window_end_; }
  // Of the highest window, to the nearest whole number.
  Processed per_second() const;

 private:
  struct Amount {
    double packets = 0;
    double bytes = 0;
    void add(const Amount& more, double share);
    void rise_to(const Amount& other);
  };

  Instant observed_{};
  Instant window_end_{kWindow};
  Processed seen_;
  Amount in_window_;  // under way
  Amount highest_;    // of the windows that are over
};

// All boxes of a network.
class Peaks {
 public:
  explicit Peaks(Network& network) : network_(network), peaks_(network.boxes().size()) {}

  void observe(Instant now);
  void pass(Instant now);
  Instant window_end() const;

  void fill_in(BoxId box, Totals& totals) const;

 private:
  Network& network_;
  std::vector<Peak> peaks_;  // by BoxId; all were observed at the same times
};

}  // namespace lapse::metrics
