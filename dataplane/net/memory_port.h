// memory_port.h - a port whose other end is a program: for tests, benchmarks and fuzzers.
//
// Owner:    whoever makes it; each queue is used by one thread at a time, at both of its ends.
// Memory:   grows with what is injected; each transmit queue takes 'capacity' frames at most.
// Time:     none.
// Bytes:    whole frames.
// Cost:     a push and a pop a packet.
// Lifetime: outlives the network that it is bound to; gives its packets back when destroyed.
// Spec:     none.
#pragma once

#include <deque>
#include <vector>

#include "dataplane/net/port.h"

namespace lapse {

class MemoryPort final : public Port {
 public:
  explicit MemoryPort(size_t capacity = 4096, uint16_t receive_queues = 1, uint16_t transmit_queues = 1)
      : capacity_(capacity), to_receive_(receive_queues), transmitted_(transmit_queues) {}
  ~MemoryPort() override;

  // ---- the program's end ----
  void inject(Packet* packet, uint16_t queue = 0) { to_receive_[queue].push_back(packet); }
  // The oldest frame that was transmitted by the queue, or null. It is the caller's to release.
  Packet* take(uint16_t queue = 0);
  size_t transmitted() const;  // by all queues, and not taken
  size_t transmitted(uint16_t queue) const { return transmitted_[queue].size(); }

  // ---- the data plane's end ----
  uint16_t receive_queues() const override { return static_cast<uint16_t>(to_receive_.size()); }
  uint16_t transmit_queues() const override { return static_cast<uint16_t>(transmitted_.size()); }
  size_t receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) override;
  size_t transmit(uint16_t queue, std::span<Packet* const> packets) override;
  int wait_descriptor(uint16_t) const override { return -1; }

 private:
  size_t capacity_;
  std::vector<std::deque<Packet*>> to_receive_;
  std::vector<std::deque<Packet*>> transmitted_;
};

}  // namespace lapse
