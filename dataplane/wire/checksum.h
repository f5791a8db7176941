// checksum.h - the Internet checksum, whole and incremental.
//
// Owner:    none; pure functions.
// Memory:   none.
// Time:     none.
// Bytes:    sums are over 16-bit words in wire order; the results are Be16, ready to store.
// Cost:     whole: one pass; incremental: a few adds.
// Lifetime: none.
// Spec:     RFC 1071, RFC 1624 equation 3 (and why equation 4 of RFC 1141 fails at 0x0000/0xFFFF).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byteorder.h"

namespace lapse {

// One's complement addition is the same in either byte order, so raw words are added without a swap (RFC 1071 section
// 2).
constexpr uint16_t fold_and_invert(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

// A running one's complement sum; bytes may be added in any grouping that starts at an even offset.
class ChecksumSum {
 public:
  // An odd last byte counts as if a zero byte followed.
  ChecksumSum& add(std::span<const uint8_t> bytes) {
    const uint8_t* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 4; at += 4, left -= 4) {
      uint32_t word;
      std::memcpy(&word, at, 4);
      sum_ += word;
    }
    if (left > 0) {
      // The missing bytes count as zeros behind the last one.
      uint32_t word = 0;
      std::memcpy(&word, at, left);
      sum_ += word;
    }
    return *this;
  }
  ChecksumSum& add(Be16 word) {
    sum_ += word.raw();
    return *this;
  }
  ChecksumSum& add(Be32 word) {
    sum_ += word.raw();
    return *this;
  }
  Be16 complement() const { return Be16::from_raw(fold_and_invert(sum_)); }  // what goes into the header

 private:
  uint64_t sum_ = 0;
};

// The sum over a pseudo header; 'length' counts the transport header and payload.
inline ChecksumSum pseudo_header(Ipv4Address source, Ipv4Address destination, uint8_t protocol, uint16_t length) {
  return ChecksumSum().add(source).add(destination).add(be16(protocol)).add(be16(length));
}

// What replacing words does to a checksum, worked out once and applied to many packets.
class ChecksumDelta {
 public:
  ChecksumDelta& replace(Be16 before, Be16 after) {
    sum_ += uint32_t{static_cast<uint16_t>(~before.raw())} + after.raw();
    return *this;
  }
  ChecksumDelta& replace(Be32 before, Be32 after) {
    const uint32_t inverted = ~before.raw();
    sum_ += (inverted & 0xffff) + (inverted >> 16) + (after.raw() & 0xffff) + (after.raw() >> 16);
    return *this;
  }
  // TCP, ICMP, IPv4. RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
  Be16 apply(Be16 checksum) const {
    return Be16::from_raw(fold_and_invert(uint64_t{static_cast<uint16_t>(~checksum.raw())} + sum_));
  }
  // 0 stays 0; a result of 0 becomes 0xFFFF.
  Be16 apply_udp(Be16 checksum) const {
    if (checksum == Be16{}) {
      return checksum;
    }
    const Be16 updated = apply(checksum);
    return updated == Be16{} ? be16(0xffff) : updated;
  }

 private:
  uint32_t sum_ = 0;
};

}  // namespace lapse
