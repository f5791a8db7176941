// engine.h - virtual time: which timer fires next, and the one source of chance.
//
// Owner:    one simulation; used by one thread.
// Memory:   a heap entry for each armed timer.
// Time:     this is the clock: it stands still between events and jumps to the next one.
// Bytes:    none.
// Cost:     arming, cancelling and firing: O(log n) in a 4-ary heap.
// Lifetime: outlives its timers.
// Spec:     design, "One data plane, three ways to drive it": discrete events, one seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "dataplane/box/random.h"
#include "dataplane/clock.h"
#include "dataplane/time.h"

namespace lapse::sim {

class Engine;

// Fires once for each time that it is armed. Events of one instant happen in the order in which they were armed.
class Timer {
 public:
  Timer(Engine& engine, std::function<void()> action);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces what it was armed for. An instant in the past is now.
  void arm(Instant when);
  void cancel();
  bool armed() const;
  // Of a timer that is armed.
  Instant when() const;

 private:
  friend class Engine;

  Engine* engine_;
  std::function<void()> action_;
  uint32_t id_;
};

class Engine {
 public:
  explicit Engine(uint64_t seed) : random_(seed) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Instant now() const { return clock_.now().now; }
  const Clock& clock() const { return clock_; }
  Random& random() { return random_; }
  uint64_t events() const { return events_; }

  // When the next timer is due.
  std::optional<Instant> next() const { return heap_.empty() ? std::nullopt : std::optional(heap_.front().when); }
  // Goes to the next timer that is due until 'end' and fires it; false when there is none, and the time is then 'end'.
  bool run_next(Instant end);

 private:
  friend class Timer;
  static constexpr size_t kArity = 4;
  static constexpr uint32_t kNowhere = UINT32_MAX;
  struct Entry {
    Instant when;
    uint64_t order;
    uint32_t timer;
    bool before(const Entry& other) const { return when != other.when ? when < other.when : order < other.order; }
  };

  uint32_t enrol(Timer& timer);
  void dismiss(uint32_t timer);
  void arm(uint32_t timer, Instant when);
  void cancel(uint32_t timer);

  void place(size_t at, const Entry& entry);
  void settle(size_t at, const Entry& entry);
  void rise(size_t at, const Entry& entry);
  void sink(size_t at, const Entry& entry);
  void remove(size_t at);

  ManualClock clock_;
  Random random_;
  std::vector<Entry> heap_;
  // By a timer's number. Where it stands in the heap is kept here and not in the timer: timers lie far apart, and every
  // step of an entry through the heap would wait for the memory of another one.
  std::vector<uint32_t> places_;
  std::vector<Timer*> timers_;
  std::vector<uint32_t> free_;
  uint64_t next_order_ = 0;
  uint64_t events_ = 0;
};

}  // namespace lapse::sim
