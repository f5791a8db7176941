#include "dataplane/flow/flow_index.h"

#include <algorithm>
#include <cassert>

#include "dataplane/flow/flow_steps.h"

namespace lapse {

namespace {

constexpr uint64_t divide_up(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit;
}

// Below this many words in the first bucket a new one goes there whatever the second holds: most lookups then read one
// line. When every record has its two words here, a tenth of them stands in a second bucket and one in 100,000 in the
// overflow.
constexpr uint32_t kFirstPreferred = 6;

}  // namespace

FlowIndex::FlowIndex(size_t keys)
    : bucket_count_(std::max<uint64_t>(2, divide_up(keys * 10, 7 * kSlots))),
      overflow_count_(std::max<uint64_t>(kOverflowWindow, bucket_count_ / 64)),
      buckets_(bucket_count_ + overflow_count_) {}

uint32_t FlowIndex::used(const Bucket& bucket) {
  uint32_t count = 0;
  for (const auto& word : bucket.words) {
    count += (word.load(std::memory_order_relaxed) & kOccupied) != 0 ? 1 : 0;
  }
  return count;
}

FlowIndex::Position FlowIndex::insert_into(Bucket& bucket, Word word, uint32_t order) {
  for (uint32_t slot = 0; slot < kSlots; ++slot) {
    Word seen = bucket.words[slot].load(std::memory_order_relaxed);
    while ((seen & kOccupied) == 0) {
      if (broken(FlowMutant::kWordRelaxed)) {
        if (bucket.words[slot].compare_exchange_weak(seen, (seen & kSpill) | word, std::memory_order_relaxed)) {
          return {&bucket.words[slot], order + slot};
        }
        continue;
      }
      // Sequentially consistent, as the second scan of put(): of two equal keys at least one sees the other.
      if (bucket.words[slot].compare_exchange_weak(seen, (seen & kSpill) | word, std::memory_order_seq_cst)) {
        return {&bucket.words[slot], order + slot};
      }
    }
  }
  return {};
}

FlowIndex::Position FlowIndex::insert(uint64_t hash, Word word) {
  Bucket& home = first(hash);
  Bucket& other = second(hash);
  const uint32_t home_used = used(home);
  const bool home_first = home_used < kFirstPreferred || home_used <= used(other);
  Position position = home_first ? insert_into(home, word, 0) : insert_into(other, word, kSlots);
  if (!position) {
    position = home_first ? insert_into(other, word, kSlots) : insert_into(home, word, 0);
  }
  if (position || !add_spill(home, 1)) {
    return position;
  }
  // The count stands before the word, so that whoever could miss the word looks for it.
  for (uint32_t step = 0; step < kOverflowWindow; ++step) {
    position = insert_into(overflow(hash, step), word, (step + 2) * kSlots);
    if (position) {
      return position;
    }
  }
  add_spill(home, -1);
  return {};
}

bool FlowIndex::add_spill(Bucket& home, int change) {
  Word seen = home.words[0].load(std::memory_order_relaxed);
  for (;;) {
    const uint32_t count = spilled(seen);
    if (change > 0 && count == spilled(kSpill)) {
      return false;
    }
    assert(change > 0 || count > 0);
    const Word next = (seen & ~kSpill) | static_cast<Word>(count + static_cast<uint32_t>(change)) << kSpillShift;
    if (home.words[0].compare_exchange_weak(seen, next, std::memory_order_seq_cst)) {
      return true;
    }
  }
}

bool FlowIndex::replace(Position position, Word from, Word to) {
  Word seen = position.slot->load(std::memory_order_relaxed);
  while ((seen & ~kSpill) == from) {
    if (position.slot->compare_exchange_weak(seen, (seen & kSpill) | to, std::memory_order_seq_cst)) {
      return true;
    }
  }
  return false;
}

bool FlowIndex::clear(uint64_t hash, Position position, Word word) {
  if (!replace(position, word, 0)) {
    return false;
  }
  if (position.order >= 2 * kSlots) {
    add_spill(first(hash), -1);
  }
  return true;
}

bool FlowIndex::remove(uint64_t hash, uint32_t record, Direction direction) {
  const Word wanted = word(hash, record, direction);
  return scan<std::memory_order_acquire>(
      hash, [&](Position position, Word seen) { return seen == wanted && clear(hash, position, wanted); });
}

uint32_t FlowIndex::words() const {
  uint32_t count = 0;
  for (uint64_t bucket = 0; bucket < bucket_count_ + overflow_count_; ++bucket) {
    count += used(buckets_[bucket]);
  }
  return count;
}

uint32_t FlowIndex::spilled_words() const {
  uint32_t count = 0;
  for (uint64_t bucket = 0; bucket < overflow_count_; ++bucket) {
    count += used(buckets_[bucket_count_ + bucket]);
  }
  return count;
}

}  // namespace lapse
