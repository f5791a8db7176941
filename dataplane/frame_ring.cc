#include "dataplane/frame_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace lapse {

FrameRing::FrameRing(uint8_t number, size_t capacity)
    : slots_(std::make_unique<CapturedFrame[]>(std::bit_ceil(capacity))),
      mask_(std::bit_ceil(capacity) - 1),
      next_id_(uint64_t{number} << 56 | 1) {}

uint64_t FrameRing::push(const Packet& packet, LinkId link, const Now& now) {
  const size_t head = head_.load(std::memory_order_relaxed);
  if (head - tail_.load(std::memory_order_acquire) > mask_) {
    lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    return kNoFrame;
  }
  CapturedFrame& frame = slots_[head & mask_];
  frame.time = now.now;
  frame.real = now.real;
  frame.id = next_id_++;
  frame.length = packet.length;
  frame.captured = static_cast<uint16_t>(std::min<size_t>(packet.length, kSnapLength));
  frame.link = link;
  std::memcpy(frame.bytes.data(), packet.data, frame.captured);
  head_.store(head + 1, std::memory_order_release);
  return frame.id;
}

bool FrameRing::pop(CapturedFrame& out) {
  const size_t tail = tail_.load(std::memory_order_relaxed);
  if (tail == head_.load(std::memory_order_acquire)) {
    return false;
  }
  out = slots_[tail & mask_];
  tail_.store(tail + 1, std::memory_order_release);
  return true;
}

}  // namespace lapse
