// memory_port.h - a port whose other end is a program: for tests, benchmarks and fuzzers.
//
// Owner:    whoever makes it; used by one thread.
// Memory:   two queues, bounded by 'capacity'.
// Time:     none.
// Bytes:    whole frames.
// Cost:     a push and a pop a packet.
// Lifetime: outlives the network that it is bound to; gives its packets back when destroyed.
// Spec:     none.
#pragma once

#include <deque>

#include "dataplane/net/port.h"

namespace lapse {

class MemoryPort final : public Port {
 public:
  explicit MemoryPort(size_t capacity = 4096) : capacity_(capacity) {}
  ~MemoryPort() override;

  // ---- the program's end ----
  void inject(Packet* packet) { to_receive_.push_back(packet); }
  // The oldest frame that was transmitted, or null. It is the caller's to release.
  Packet* take();
  size_t transmitted() const { return transmitted_.size(); }

  // ---- the data plane's end ----
  uint16_t receive_queues() const override { return 1; }
  uint16_t transmit_queues() const override { return 1; }
  size_t receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) override;
  size_t transmit(uint16_t queue, std::span<Packet* const> packets) override;
  int wait_descriptor(uint16_t) const override { return -1; }

 private:
  size_t capacity_;
  std::deque<Packet*> to_receive_;
  std::deque<Packet*> transmitted_;
};

}  // namespace lapse
