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
#include <span>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byteorder.h"

namespace lapse {

// A running one's complement sum; bytes may be added in any grouping that starts at an even offset.
class ChecksumSum {
 public:
  ChecksumSum& add(std::span<const uint8_t> bytes);  // an odd last byte counts as if a zero byte followed
  ChecksumSum& add(Be16 word);
  ChecksumSum& add(Be32 word);
  Be16 complement() const;  // what goes into the header

 private:
  uint64_t sum_ = 0;
};

// The sum over a pseudo header; 'length' counts the transport header and payload.
ChecksumSum pseudo_header(Ipv4Address source, Ipv4Address destination, uint8_t protocol, uint16_t length);

// What replacing words does to a checksum, worked out once and applied to many packets.
class ChecksumDelta {
 public:
  ChecksumDelta& replace(Be16 before, Be16 after);
  ChecksumDelta& replace(Be32 before, Be32 after);
  Be16 apply(Be16 checksum) const;      // TCP, ICMP, IPv4
  Be16 apply_udp(Be16 checksum) const;  // 0 stays 0; a result of 0 becomes 0xFFFF

 private:
  uint32_t sum_ = 0;
};

}  // namespace lapse
