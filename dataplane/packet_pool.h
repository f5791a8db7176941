// packet_pool.h - packet buffers in ordinary memory: for in-memory ports, the simulator, tests and fuzzers.
//
// Owner:    whoever makes it; used by one thread.
// Memory:   all of it allocated in the constructor.
// Time:     none.
// Bytes:    none.
// Cost:     allocate() and release() are a push and a pop.
// Lifetime: outlives every packet taken from it.
// Spec:     none.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/packet.h"

namespace lapse {

class MemoryPacketPool final : public PacketPool {
 public:
  // 'frame_size' is the longest frame that fits behind the headroom.
  explicit MemoryPacketPool(size_t count, size_t frame_size = 2048);

  Packet* allocate() override;
  void release(std::span<Packet* const> packets) override;

  size_t available() const { return free_.size(); }
  size_t count() const { return packets_.size(); }

 private:
  std::vector<Packet> packets_;
  std::unique_ptr<uint8_t[]> rooms_;
  std::vector<Packet*> free_;
};

}  // namespace lapse
