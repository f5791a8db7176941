// A pair is one 8-byte word in one of two 64-byte buckets, there while its count is not zero:
//
//   63        62         61..30       29..16       15..0
//   occupied  tentative  fingerprint  map id + 1   count        tentative: a nonce in the place of map and count
//
// A word with the count is only ever changed by compare-and-swap, so a limit is exact as long as a pair has one word.
// Two workers may make the first word of a pair at once: each places a tentative word, then looks for others, as put()
// of the flow table does. Here nobody may be refused for meeting one, so whoever meets a tentative word settles it
// himself: takes it out when another goes first, else confirms it with a count of zero. Only then is anything counted,
// by the same swap whoever made the word. Each turn of take() that does not end is another worker's progress. Two pairs
// in one bucket share a word when their 32-bit fingerprints are equal.
#include "dataplane/flow/port_allocator.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>

#include "dataplane/flow/flow_steps.h"
#include "dataplane/flow/mapped_memory.h"

namespace lapse {

namespace {

using Word = uint64_t;

constexpr uint32_t kSlots = 8;
constexpr uint32_t kDenseFrom = 27500;  // past half of what a pair may have, luck begins to run out
constexpr uint32_t kSparseAgain = kDenseFrom / 2;
constexpr uint32_t kMaxMaps = (1 << 14) - 1;

constexpr Word kOccupied = Word{1} << 63;
constexpr Word kTentative = Word{1} << 62;
constexpr unsigned kFingerprintShift = 30;
constexpr Word kFingerprint = Word{0xffffffff} << kFingerprintShift;
constexpr unsigned kMapShift = 16;
constexpr Word kMap = Word{kMaxMaps} << kMapShift;
constexpr Word kCount = 0xffff;
constexpr Word kNonce = kMap | kCount;

constexpr uint32_t count(Word word) {
  return static_cast<uint32_t>(word & kCount);
}
constexpr uint32_t map_id(Word word) {
  return static_cast<uint32_t>((word & kMap) >> kMapShift);
}  // 0: none
constexpr Word identity(uint64_t hash) {
  return kOccupied | (hash << kFingerprintShift & kFingerprint);
}
constexpr bool same_pair(Word word, Word identity) {
  return ((word ^ identity) & (kOccupied | kFingerprint)) == 0;
}
constexpr bool stands_as(Word word, Word identity) {
  return ((word ^ identity) & (kOccupied | kTentative | kFingerprint)) == 0;
}

constexpr uint64_t reduce(uint64_t random, uint64_t below) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(random) * below >> 64);
}

// A bit for each port: taken, or refused by the table, since the map was made. A hint only.
struct PortMap {
  static constexpr uint32_t kWords = 65536 / 64;
  static constexpr uint32_t kFirstWord = kFirstPort / 64;
  std::atomic<uint64_t> words[kWords];

  // Ports below kFirstPort are not given out, so their words are free: the first links maps that no pair uses.
  std::atomic<uint64_t>& next_free() { return words[0]; }
  void clear() {
    for (uint32_t word = kFirstWord; word < kWords; ++word) {
      words[word].store(0, std::memory_order_relaxed);
    }
  }
};
static_assert(sizeof(PortMap) == 8192);

struct alignas(64) Bucket {
  std::atomic<Word> words[kSlots];
};

}  // namespace

struct PortAllocator::Impl {
  explicit Impl(const Options& wanted)
      : options(wanted),
        bucket_count(std::max<uint64_t>(64, (uint64_t{2} * wanted.flow_capacity + kSlots - 1) / kSlots)),
        map_count(std::min(kMaxMaps, wanted.flow_capacity / kSparseAgain + 1)),
        buckets(bucket_count),
        maps(map_count) {
    assert(wanted.limit > 0 && wanted.limit <= kPortCount);
  }

  struct Place {
    std::atomic<Word>* slot = nullptr;
    Word word = 0;
  };

  uint64_t hash_of(const PortPair& pair) const {
    return hash(FiveTuple{pair.nat_address, pair.destination, Be16{}, pair.destination_port, pair.protocol},
                options.hash_key);
  }
  // The second bucket is never the first, or one slot would be two positions.
  Bucket& bucket(uint64_t hash, uint32_t choice) const {
    const uint64_t first = reduce(hash, bucket_count);
    if (choice == 0) {
      return buckets[first];
    }
    const uint64_t second = reduce(hash * 0xd6e8feb86659fd93ULL, bucket_count - 1);
    return buckets[second + (second >= first ? 1 : 0)];
  }
  std::atomic<Word>& slot(uint64_t hash, uint32_t position) const {
    return bucket(hash, position / kSlots).words[position % kSlots];
  }

  Place find(uint64_t hash) const;
  PortMap* map_of(uint64_t hash) const;
  uint32_t free_position(uint64_t hash) const;
  Place find_tentative(uint64_t hash) const;
  bool make_pair(uint64_t hash);
  bool outlasts_rivals(uint64_t hash, const std::atomic<Word>* tentative);
  void attach_map(std::atomic<Word>& slot, Word identity);
  uint32_t take_map();
  void release_map(uint32_t id);

