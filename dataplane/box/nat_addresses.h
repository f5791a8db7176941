// nat_addresses.h - the addresses that a NAT gateway translates to: which take new flows, and which only finish theirs.
//
// Owner:    a NAT gateway; control associates and disassociates, workers read and release.
// Memory:   fixed.
// Time:     ticks of virtual time.
// Bytes:    addresses in wire order.
// Cost:     a pass over eight words.
// Lifetime: as its gateway.
// Spec:     aws-behaviour 3.1, "Addresses, zonal", "Choice among addresses", "Removing an address"; C-18.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/time.h"
#include "dataplane/wire/address.h"

namespace lapse {

class NatAddresses {
 public:
  static constexpr size_t kMost = 8;

  enum class State : uint8_t { kUnused, kActive, kDraining };
  struct Entry {
    Ipv4Address address;
    State state = State::kUnused;
    Tick released_at = 0;  // kDraining
  };
  // Those of one moment, in their order; the first is the primary one.
  class Active {
   public:
    uint32_t count() const { return count_; }
    Ipv4Address operator[](uint32_t place) const { return addresses_[place]; }

   private:
    friend class NatAddresses;
    std::array<Ipv4Address, kMost> addresses_;
    uint32_t count_ = 0;
  };

  // 1 to kMost different ones.
  explicit NatAddresses(std::span<const Ipv4Address> addresses);

  // ---- workers ----
  bool owns(Ipv4Address address) const;  // active or draining
  Active active() const;
  // Whether an address was released at 'now' or before, so that its flows have to end; the count of releases tells
  // workers that have not looked since.
  void release_due(Tick now);
  uint32_t releases() const { return releases_.load(std::memory_order_acquire); }
  std::optional<Tick> next_release(Tick now) const;

  // ---- control, one thread at a time ----
  enum class Outcome : uint8_t { kDone, kFull, kTaken, kUnknown, kPrimary };
  Outcome associate(Ipv4Address address);
  // It serves the flows that it has until 'released_at', and no new ones.
  Outcome disassociate(Ipv4Address address, Tick released_at);
  std::array<Entry, kMost> entries() const;

 private:
  // One word, so that an address and its state change together.
  struct alignas(8) Slot {
    Ipv4Address address;
    State state = State::kUnused;
    std::array<uint8_t, 3> unused{};
  };
  static_assert(sizeof(Slot) == 8 && std::atomic<Slot>::is_always_lock_free);

  std::array<std::atomic<Slot>, kMost> slots_;
  std::array<std::atomic<Tick>, kMost> released_at_{};
  std::atomic<uint32_t> releases_{0};
};

}  // namespace lapse
