#include "dataplane/flow/timing_wheel.h"

#include <bit>
#include <cassert>
#include <new>

namespace lapse {

namespace {

// How far behind 'from' the first set bit is, going round; none when there is no bit.
template <typename Bitmap>
std::optional<uint32_t> first_from(const Bitmap& bits, uint32_t from) {
  constexpr uint32_t kWords = std::tuple_size_v<Bitmap>;
  const uint32_t start = from / 64 % kWords;
  const uint32_t offset = from % 64;
  for (uint32_t step = 0; step <= kWords; ++step) {
    uint64_t word = bits[(start + step) % kWords];
    if (step == 0) {
      word &= ~uint64_t{0} << offset;
    } else if (step == kWords) {
      word &= ~(~uint64_t{0} << offset);
    }
    if (word != 0) {
      return step * 64 + static_cast<uint32_t>(std::countr_zero(word)) - offset;
    }
  }
  return std::nullopt;
}

}  // namespace

// Of a slot's chunks only the last is not full; while one id moves, one chunk more may be in use for each wheel.
WheelChunkPool::WheelChunkPool(uint32_t records, size_t wheels)
    : chunk_count_(records / WheelChunk::kIds + static_cast<uint32_t>(wheels) * (4 * 256 + 1) + 1),
      chunks_(chunk_count_) {}

WheelChunk& WheelChunkPool::allocate() {
  uint64_t head = free_.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) != 0) {
    WheelChunk& chunk = chunks_[static_cast<uint32_t>(head) - 1];
    const uint64_t next = ((head >> 32) + 1) << 32 | chunk.ids[0].load(std::memory_order_relaxed);
    if (free_.compare_exchange_weak(head, next, std::memory_order_acq_rel, std::memory_order_acquire)) {
      return chunk;
    }
  }
  const uint32_t fresh = untouched_.fetch_add(1, std::memory_order_relaxed);
  assert(fresh < chunk_count_);
  return *new (&chunks_[fresh]) WheelChunk;
}

void WheelChunkPool::release(WheelChunk& chunk) {
  uint64_t head = free_.load(std::memory_order_relaxed);
  uint64_t next;
  do {
    chunk.ids[0].store(static_cast<uint32_t>(head), std::memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | (index(chunk) + 1);
  } while (!free_.compare_exchange_weak(head, next, std::memory_order_acq_rel, std::memory_order_relaxed));
}

void WheelChunkPool::erase_all() {
  untouched_.store(0, std::memory_order_relaxed);
  free_.store(0, std::memory_order_relaxed);
}

void TimingWheel::start_at(Tick now) {
  assert(empty());
  current_ = now;
}

void TimingWheel::file(uint32_t id, Tick due) {
  assert(!holds(id));
  const auto ahead = static_cast<int32_t>(due - current_);
  const Tick when = ahead > 0 ? due : current_;
  uint32_t level = 0;
  while (level + 1 < kLevels && (when - current_) >> ((level + 1) * kBits) != 0) {
    ++level;
  }
  const uint32_t where = slot(level, when >> level * kBits & (kSlots - 1));
  Chunks& chunks = slots_[where];
  if (chunks.empty() || chunks.back().count == WheelChunk::kIds) {
    WheelChunk& chunk = pool_.allocate();
    chunk.slot = static_cast<uint16_t>(where);
    chunk.count = 0;
    chunks.push_back(chunk);
    mark(where);
  }
  WheelChunk& last = chunks.back();
  last.ids[last.count].store(id, std::memory_order_relaxed);
  set_place(id, last, last.count);
  ++last.count;
}

void TimingWheel::remove(uint32_t id) {
  const uint32_t place = places_[id];
  if (place == 0) {
    return;
  }
  WheelChunk& chunk = pool_[(place - 1) / 16];
  const uint32_t position = (place - 1) % 16;
  assert(chunk.ids[position].load(std::memory_order_relaxed) == id);
  const uint32_t moved = take_last(chunk.slot);
  if (moved != id) {
    chunk.ids[position].store(moved, std::memory_order_relaxed);
    set_place(moved, chunk, position);
    places_[id] = 0;
  }
}

uint32_t TimingWheel::take_last(uint32_t slot) {
  Chunks& chunks = slots_[slot];
  WheelChunk& last = chunks.back();
  --last.count;
  const uint32_t id = last.ids[last.count].load(std::memory_order_relaxed);
  places_[id] = 0;
  if (last.count == 0) {
    chunks.pop_back();
    pool_.release(last);
    if (chunks.empty()) {
      unmark(slot);
    } else {
      __builtin_prefetch(&chunks.back());
    }
  }
  return id;
}

// A slot of a higher level is due when its first tick is; what is not due yet is filed again, nearer.
std::optional<uint32_t> TimingWheel::due_slot() const {
  for (uint32_t level = kLevels; level-- > 0;) {
    const uint32_t where = slot(level, current_ >> level * kBits & (kSlots - 1));
    if (aligned(level) && !slots_[where].empty()) {
      return where;
    }
  }
  return std::nullopt;
}

size_t TimingWheel::take_due(Tick now, std::span<uint32_t> out) {
  size_t count = 0;
  while (count < out.size() && static_cast<int32_t>(now - current_) >= 0) {
    if (const auto slot = due_slot()) {
      while (count < out.size() && !slots_[*slot].empty()) {
        out[count++] = take_last(*slot);
      }
      continue;
    }
    const auto ahead = ticks_to_next();
    if (!ahead || *ahead > now - current_) {
      current_ = now;
      break;
    }
    current_ += *ahead;
  }
  return count;
}

// In the slot where a level stands ids wait for the next turn, unless its first tick is now: then they are due.
std::optional<uint32_t> TimingWheel::ticks_to_next() const {
  std::optional<uint32_t> nearest;
  for (uint32_t level = 0; level < kLevels; ++level) {
    const uint32_t here = current_ >> level * kBits;
    const uint32_t from = here + (aligned(level) ? 0 : 1);
    if (const auto turn = first_from(used_[level], from & (kSlots - 1))) {
      const uint64_t due = (uint64_t{from} + *turn) << level * kBits;
      const auto ahead = static_cast<uint32_t>(due - current_);
      nearest = nearest && *nearest < ahead ? nearest : ahead;
    }
  }
  return nearest;
}

std::optional<Tick> TimingWheel::next() const {
  const auto ahead = ticks_to_next();
  return ahead ? std::optional<Tick>(current_ + *ahead) : std::nullopt;
}

void TimingWheel::erase_all() {
  used_ = BitmapSet{};
  for (Chunks& chunks : slots_) {
    chunks.clear();
  }
}

}  // namespace lapse
