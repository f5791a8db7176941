#include "dataplane/net/neighbours.h"

#include <bit>
#include <cstring>

namespace lapse {
namespace {

constexpr uint64_t kUsed = uint64_t{1} << 63;
constexpr uint64_t kKnown = uint64_t{1} << 63;
constexpr uint64_t kStatic = uint64_t{1} << 62;
constexpr size_t kProbes = 16;

uint64_t pack(MacAddress mac) {
  uint64_t packed = 0;
  std::memcpy(&packed, mac.bytes.data(), mac.bytes.size());
  return packed;
}

MacAddress unpack(uint64_t packed) {
  MacAddress mac;
  std::memcpy(mac.bytes.data(), &packed, mac.bytes.size());
  return mac;
}

}  // namespace

Neighbours::Neighbours(size_t capacity) : entries_(std::bit_ceil(capacity)) {}

Neighbours::Entry* Neighbours::entry_for(LinkId link, Ipv4Address address) {
  const uint64_t key = kUsed | uint64_t{index(link)} << 32 | address.raw();
  const size_t mask = entries_.size() - 1;
  size_t slot = (key * 0x9e3779b97f4a7c15ULL) >> 40;
  for (size_t probe = 0; probe < kProbes; ++probe, ++slot) {
    Entry& entry = entries_[slot & mask];
    uint64_t seen = entry.key.load(std::memory_order_acquire);
    if (seen == 0 && entry.key.compare_exchange_strong(seen, key, std::memory_order_acq_rel)) {
      return &entry;
    }
    if (seen == key) {
      return &entry;
    }
  }
  return nullptr;
}

void Neighbours::add_static(LinkId link, Ipv4Address address, MacAddress mac) {
  if (Entry* entry = entry_for(link, address); entry != nullptr) {
    entry->mac.store(kKnown | kStatic | pack(mac), std::memory_order_release);
  }
}

void Neighbours::learn(LinkId link, Ipv4Address address, MacAddress mac, Instant real) {
  Entry* entry = entry_for(link, address);
  if (entry == nullptr || (entry->mac.load(std::memory_order_relaxed) & kStatic) != 0) {
    return;
  }
  entry->confirmed.store(real.time_since_epoch().count(), std::memory_order_relaxed);
  entry->mac.store(kKnown | pack(mac), std::memory_order_release);
  lessons_.fetch_add(1, std::memory_order_seq_cst);
}

Neighbours::Answer Neighbours::find(LinkId link, Ipv4Address address, Instant real) {
  Entry* entry = entry_for(link, address);
  if (entry == nullptr) {
    return {};
  }
  const uint64_t word = entry->mac.load(std::memory_order_acquire);
  if ((word & kStatic) != 0) {
    return {.mac = unpack(word)};
  }
  const int64_t now = real.time_since_epoch().count();
  const int64_t age = now - entry->confirmed.load(std::memory_order_relaxed);
  Answer answer;
  if ((word & kKnown) != 0 && age < kUsableFor.count()) {
    answer.mac = unpack(word);
    if (age < kFreshFor.count()) {
      return answer;
    }
  }
  int64_t asked = entry->asked.load(std::memory_order_relaxed);
  answer.ask = now - asked >= kRequestInterval.count() &&
               entry->asked.compare_exchange_strong(asked, now, std::memory_order_relaxed);
  return answer;
}

}  // namespace lapse
