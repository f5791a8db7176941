// frame_ring.h - the beginnings of frames as they crossed links, beside the events that tell of them: for captures.
//
// Owner:    a ring has one producer (its worker) and one consumer (whoever keeps the capture).
// Memory:   allocated in the constructor, 256 bytes a slot; a full ring counts what it lost and never blocks the worker.
// Time:     a frame carries virtual time, and real time beside it.
// Bytes:    as on the wire, from the Ethernet header on; what lies beyond kSnapLength is left out.
// Cost:     push(): a copy of at most four cache lines.
// Lifetime: a frame is copied out; nothing points into the ring.
// Spec:     none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dataplane/ids.h"
#include "dataplane/packet.h"
#include "dataplane/time.h"

namespace lapse {

// Room for every header that a box reads or writes, two layers of them included, and the beginning of the payload.
inline constexpr size_t kSnapLength = 224;
inline constexpr uint64_t kNoFrame = 0;

struct CapturedFrame {
  Instant time;
  Instant real;
  uint64_t id = kNoFrame;  // as in the event; unique in an instance
  uint16_t length = 0;     // of the frame on the link
  uint16_t captured = 0;   // of 'bytes'
  LinkId link = kNoLink;
  std::array<uint8_t, kSnapLength> bytes;
};
static_assert(sizeof(CapturedFrame) <= 256);

// Single producer, single consumer.
class FrameRing {
 public:
  // 'capacity' is rounded up to a power of two. Rings of one instance have different numbers.
  FrameRing(uint8_t number, size_t capacity);

  // Producer. The frame's id; kNoFrame, and the loss is counted, when the consumer has fallen behind.
  uint64_t push(const Packet& packet, LinkId link, const Now& now);

  // Consumer. Copies the oldest frame; false when there is none.
  bool pop(CapturedFrame& out);

  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  std::unique_ptr<CapturedFrame[]> slots_;
  size_t mask_;
  uint64_t next_id_;                         // producer
  alignas(64) std::atomic<size_t> head_{0};  // producer
  std::atomic<uint64_t> lost_{0};            // producer writes
  alignas(64) std::atomic<size_t> tail_{0};  // consumer
};

}  // namespace lapse
