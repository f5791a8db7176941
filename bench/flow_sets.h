// flow_sets.h - the flows that every row of the table is measured with: one numbering, one way to fill each structure.
//
// Owner:    the bench; one thread.
// Memory:   the structures fill themselves when they are made and give everything back when destroyed.
// Time:     virtual time stands still while a set is filled; no flow of it comes to its end while it is measured.
// Bytes:    tuples in wire order.
// Cost:     some hundred nanoseconds a flow to fill.
// Lifetime: one size at a time: made before its rows run, destroyed before the next size.
// Spec:     RFC 2544 appendix C.2.2 (the destinations' address range).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/frames.h"
#include "bench/ring_port.h"
#include "dataplane/clock.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/worker.h"

namespace lapse::bench {

constexpr WorkerId kWorker{0};

// How many flows a structure has to have room for, to be 80 % full with 'flows' of them.
constexpr uint32_t capacity_for(uint32_t flows) {
  return flows + flows / 4;
}

// Flow 'n' as its client sends it. A destination gets about 27,000 flows and never more than 27,500, half of the ports
// that a NAT gateway has for it, so that a free one is found at once. Numbers from 'flows' on name flows that are in no
// set of that size.
class FlowNumbers {
 public:
  explicit FlowNumbers(uint32_t flows) : destinations_((flows + 26999) / 27000) {}

  FiveTuple tuple(uint32_t n) const {
    const auto destination = static_cast<uint32_t>(uint64_t{n * 0x9e3779b1u} * destinations_ >> 32);
    return {be32(0x0a000000 + (n >> 12)), be32(0xc6120000 + destination),
            be16(static_cast<uint16_t>(1024 + (n & 4095))), be16(443), static_cast<uint8_t>(Protocol::kTcp)};
  }

 private:
  uint32_t destinations_;
};

// From here on no number names a flow of any set.
inline constexpr uint32_t kUnknown = uint32_t{1} << 28;

// Uniformly random flow numbers, cheap enough to be drawn inside a measured loop.
class RandomFlow {
 public:
  explicit RandomFlow(uint32_t flows) : flows_(flows) {}
  uint32_t next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<uint32_t>(((state_ >> 32) * flows_) >> 32);
  }

 private:
  uint64_t state_ = 12345;
  uint64_t flows_;
};

class NoExpiry final : public ExpiryListener {
 public:
  void on_expired(const FlowRef&, Tick) override {}
};

// The flow table alone, with flows 0 to flows-1 established.
class FilledTable {
 public:
  explicit FilledTable(uint32_t flows);
  ~FilledTable();

  FlowRef add(uint32_t n);
  // What a worker does behind each burst: housekeeping, quiescent state. Returns the records worked on.
  size_t end_burst();

  FlowTable& table() { return table_; }
  // The time of the table, moved on by 'ticks'.
  Tick now(Tick ticks) { return now_ += ticks; }
  const FlowNumbers& numbers() const { return numbers_; }
  uint32_t flows() const { return flows_; }
  double bytes_a_flow() const { return static_cast<double>(table_.memory_bytes()) / table_.capacity(); }

 private:
  const uint32_t flows_;
  const FlowNumbers numbers_;
  Quiescence quiescence_;
  NoExpiry listener_;
  FlowTable table_;
  Tick now_ = 1000;
};

// A NAT gateway between two ports, driven by the worker of the product, with 'flows' established TCP connections; and
// what its packets look like in both directions, the replies addressed to the ports that were really given.
class FilledNat {
 public:
  explicit FilledNat(uint32_t flows);
  ~FilledNat();

  // One pass of the worker: receive a burst, box, transmit, housekeeping.
  void pass() { worker_->run_once(); }
  RingPort& inside() { return inside_; }
  RingPort& outside() { return outside_; }
  const FrameStream& outbound() const { return outbound_; }
  const FrameStream& replies() const { return replies_; }
  double bytes_a_flow() const { return bytes_a_flow_; }

 private:
  void connect_box();
  void establish_all(std::vector<Be16>& given_ports);
  void pass_all(RingPort& from, RingPort& to, const FrameStream& stream);
  FiveTuple reply_tuple(uint32_t n, Be16 given_port) const;

  const uint32_t flows_;
  const FlowNumbers numbers_;
  PacketRing packets_;
  RingPort inside_;
  RingPort outside_;
  TscClock clock_;
  Quiescence quiescence_;
  Network network_;
  EventRing events_;
  std::unique_ptr<Worker> worker_;
  FrameStream outbound_;
  FrameStream replies_;
  double bytes_a_flow_ = 0;
};

}  // namespace lapse::bench
