// timing_wheel.h - which flows of one worker to look at, and when: hierarchical, exact to the tick.
//
// Owner:    the worker whose flows it holds; the pool of chunks is shared by all wheels of a table, lock-free.
// Memory:   a 64-byte chunk for each 11 ids, from a pool sized in its constructor; 4 bytes a record for its place.
// Time:     ticks of virtual time; at most 2^31 - 1 ahead of current().
// Bytes:    none.
// Cost:     file(), remove(): a few writes. take_due(): by chunk; empty slots are skipped by bitmap.
// Lifetime: as its table.
// Spec:     design, "The wheel only reclaims"; Varghese and Lauck 1987, scheme 7.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <boost/intrusive/list.hpp>

#include "dataplane/flow/mapped_memory.h"
#include "dataplane/time.h"

namespace lapse {

struct WheelChunk : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>> {
  static constexpr uint32_t kIds = 11;

  uint16_t slot;
  uint8_t count;
  // Atomic only because ids[0] links free chunks, and who pops one may read it while its new owner writes.
  std::atomic<uint32_t> ids[kIds];
};
static_assert(sizeof(WheelChunk) == 64);

class WheelChunkPool {
 public:
  // Enough for 'wheels' wheels that hold 'records' ids between them.
  WheelChunkPool(uint32_t records, size_t wheels);

  WheelChunk& allocate();
  void release(WheelChunk& chunk);
  WheelChunk& operator[](uint32_t index) const { return chunks_[index]; }
  uint32_t index(const WheelChunk& chunk) const { return static_cast<uint32_t>(&chunk - &chunks_[0]); }
  size_t bytes() const { return chunks_.bytes(); }
  void erase_all();

 private:
  uint32_t chunk_count_;
  MappedArray<WheelChunk> chunks_;
  std::atomic<uint32_t> untouched_{0};  // chunks from here on were never used
  std::atomic<uint64_t> free_{0};       // swap count above, index + 1 below
};

// Where each id stands: chunk and place in it; 0 in no wheel. Only the owner of a record touches its entry.
using WheelPlaces = MappedArray<uint32_t>;

class TimingWheel {
 public:
  static constexpr uint32_t kLevels = 4;

  TimingWheel(WheelChunkPool& pool, WheelPlaces& places) : pool_(pool), places_(places) {}
  TimingWheel(const TimingWheel&) = delete;
  TimingWheel& operator=(const TimingWheel&) = delete;

  bool empty() const { return used_ == BitmapSet{}; }
  Tick current() const { return current_; }
  // An empty wheel starts anywhere.
  void start_at(Tick now);

  bool holds(uint32_t id) const { return places_[id] != 0; }
  // To be looked at as soon as the tick 'due' has come; at once when it has.
  void file(uint32_t id, Tick due);
  void remove(uint32_t id);

  // Turns to 'now' at most, and takes out ids that are due on the way, oldest slots first: as many as 'out' holds.
  // 0: nothing is due up to 'now', and the wheel stands there. An id may come before it is due, never after.
  size_t take_due(Tick now, std::span<uint32_t> out);

  // No id is due before this tick.
  std::optional<Tick> next() const;
  void erase_all();

 private:
  static constexpr uint32_t kBits = 8;
  static constexpr uint32_t kSlots = 1 << kBits;
  using Bitmap = std::array<uint64_t, kSlots / 64>;
  using BitmapSet = std::array<Bitmap, kLevels>;
  using Chunks = boost::intrusive::list<WheelChunk, boost::intrusive::constant_time_size<false>>;

  static constexpr uint32_t slot(uint32_t level, uint32_t index) { return level << kBits | index; }
  bool aligned(uint32_t level) const { return (current_ & ((uint64_t{1} << level * kBits) - 1)) == 0; }
  void mark(uint32_t slot) { used_[slot >> kBits][slot % kSlots / 64] |= uint64_t{1} << slot % 64; }
  void unmark(uint32_t slot) { used_[slot >> kBits][slot % kSlots / 64] &= ~(uint64_t{1} << slot % 64); }

  std::optional<uint32_t> due_slot() const;
  std::optional<uint32_t> ticks_to_next() const;
  uint32_t take_last(uint32_t slot);
  void set_place(uint32_t id, const WheelChunk& chunk, uint32_t position) {
    places_[id] = pool_.index(chunk) * 16 + position + 1;
  }

  WheelChunkPool& pool_;
  WheelPlaces& places_;
  // Everything due before this tick has been taken out.
  Tick current_ = 0;
  BitmapSet used_{};
  std::array<Chunks, kLevels * kSlots> slots_;
};

}  // namespace lapse
