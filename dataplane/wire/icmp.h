// icmp.h - the view of the first 8 bytes of an ICMP message, and the types that matter here.
//
// Owner:    none; laid over a packet's bytes.
// Memory:   none.
// Time:     none.
// Bytes:    wire order.
// Cost:     none.
// Lifetime: as the frame it is laid over.
// Spec:     RFC 792; RFC 1122 section 3.2.2 (which types are errors).
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/byteorder.h"

namespace lapse {

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |     Type      |     Code      |           Checksum            |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |          Identifier           |        Sequence number        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct IcmpHeader {
  uint8_t type;
  uint8_t code;
  Be16 checksum;
  Be16 identifier;  // unused in errors
  Be16 sequence;
};
static_assert(sizeof(IcmpHeader) == 8 && alignof(IcmpHeader) == 1);

inline constexpr uint8_t kIcmpEchoReply = 0;
inline constexpr uint8_t kIcmpUnreachable = 3;
inline constexpr uint8_t kIcmpSourceQuench = 4;
inline constexpr uint8_t kIcmpEchoRequest = 8;
inline constexpr uint8_t kIcmpTimeExceeded = 11;
inline constexpr uint8_t kIcmpParameterProblem = 12;
inline constexpr uint8_t kIcmpTimestampRequest = 13;
inline constexpr uint8_t kIcmpAddressMaskReply = 18;

inline constexpr size_t kIcmpLeastQuote = 8;  // behind the quoted IP header

inline constexpr uint8_t kIcmpTtlExceededInTransit = 0;
inline constexpr uint8_t kIcmpFragmentationNeeded =
    4;  // RFC 1191: the next hop's MTU stands in the place of the sequence

// Messages that ask for something or answer; everything else is an error, or unknown and taken for one.
constexpr bool is_icmp_query(uint8_t type) {
  return type == kIcmpEchoReply || type == kIcmpEchoRequest ||
         (type >= kIcmpTimestampRequest && type <= kIcmpAddressMaskReply);
}

// Errors about a packet that travel to its sender through routers; a redirect concerns one link alone.
constexpr bool is_icmp_error(uint8_t type) {
  return type == kIcmpUnreachable || type == kIcmpSourceQuench || type == kIcmpTimeExceeded ||
         type == kIcmpParameterProblem;
}

}  // namespace lapse
