#include "dataplane/box/nat_addresses.h"

#include <cassert>

namespace lapse {
namespace {

constexpr bool has_come(Tick tick, Tick now) {
  return static_cast<int32_t>(now - tick) >= 0;
}

}  // namespace

NatAddresses::NatAddresses(std::span<const Ipv4Address> addresses) {
  assert(!addresses.empty() && addresses.size() <= kMost);
  for (size_t place = 0; place < addresses.size(); ++place) {
    slots_[place].store({addresses[place], State::kActive}, std::memory_order_relaxed);
  }
}

bool NatAddresses::owns(Ipv4Address address) const {
  for (const auto& slot : slots_) {
    const Slot seen = slot.load(std::memory_order_relaxed);
    if (seen.address == address && seen.state != State::kUnused) {
      return true;
    }
  }
  return false;
}

NatAddresses::Active NatAddresses::active() const {
  Active active;
  for (const auto& slot : slots_) {
    const Slot seen = slot.load(std::memory_order_relaxed);
    if (seen.state == State::kActive) {
      active.addresses_[active.count_++] = seen.address;
    }
  }
  return active;
}

void NatAddresses::release_due(Tick now) {
  for (size_t place = 0; place < kMost; ++place) {
    Slot seen = slots_[place].load(std::memory_order_acquire);
    if (seen.state != State::kDraining || !has_come(released_at_[place].load(std::memory_order_relaxed), now)) {
      continue;
    }
    if (slots_[place].compare_exchange_strong(seen, {seen.address, State::kUnused}, std::memory_order_relaxed)) {
      releases_.fetch_add(1, std::memory_order_release);
    }
  }
}

std::optional<Tick> NatAddresses::next_release(Tick now) const {
  std::optional<Tick> earliest;
  for (const Entry& entry : entries()) {
    if (entry.state == State::kDraining &&
        (!earliest || static_cast<int32_t>(entry.released_at - now) < static_cast<int32_t>(*earliest - now))) {
      earliest = entry.released_at;
    }
  }
  return earliest;
}

NatAddresses::Outcome NatAddresses::associate(Ipv4Address address) {
  if (owns(address)) {
    return Outcome::kTaken;
  }
  for (auto& slot : slots_) {
    if (slot.load(std::memory_order_relaxed).state == State::kUnused) {
      slot.store({address, State::kActive}, std::memory_order_release);
      return Outcome::kDone;
    }
  }
  return Outcome::kFull;
}

NatAddresses::Outcome NatAddresses::disassociate(Ipv4Address address, Tick released_at) {
  for (size_t place = 0; place < kMost; ++place) {
    const Slot seen = slots_[place].load(std::memory_order_relaxed);
    if (seen.address != address || seen.state != State::kActive) {
      continue;
    }
    if (place == 0) {
      return Outcome::kPrimary;
    }
    released_at_[place].store(released_at, std::memory_order_relaxed);
    slots_[place].store({address, State::kDraining}, std::memory_order_release);
    return Outcome::kDone;
  }
  return Outcome::kUnknown;
}

std::array<NatAddresses::Entry, NatAddresses::kMost> NatAddresses::entries() const {
  std::array<Entry, kMost> entries;
  for (size_t place = 0; place < kMost; ++place) {
    const Slot seen = slots_[place].load(std::memory_order_acquire);
    entries[place] = {seen.address, seen.state, released_at_[place].load(std::memory_order_relaxed)};
  }
  return entries;
}

}  // namespace lapse
