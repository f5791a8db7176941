// clock.h - the only place where time comes from.
//
// Owner:    the instance (run, lab), the engine (sim) or the test; workers share a const reference.
// Memory:   TscClock keeps the mappings that workers may still read; retire() frees the older ones.
// Time:     this is it. Virtual time never goes back for a caller that keeps the largest value it has seen.
// Bytes:    none.
// Cost:     now(): one rdtsc, one load and a multiply.
// Lifetime: outlives every worker.
// Spec:     design, "Time".
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "dataplane/time.h"

namespace lapse {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Now now() const = 0;
  // How much real time passes while virtual time goes on by 'duration'.
  virtual Duration real_duration(Duration duration) const = 0;
  // Between two readings, by what they say is real: for measuring work without another look at the counter.
  virtual uint64_t cycles(Duration real) const = 0;
};

// Set by hand: for the simulator and for tests.
class ManualClock final : public Clock {
 public:
  Now now() const override { return {.now = now_, .real = now_, .last_jump = {}}; }
  Duration real_duration(Duration duration) const override { return duration; }
  uint64_t cycles(Duration real) const override { return static_cast<uint64_t>(real.count()); }
  void advance(Duration duration) { now_ += duration; }
  void set(Instant instant) { now_ = instant; }

 private:
  Instant now_{};
};

// Virtual time as a line over the time stamp counter: it can be scaled, and it can jump forward.
class TscClock final : public Clock {
 public:
  // 'scale' virtual seconds pass in one real second; 1 to 1000.
  explicit TscClock(double scale = 1.0);
  ~TscClock() override;
  TscClock(const TscClock&) = delete;
  TscClock& operator=(const TscClock&) = delete;

  Now now() const override;
  Duration real_duration(Duration duration) const override;
  uint64_t cycles(Duration real) const override;
  double scale() const;

  // The next reading of any worker is at least 'duration' later. 'duration' is not negative.
  // The caller then waits for all workers to pass a burst boundary and calls retire().
  void advance(Duration duration);
  void set_scale(double scale);

  // Frees all mappings but the newest. Nobody is reading an older one: every worker has passed a burst boundary since it
  // was replaced, and whoever else calls now(), scale() or real_duration() is kept from it meanwhile.
  void retire();

  // Real time for control-plane waits and for the wall time printed beside virtual time.
  static int64_t wall_nanoseconds_since_epoch();

 private:
  struct Mapping;
  void publish(Duration jump, double scale);

  std::atomic<const Mapping*> mapping_;
  std::mutex publish_mutex_;  // control threads only
  std::vector<std::unique_ptr<const Mapping>> mappings_;
  uint64_t start_cycles_;
  double nanoseconds_per_cycle_;
};

}  // namespace lapse