  Options options;
  uint64_t bucket_count;
  uint32_t map_count;
  MappedArray<Bucket> buckets;
  MappedArray<PortMap> maps;
  std::atomic<uint32_t> nonce{0};
  std::atomic<uint32_t> untouched_maps{0};
  std::atomic<uint64_t> free_maps{0};  // swap count above, id below
};

namespace {

constexpr uint32_t kPositions = 2 * kSlots;  // of one pair: two buckets

}  // namespace

PortAllocator::Impl::Place PortAllocator::Impl::find(uint64_t hash) const {
  const Word wanted = identity(hash);
  for (uint32_t position = 0; position < kPositions; ++position) {
    std::atomic<Word>& candidate = slot(hash, position);
    const Word word = candidate.load(std::memory_order_acquire);
    if (stands_as(word, wanted)) {
      return {&candidate, word};
    }
  }
  return {};
}

PortMap* PortAllocator::Impl::map_of(uint64_t hash) const {
  const Place place = find(hash);
  const uint32_t id = place.slot == nullptr ? 0 : map_id(place.word);
  return id == 0 ? nullptr : &maps[id - 1];
}

// In the first bucket while it is not crowded, else in the emptier of the two; kPositions when both are full.
uint32_t PortAllocator::Impl::free_position(uint64_t hash) const {
  uint32_t used[2] = {};
  uint32_t free[2] = {kPositions, kPositions};
  for (uint32_t position = kPositions; position-- > 0;) {
    if (slot(hash, position).load(std::memory_order_relaxed) != 0) {
      ++used[position / kSlots];
    } else {
      free[position / kSlots] = position;
    }
  }
  return used[0] < kSlots / 2 || used[0] <= used[1] ? free[0] : free[1];
}

PortAllocator::Impl::Place PortAllocator::Impl::find_tentative(uint64_t hash) const {
  const Word wanted = identity(hash) | kTentative;
  for (uint32_t position = 0; position < kPositions; ++position) {
    std::atomic<Word>& candidate = slot(hash, position);
    const Word word = candidate.load(std::memory_order_acquire);
    if (stands_as(word, wanted)) {
      return {&candidate, word};
    }
  }
  return {};
}

// The tentative word has been seen in its place, so any other word of the pair is seen here, or whoever settles that one
// sees this: of two at most one is confirmed. Tentative words behind this one are taken out.
bool PortAllocator::Impl::outlasts_rivals(uint64_t hash, const std::atomic<Word>* tentative) {
  const Word wanted = identity(hash);
  bool behind = false;
  for (uint32_t position = 0; position < kPositions; ++position) {
    std::atomic<Word>& other = slot(hash, position);
    if (&other == tentative) {
      behind = true;
      continue;
    }
    Word word = other.load(std::memory_order_seq_cst);
    while (same_pair(word, wanted)) {
      if ((word & kTentative) == 0 || !behind) {
        return false;
      }
      if (other.compare_exchange_weak(word, 0, std::memory_order_seq_cst)) {
        break;
      }
    }
  }
  return true;
}

// Makes a word of the pair, with a count of zero, or helps another worker to. Whatever came of it, look again; false:
// both buckets are full of other pairs.
bool PortAllocator::Impl::make_pair(uint64_t hash) {
  Place tentative = find_tentative(hash);
  if (tentative.slot == nullptr) {
    const uint32_t own = free_position(hash);
    if (own == kPositions) {
      return false;
    }
    step(FlowStep::kPairLookedFor);
    tentative.slot = &slot(hash, own);
    tentative.word = identity(hash) | kTentative | (nonce.fetch_add(1, std::memory_order_relaxed) & kNonce);
    Word expected = 0;
    if (!tentative.slot->compare_exchange_strong(expected, tentative.word, std::memory_order_seq_cst)) {
      return true;
    }
    step(FlowStep::kPairPlaced);
  }
  const bool first = broken(FlowMutant::kNoPairSecondScan) || outlasts_rivals(hash, tentative.slot);
  step(FlowStep::kPairRivalsLookedFor);
  tentative.slot->compare_exchange_strong(tentative.word, first ? identity(hash) : 0, std::memory_order_seq_cst);
  return true;
}

uint32_t PortAllocator::Impl::take_map() {
  uint64_t head = free_maps.load(std::memory_order_acquire);
  while (static_cast<uint32_t>(head) != 0) {
    const uint64_t next = maps[static_cast<uint32_t>(head) - 1].next_free().load(std::memory_order_relaxed);
    if (free_maps.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | next, std::memory_order_acq_rel,
                                        std::memory_order_acquire)) {
      maps[static_cast<uint32_t>(head) - 1].clear();
      return static_cast<uint32_t>(head);
    }
  }
  uint32_t fresh = untouched_maps.load(std::memory_order_relaxed);
  while (fresh < map_count) {
    if (untouched_maps.compare_exchange_weak(fresh, fresh + 1, std::memory_order_relaxed)) {
      return fresh + 1;
    }
  }
  return 0;
}

