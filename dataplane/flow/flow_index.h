// flow_index.h - from the hash of a key to the records that may hold it: 8-byte words in 64-byte buckets.
//
// Owner:    a flow table; shared by all workers, lock-free.
// Memory:   mapped in the constructor, 23 bytes a flow of two keys.
// Time:     none.
// Bytes:    none: keys live in the records.
// Cost:     scan(): two lines, and the overflow only for a first bucket that has spilled.
// Lifetime: as its table.
// Spec:     design, "The index is a hint, the record is the truth".
//
//   63       62..55   54..32   31          30          29..0
//   occupied spilled  tag      tentative   direction   record
//
// A word never moves. 'spilled' counts, in slot 0 of a bucket and whether or not that slot is occupied, the words of
// this first bucket that found both buckets full and stand in the overflow.
#pragma once

#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>

#include <emmintrin.h>

#include "dataplane/flow/mapped_memory.h"
#include "dataplane/flow/tcp_state.h"

namespace lapse {

class FlowIndex {
 public:
  using Word = uint64_t;
  static constexpr uint32_t kMaxRecords = uint32_t{1} << 30;
  static constexpr Word kTentative = Word{1} << 31;
  static constexpr size_t kMostGuesses = 32;

  static constexpr Word word(uint64_t hash, uint32_t record, Direction direction) {
    return kOccupied | tag(hash) | static_cast<Word>(direction) << 30 | record;
  }
  static constexpr uint32_t record(Word word) { return static_cast<uint32_t>(word) & (kMaxRecords - 1); }
  static constexpr Direction direction(Word word) { return static_cast<Direction>(word >> 30 & 1); }
  static constexpr bool tentative(Word word) { return (word & kTentative) != 0; }

  // A place in the order in which every scan for one hash goes.
  struct Position {
    std::atomic<Word>* slot = nullptr;
    uint32_t order = 0;
    explicit operator bool() const { return slot != nullptr; }
  };

  // Room for 'keys' words at a load of 0.70.
  explicit FlowIndex(size_t keys);

  // Always inline: g++ takes a function that only prefetches for one without effect, and drops the call.
  [[gnu::always_inline]] void prefetch(uint64_t hash) const {
    __builtin_prefetch(&first(hash));
    __builtin_prefetch(&second(hash));
  }

  // The first bucket alone: most words stand there.
  [[gnu::always_inline]] void prefetch_first(uint64_t hash) const { __builtin_prefetch(&first(hash)); }

  // For a burst whose first buckets have been prefetched: guesses[i] becomes a word whose tag fits hashes[i], or 0, and
  // what 'target' says that it leads to is prefetched. A second bucket is fetched only for a key that is not in its
  // first; the overflow is left out: a guess may be wrong, and saves a scan where it is right.
  template <typename Target>
  [[gnu::always_inline]] void guess(std::span<const uint64_t> hashes, Word* guesses, Target&& target) const {
    assert(hashes.size() <= kMostGuesses);
    uint8_t elsewhere[kMostGuesses];
    size_t elsewhere_count = 0;
    for (size_t i = 0; i < hashes.size(); ++i) {
      const Word word = fitting_word(first(hashes[i]), hashes[i]);
      guesses[i] = word;
      // No branch: it would be a wrong one for every few packets.
      const uintptr_t is_here = word >> 63;
      const auto found = reinterpret_cast<uintptr_t>(target(word));
      const auto next = reinterpret_cast<uintptr_t>(&second(hashes[i]));
      __builtin_prefetch(reinterpret_cast<const void*>(next ^ ((next ^ found) & (0 - is_here))));
      elsewhere[elsewhere_count] = static_cast<uint8_t>(i);
      elsewhere_count += 1 - is_here;
    }
    for (size_t i = 0; i < elsewhere_count; ++i) {
      const uint64_t hash = hashes[elsewhere[i]];
      Word& guess = guesses[elsewhere[i]];
      guess = fitting_word(second(hash), hash);
      __builtin_prefetch(target(guess));
    }
  }

  // Calls visit(position, word) for each word whose tag fits, until it returns true; says whether it did.
  template <std::memory_order kOrder, typename Visit>
  bool scan(uint64_t hash, Visit&& visit) const {
    const Word want = kOccupied | tag(hash);
    Bucket& home = first(hash);
    if (scan_bucket<kOrder>(home, want, 0, visit) || scan_bucket<kOrder>(second(hash), want, kSlots, visit)) {
      return true;
    }
    if (spilled(home.words[0].load(kOrder)) == 0) [[likely]] {
      return false;
    }
    for (uint32_t step = 0; step < kOverflowWindow; ++step) {
      if (scan_bucket<kOrder>(overflow(hash, step), want, (step + 2) * kSlots, visit)) {
        return true;
      }
    }
    return false;
  }

  // Calls visit(position, word) for every word, whatever its tag, in the places where a word of 'hash' may stand.
  template <typename Visit>
  void walk(uint64_t hash, Visit&& visit) const {
    for (uint32_t bucket = 0; bucket < 2 + kOverflowWindow; ++bucket) {
      Bucket& place = bucket == 0 ? first(hash) : bucket == 1 ? second(hash) : overflow(hash, bucket - 2);
      for (uint32_t slot = 0; slot < kSlots; ++slot) {
        const Word word = place.words[slot].load(std::memory_order_acquire);
        if ((word & kOccupied) != 0) {
          visit(Position{&place.words[slot], bucket * kSlots + slot}, word & ~kSpill);
        }
      }
    }
  }

