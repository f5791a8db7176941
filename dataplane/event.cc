#include "dataplane/event.h"

#include <algorithm>
#include <bit>

namespace lapse {

EventRing::EventRing(size_t capacity)
    : slots_(std::make_unique<Event[]>(std::bit_ceil(capacity))), mask_(std::bit_ceil(capacity) - 1) {}

bool EventRing::push(const Event& event) {
  const size_t head = head_.load(std::memory_order_relaxed);
  if (head - cached_tail_ > mask_) {
    cached_tail_ = tail_.load(std::memory_order_acquire);
    if (head - cached_tail_ > mask_) {
      lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
      return false;
    }
  }
  slots_[head & mask_] = event;
  head_.store(head + 1, std::memory_order_release);
  return true;
}

bool EventRing::has_room() {
  const size_t head = head_.load(std::memory_order_relaxed);
  if (head - cached_tail_ > mask_ / 2) {
    cached_tail_ = tail_.load(std::memory_order_acquire);
  }
  return head - cached_tail_ <= mask_ / 2;
}

size_t EventRing::pop(Event* out, size_t room) {
  const size_t tail = tail_.load(std::memory_order_relaxed);
  const size_t head = head_.load(std::memory_order_acquire);
  const size_t count = std::min(room, head - tail);
  for (size_t i = 0; i < count; ++i) {
    out[i] = slots_[(tail + i) & mask_];
  }
  tail_.store(tail + count, std::memory_order_release);
  return count;
}

}  // namespace lapse
