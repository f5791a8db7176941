// doorbell.h - how a worker sleeps without missing what others leave for it, and is not rung while it is awake.
//
// Owner:    one worker sleeps by it; any thread rings.
// Memory:   one eventfd, from open() on.
// Time:     none.
// Bytes:    none.
// Cost:     ring_if_asleep() of a worker that is awake: one load. Otherwise one system call for each sleep.
// Lifetime: outlives every thread that may ring.
// Spec:     Dekker: what is left, then 'asleep' read; 'asleep' written, then a look for what was left; all in one order.
#pragma once

#include <atomic>

namespace lapse {

class Doorbell {
 public:
  Doorbell() = default;
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  // Before any thread that rings or sleeps. A bell that was never opened is never slept by.
  void open();

  // ---- the sleeper ----
  // Afterwards it looks once more, by sequentially consistent loads, for what it would miss, and then waits until
  // descriptor() is readable.
  void fall_asleep() { asleep_.store(true, std::memory_order_seq_cst); }
  void wake_up();
  int descriptor() const { return descriptor_; }

  // ---- everybody else ----
  bool asleep() const { return asleep_.load(std::memory_order_relaxed); }
  // Wakes a sleeper that may not have seen what the caller has left by a sequentially consistent store.
  void ring_if_asleep() {
    if (asleep_.load(std::memory_order_seq_cst) && asleep_.exchange(false, std::memory_order_relaxed)) {
      ring();
    }
  }
  // Whether or not it sleeps: ends this sleep, or the next one at once.
  void ring();

 private:
  alignas(64) std::atomic<bool> asleep_{false};
  int descriptor_ = -1;
};

}  // namespace lapse