  // Swaps 'word' into a free slot; no position when there is none: then words of the dead stand in the way.
  Position insert(uint64_t hash, Word word);
  // Changes 'from' to 'to' where it stands; false when it is no longer there.
  static bool replace(Position position, Word from, Word to);
  static bool holds(Position position, Word word) {
    return (position.slot->load(std::memory_order_seq_cst) & ~kSpill) == word;
  }
  // Takes 'word' out of the place where it stands; true for the one caller who did.
  bool clear(uint64_t hash, Position position, Word word);
  // Takes out the confirmed word of a record's key, wherever it stands.
  bool remove(uint64_t hash, uint32_t record, Direction direction);

  size_t bytes() const { return buckets_.bytes(); }
  uint32_t spilled_words() const;  // for tests and metrics: walks the overflow
  uint32_t words() const;          // the same, over everything
  // The two buckets of a key: for tests that crowd some.
  std::pair<uint64_t, uint64_t> buckets(uint64_t hash) const { return {first_index(hash), second_index(hash)}; }
  void erase_all() { buckets_.clear(); }

 private:
  static constexpr uint32_t kSlots = 8;
  static constexpr uint32_t kOverflowWindow = 8;  // buckets of the overflow in which a key may stand
  static constexpr Word kOccupied = Word{1} << 63;
  static constexpr unsigned kSpillShift = 55;
  static constexpr Word kSpill = Word{0xff} << kSpillShift;
  static constexpr Word kTag = ((Word{1} << 23) - 1) << 32;
  static constexpr Word kMatch = kOccupied | kTag;

  struct alignas(64) Bucket {
    std::atomic<Word> words[kSlots];
  };

  static constexpr Word tag(uint64_t hash) { return hash << 32 & kTag; }
  static constexpr uint32_t spilled(Word word) { return static_cast<uint32_t>((word & kSpill) >> kSpillShift); }
  static constexpr uint64_t reduce(uint64_t hash, uint64_t count) {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(hash) * count >> 64);
  }

  // Odd constants; the high bits of the products depend on all of the hash, so that the places are independent. The
  // second bucket is never the first, or one slot would stand at two places of a scan.
  uint64_t first_index(uint64_t hash) const { return reduce(hash, bucket_count_); }
  uint64_t second_index(uint64_t hash) const {
    const uint64_t other = reduce(hash * 0xd6e8feb86659fd93ULL, bucket_count_ - 1);
    return other + (other >= first_index(hash) ? 1 : 0);
  }
  Bucket& first(uint64_t hash) const { return buckets_[first_index(hash)]; }
  Bucket& second(uint64_t hash) const { return buckets_[second_index(hash)]; }
  Bucket& overflow(uint64_t hash, uint32_t step) const {
    const uint64_t start = reduce(hash * 0xa0761d6478bd642fULL, overflow_count_);
    return buckets_[bucket_count_ + (start + step) % overflow_count_];
  }

  // The upper halves of four words, which hold all that is compared; each word is one atomic load.
  template <std::memory_order kOrder>
  static __m128i upper_halves(const std::atomic<Word>* words) {
    const auto load = [words](size_t slot) { return static_cast<int64_t>(words[slot].load(kOrder)); };
    const __m128 low = _mm_castsi128_ps(_mm_set_epi64x(load(1), load(0)));
    const __m128 high = _mm_castsi128_ps(_mm_set_epi64x(load(3), load(2)));
    return _mm_castps_si128(_mm_shuffle_ps(low, high, _MM_SHUFFLE(3, 1, 3, 1)));
  }

  // A bit for each slot whose tag fits: all at once, for a loop with an exit costs a wrong guess a lookup.
  template <std::memory_order kOrder>
  static uint32_t fitting(const Bucket& bucket, Word want) {
    const __m128i mask = _mm_set1_epi32(static_cast<int32_t>(kMatch >> 32));
    const __m128i wanted = _mm_set1_epi32(static_cast<int32_t>(want >> 32));
    const auto fits = [&](size_t first_slot) {
      const __m128i halves = upper_halves<kOrder>(&bucket.words[first_slot]);
      return _mm_cmpeq_epi32(_mm_and_si128(halves, mask), wanted);
    };
    const __m128i slots = _mm_packs_epi32(fits(0), fits(4));
    return static_cast<uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(slots, _mm_setzero_si128())));
  }

  // A word whose tag fits, or 0.
  static Word fitting_word(const Bucket& bucket, uint64_t hash) {
    const uint32_t fits = fitting<std::memory_order_acquire>(bucket, kOccupied | tag(hash));
    const Word word = bucket.words[std::countr_zero(fits | 1u << (kSlots - 1))].load(std::memory_order_acquire);
    return word & (Word{0} - (fits != 0 ? 1 : 0)) & (Word{0} - (word >> 63));
  }

  template <std::memory_order kOrder, typename Visit>
  static bool scan_bucket(Bucket& bucket, Word want, uint32_t order, Visit&& visit) {
    for (uint32_t fits = fitting<kOrder>(bucket, want); fits != 0; fits &= fits - 1) {
      const auto slot = static_cast<uint32_t>(std::countr_zero(fits));
      const Word word = bucket.words[slot].load(kOrder) & ~kSpill;
      if (((word ^ want) & kMatch) == 0 && visit(Position{&bucket.words[slot], order + slot}, word)) {
        return true;
      }
    }
    return false;
  }

  static uint32_t used(const Bucket& bucket);
  static Position insert_into(Bucket& bucket, Word word, uint32_t order);
  static bool add_spill(Bucket& home, int change);

  uint64_t bucket_count_;
  uint64_t overflow_count_;
  MappedArray<Bucket> buckets_;
};

}  // namespace lapse
