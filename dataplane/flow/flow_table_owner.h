// flow_table_owner.h - what a worker keeps for the flows that it created. Private to the flow table.
//
// Owner:    one worker each; the atomics above 'drained' are shared, lock-free, the rest is for the holder of the turn:
//           the worker itself, or another one that needs room while this one is behind.
// Memory:   one for each worker, allocated with the table.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: as its table.
// Spec:     design, "The wheel only reclaims".
#pragma once

#include "dataplane/flow/flow_table.h"

namespace lapse {

// Ids linked through next_, as id + 1; 0 is none.
struct FlowTable::Chain {
  uint32_t first = 0;
  uint32_t last = 0;
};

struct alignas(64) FlowTable::Owner {
  Owner(WorkerId worker, WheelChunkPool& pool, WheelPlaces& places) : id(worker), wheel(pool, places) {}

  // What left() says besides a tick.
  static constexpr uint64_t kNothing = uint64_t{1} << 32;
  static constexpr uint64_t kWork = uint64_t{1} << 33;

  const WorkerId id;
  std::atomic<uint32_t> inbox{0};
  alignas(64) std::atomic<uint64_t> free_records{0};  // swap count above, id + 1 below
  alignas(64) std::atomic<bool> turn{false};
  std::atomic<uint64_t> left{kNothing};     // what the last turn left: the next tick of the wheel, kNothing or kWork
  std::atomic<uint32_t> shortened_seen{0};  // of Timeouts::shortened()

  alignas(64) uint32_t drained = 0;  // taken from the inbox, not looked at yet
  Chain unlinked;                    // no new reader finds them; no token yet
  Chain in_grace;                    // wait until passed(token)
  Quiescence::Token token;
  uint32_t refile_next = 0;  // records from here to refile_end are still filed under the longer timeouts
  uint32_t refile_end = 0;
  TimingWheel wheel;

  uint64_t what_is_left() const {
    if (drained != 0 || refile_next < refile_end) {
      return kWork;
    }
    const std::optional<Tick> next = wheel.next();
    return next ? *next : kNothing;
  }
};

// The right to do an owner's work. Nobody waits for it: who does not get it goes on without.
class FlowTable::Turn {
 public:
  explicit Turn(Owner& owner) : owner_(owner.turn.exchange(true, std::memory_order_acquire) ? nullptr : &owner) {
    if (owner_ != nullptr) {
      // Before anything is taken out of the inbox: whoever finds that empty must not go to sleep over it.
      owner_->left.store(Owner::kWork, std::memory_order_relaxed);
      step(FlowStep::kTurnTaken);
    }
  }
  ~Turn() {
    if (owner_ != nullptr) {
      if (broken(FlowMutant::kTurnRelaxed)) {
        owner_->left.store(owner_->what_is_left(), std::memory_order_relaxed);
        owner_->turn.store(false, std::memory_order_relaxed);
        return;
      }
      owner_->left.store(owner_->what_is_left(), std::memory_order_release);
      owner_->turn.store(false, std::memory_order_release);
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return owner_ != nullptr; }

 private:
  Owner* const owner_;
};

// Records of flows that have ended, to be unlinked together so that their cache misses overlap.
struct FlowTable::Batch {
  static constexpr size_t kSize = 16;
  uint32_t ids[kSize];
  size_t count = 0;

  void add(FlowId id) { ids[count++] = static_cast<uint32_t>(id); }
};

}  // namespace lapse
