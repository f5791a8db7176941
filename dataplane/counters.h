// counters.h - what a box and a port did, per worker, and the sum that must always come out even.
//
// Owner:    each instance is written by one worker; control reads it at any time.
// Memory:   fixed.
// Time:     none.
// Bytes:    none.
// Cost:     add() is a load, an add and a store on a line that the worker owns; no locked instruction.
// Lifetime: as long as its box or port.
// Spec:     design, "Conservation".
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "dataplane/drop_reason.h"
#include "dataplane/event.h"
#include "dataplane/flow/timeouts.h"
#include "dataplane/ids.h"

namespace lapse {

// One writer, any number of readers.
class Counter {
 public:
  void add(uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

using DropCounters = std::array<Counter, kDropReasonCount>;

struct alignas(64) BoxCounters {
  std::array<Counter, kMaxSides> received_packets;
  std::array<Counter, kMaxSides> received_bytes;
  std::array<Counter, kMaxSides> sent_packets;  // forwarded and originated
  std::array<Counter, kMaxSides> sent_bytes;
  Counter originated;
  DropCounters dropped;
  std::array<Counter, kEventKindCount> events;
  std::array<Counter, kTimeoutClassCount> expired;  // of the flow_expired events, by what ran out
  Counter tcp_flows_opened;                         // of the flow_new events
  Counter tcp_flows_answered;                       // the other end agreed; the opener's ACK may never come

  void count(const Event& event) {
    events[static_cast<size_t>(event.kind)].add();
    if (event.kind == EventKind::kFlowExpired) {
      expired[event.timeout_class].add();
    } else if (event.kind == EventKind::kFlowNew && event.tuple.protocol == static_cast<uint8_t>(Protocol::kTcp)) {
      tcp_flows_opened.add();
    }
  }
};

// A plain sum of counters at one moment, over workers.
struct Conservation {
  uint64_t received = 0;
  uint64_t originated = 0;
  uint64_t sent = 0;
  uint64_t dropped = 0;
  uint64_t held = 0;

  bool holds() const { return received + originated == sent + dropped + held; }
  friend bool operator==(const Conservation&, const Conservation&) = default;
};

Conservation conservation(const BoxCounters& counters, uint64_t held);

}  // namespace lapse
