// ring_port.h - a port that costs about nothing: frames come out of a stream, packets go round in a ring.
//
// Owner:    the bench; one thread.
// Memory:   8 MiB of packet buffers; in front of each its Packet, as behind an mbuf.
// Time:     none.
// Bytes:    whole frames.
// Cost:     receive(): a line of Packet and a line of frame written; transmit(): a pointer stored.
// Lifetime: ring, then ports, then whoever uses them.
// Spec:     none.
#pragma once

#include <cassert>
#include <memory>
#include <vector>

#include "bench/frames.h"
#include "dataplane/flow/mapped_memory.h"
#include "dataplane/net/port.h"

namespace lapse::bench {

// Free packets, first in, first out: as many lines of packet buffers are in use as a NIC's descriptors keep in use.
class PacketRing final : public PacketPool {
 public:
  static constexpr size_t kCount = 2048;

  PacketRing();

  Packet* allocate() override;
  void release(std::span<Packet* const> packets) override {
    for (Packet* packet : packets) {
      give(packet);
    }
  }
  Packet* take() { return free_[taken_++ % kCount]; }
  void give(Packet* packet) { free_[given_++ % kCount] = packet; }
  size_t available() const { return given_ - taken_; }

 private:
  // An odd number of lines, so that the frames spread over the sets of a cache.
  struct Buffer {
    Packet packet;
    uint8_t room[kHeadroom + 2048];
  };
  static_assert(sizeof(Buffer) / 64 % 2 == 1);

  // On large pages, as hugepages hold mbufs: 8 MiB is what MappedMemory maps on them.
  MappedMemory memory_;
  std::vector<Packet*> free_;
  size_t taken_ = 0;
  size_t given_ = 0;
};

class RingPort final : public Port {
 public:
  explicit RingPort(PacketRing& ring) : ring_(ring) {}

  // From now on every receive() yields a whole burst of 'stream', again and again from its beginning; null: nothing.
  void play(const FrameStream* stream) {
    stream_ = stream;
    next_ = 0;
  }
  // Whoever wants to look at what is sent; empty: nobody.
  using Tap = void (*)(void* context, const Packet& packet);
  void tap(Tap tap, void* context) {
    tap_ = tap;
    context_ = context;
  }
  uint64_t transmitted() const { return transmitted_; }

  uint16_t receive_queues() const override { return 1; }
  uint16_t transmit_queues() const override { return 1; }
  size_t receive(uint16_t, std::span<Packet*> out, size_t& dropped) override {
    dropped = 0;
    if (stream_ == nullptr) {
      return 0;
    }
    assert(ring_.available() >= out.size());
    for (Packet*& packet : out) {
      packet = ring_.take();
      packet->data = packet->room + kHeadroom;
      packet->length = kFrameSize;
      stream_->frame.write(packet->data, stream_->fields[next_]);
      if (++next_ == stream_->fields.size()) {
        next_ = 0;
      }
    }
    return out.size();
  }

  size_t transmit(uint16_t, std::span<Packet* const> packets) override {
    for (Packet* packet : packets) {
      if (tap_ != nullptr) {
        tap_(context_, *packet);
      }
      ring_.give(packet);
    }
    transmitted_ += packets.size();
    return packets.size();
  }

  int wait_descriptor(uint16_t) const override { return -1; }

 private:
  PacketRing& ring_;
  const FrameStream* stream_ = nullptr;
  size_t next_ = 0;
  uint64_t transmitted_ = 0;
  Tap tap_ = nullptr;
  void* context_ = nullptr;
};

}  // namespace lapse::bench
