// handoff.h - packets that another worker is to go on with: a bounded ring for each ordered pair of workers.
//
// Owner:    the network. A ring has one producer and one consumer, both workers.
// Memory:   fixed, allocated in the constructor; none for one worker.
// Time:     none.
// Bytes:    parsed packets and whole frames.
// Cost:     push(), pop(): a slot each. publish(): one ordered store for each ring that was pushed to, in a pass.
// Lifetime: outlives its workers. What is still in a ring at the end is given back by its consumer.
// Spec:     design, "The packet's way": no correctness rests on which worker has a flow.
#pragma once

#include <array>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/ids.h"
#include "dataplane/net/doorbell.h"
#include "dataplane/packet.h"

namespace lapse {

// First in, first out, for one producer and one consumer.
class PacketRing {
 public:
  static constexpr uint32_t kCapacity = 512;

  // ---- the producer ----
  // False, and the packet stays the caller's, when the consumer has fallen behind. Seen by it after publish().
  bool push(Packet* packet) {
    if (filled_ - seen_tail_ == kCapacity) {
      seen_tail_ = tail_.load(std::memory_order_acquire);
      if (filled_ - seen_tail_ == kCapacity) {
        return false;
      }
    }
    slots_[filled_++ % kCapacity] = packet;
    return true;
  }
  // Returns whether there was something to show. Ordered before a look at the consumer's bell.
  bool publish() {
    if (head_.load(std::memory_order_relaxed) == filled_) {
      return false;
    }
    head_.store(filled_, std::memory_order_seq_cst);
    return true;
  }

  // ---- the consumer ----
  size_t pop(std::span<Packet*> out) {
    const uint32_t tail = tail_.load(std::memory_order_relaxed);
    const uint32_t head = head_.load(std::memory_order_acquire);
    size_t count = 0;
    while (count < out.size() && tail + count != head) {
      out[count] = slots_[(tail + count) % kCapacity];
      ++count;
    }
    if (count > 0) {
      tail_.store(tail + static_cast<uint32_t>(count), std::memory_order_release);
    }
    return count;
  }
  // Ordered behind the consumer's falling asleep.
  bool has_packets() const { return head_.load(std::memory_order_seq_cst) != tail_.load(std::memory_order_relaxed); }

  // ---- anybody ----
  // Published and not popped. The tail never runs past a head that is read after it.
  uint32_t size() const {
    const uint32_t tail = tail_.load(std::memory_order_acquire);
    return head_.load(std::memory_order_acquire) - tail;
  }

 private:
  static_assert((kCapacity & (kCapacity - 1)) == 0);
  std::array<Packet*, kCapacity> slots_;
  alignas(64) std::atomic<uint32_t> head_{0};
  uint32_t filled_ = 0;     // producer only: pushed, perhaps not published
  uint32_t seen_tail_ = 0;  // producer only
  alignas(64) std::atomic<uint32_t> tail_{0};
};

class Handoff {
 public:
  explicit Handoff(size_t workers);

  // ---- worker 'from' ----
  bool push(WorkerId from, WorkerId to, Packet* packet) { return ring(from, to).push(packet); }
  // Shows all that 'from' has pushed, and wakes who sleeps.
  void publish(WorkerId from);

  // ---- worker 'to' ----
  size_t pop(WorkerId from, WorkerId to, std::span<Packet*> out) { return ring(from, to).pop(out); }
  bool has_packets_for(WorkerId to) const;

  // ---- anybody ----
  Doorbell& bell(WorkerId worker) { return bells_[index(worker)]; }
  // Something that every worker may be waiting for has been left, by a sequentially consistent store.
  void wake_others(WorkerId from);
  uint64_t packets() const;  // in all rings

 private:
  PacketRing& ring(WorkerId from, WorkerId to) const {
    assert(from != to);
    return *rings_[index(from) * workers_ + index(to)];
  }

  size_t workers_;
  std::vector<std::unique_ptr<PacketRing>> rings_;  // by producer, then consumer; none from a worker to itself
  std::vector<Doorbell> bells_;
};

}  // namespace lapse