void PortAllocator::Impl::release_map(uint32_t id) {
  uint64_t head = free_maps.load(std::memory_order_relaxed);
  do {
    maps[id - 1].next_free().store(static_cast<uint32_t>(head), std::memory_order_relaxed);
  } while (!free_maps.compare_exchange_weak(head, ((head >> 32) + 1) << 32 | id, std::memory_order_acq_rel,
                                            std::memory_order_relaxed));
}

// The map starts empty and learns: a port that the table refuses is marked. Without one the pair goes on by luck.
void PortAllocator::Impl::attach_map(std::atomic<Word>& slot, Word identity) {
  const uint32_t id = take_map();
  if (id == 0) {
    return;
  }
  Word word = slot.load(std::memory_order_acquire);
  while (stands_as(word, identity) && map_id(word) == 0) {
    if (slot.compare_exchange_weak(word, word | Word{id} << kMapShift, std::memory_order_acq_rel)) {
      return;
    }
  }
  release_map(id);
}

PortAllocator::PortAllocator(const Options& options) : impl_(std::make_unique<Impl>(options)) {}
PortAllocator::~PortAllocator() = default;

bool PortAllocator::take(const PortPair& pair) {
  const uint64_t hash = impl_->hash_of(pair);
  for (;;) {
    Impl::Place place = impl_->find(hash);
    if (place.slot == nullptr) {
      if (!impl_->make_pair(hash)) {
        return false;
      }
      continue;
    }
    while (stands_as(place.word, identity(hash))) {
      if (count(place.word) >= impl_->options.limit) {
        return false;
      }
      step(FlowStep::kPairFound);
      if (place.slot->compare_exchange_weak(place.word, place.word + 1, std::memory_order_acq_rel,
                                            std::memory_order_acquire)) {
        if (count(place.word) + 1 >= kDenseFrom && map_id(place.word) == 0) {
          impl_->attach_map(*place.slot, identity(hash));
        }
        return true;
      }
    }
  }
}

Be16 PortAllocator::candidate(const PortPair& pair, uint64_t random, uint32_t attempt) {
  // Whether or not the caller draws anew for each attempt, each goes somewhere else.
  const uint64_t mixed = (random + attempt) * 0x9e3779b97f4a7c15ULL;
  const auto anywhere = static_cast<uint16_t>(kFirstPort + reduce(mixed, kPortCount));
  PortMap* const map = impl_->map_of(impl_->hash_of(pair));
  if (map == nullptr) {
    return be16(anywhere);
  }
  constexpr uint32_t kUsable = PortMap::kWords - PortMap::kFirstWord;
  for (uint32_t step = 0; step <= kUsable; ++step) {
    const uint32_t word = PortMap::kFirstWord + (anywhere / 64 - PortMap::kFirstWord + step) % kUsable;
    uint64_t free = ~map->words[word].load(std::memory_order_relaxed);
    if (step == 0) {
      free &= ~uint64_t{0} << anywhere % 64;
    }
    if (free != 0) {
      return be16(static_cast<uint16_t>(word * 64 + static_cast<uint32_t>(std::countr_zero(free))));
    }
  }
  // Below the limit there are free ports, so the marks are out of date.
  map->clear();
  return be16(anywhere);
}

void PortAllocator::mark_used(const PortPair& pair, Be16 port) {
  if (PortMap* const map = impl_->map_of(impl_->hash_of(pair)); map != nullptr && port.host() >= kFirstPort) {
    map->words[port.host() / 64].fetch_or(uint64_t{1} << port.host() % 64, std::memory_order_relaxed);
  }
}

void PortAllocator::give_back(const PortPair& pair, Be16 port) {
  const uint64_t hash = impl_->hash_of(pair);
  Impl::Place place = impl_->find(hash);
  assert(place.slot != nullptr);
  if (const uint32_t map = map_id(place.word); map != 0 && port.host() >= kFirstPort) {
    impl_->maps[map - 1].words[port.host() / 64].fetch_and(~(uint64_t{1} << port.host() % 64),
                                                           std::memory_order_relaxed);
  }
  while (place.slot != nullptr) {
    assert(stands_as(place.word, identity(hash)) && count(place.word) > 0);
    Word less = place.word - 1;
    if (count(less) < kSparseAgain) {
      less &= ~kMap;
    }
    if (count(less) == 0) {
      less = 0;
    }
    if (place.slot->compare_exchange_weak(place.word, less, std::memory_order_acq_rel, std::memory_order_acquire)) {
      if (map_id(place.word) != 0 && map_id(less) == 0) {
        impl_->release_map(map_id(place.word));
      }
      return;
    }
  }
}

uint32_t PortAllocator::used(const PortPair& pair) const {
  const Impl::Place place = impl_->find(impl_->hash_of(pair));
  return place.slot == nullptr ? 0 : count(place.word);
}

size_t PortAllocator::memory_bytes() const {
  return impl_->buckets.bytes() + impl_->maps.bytes() + sizeof(Impl) + sizeof(*this);
}

}  // namespace lapse
