// datagram_map.h - which bytes of one fragmented datagram have been seen.
//
// Owner:    one worker; a part of the fragment store.
// Memory:   a bit for each 8 bytes of the longest datagram, lent by the store.
// Time:     none.
// Bytes:    host integers.
// Cost:     add(): a few words; 3 for an Ethernet frame.
// Lifetime: as the datagram.
// Spec:     RFC 791 section 3.2; RFC 5722 section 4: a datagram with overlaps is given up, whatever the overlap says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/wire/ipv4.h"

namespace lapse {

class DatagramMap {
 public:
  using Words = std::array<uint64_t, (kIpv4LongestPacket + 1) / kIpv4FragmentUnit / 64>;

  enum class Outcome : uint8_t {
    kNew,          // none of these bytes has been seen, and now they have
    kRepeats,      // all of them have been seen before
    kContradicts,  // some have been, or they lie behind the end, or there are two ends
  };
  // 'words' are this datagram's, all zero before the first call. 'size' is above 0, and 'offset' + 'size' at most
  // kIpv4LongestPacket.
  Outcome add(Words& words, size_t offset, size_t size, bool more);

  // Every byte up to the end of the last fragment has been seen.
  bool is_complete() const { return end_ != 0 && seen_units_ == units_until(end_); }

 private:
  static constexpr size_t units_until(size_t byte) { return (byte + kIpv4FragmentUnit - 1) / kIpv4FragmentUnit; }

  uint16_t seen_units_ = 0;
  uint16_t highest_unit_ = 0;  // one behind it
  uint32_t end_ = 0;           // in bytes, once the last fragment has been seen
};

}  // namespace lapse
