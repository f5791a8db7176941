// ipv4.h - the view of an IPv4 header.
//
// Owner:    none; laid over a packet's bytes.
// Memory:   none.
// Time:     none.
// Bytes:    wire order.
// Cost:     none.
// Lifetime: as the frame it is laid over.
// Spec:     RFC 791 section 3.1.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byteorder.h"

namespace lapse {

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |Version|  IHL  |Type of service|         Total length          |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |        Identification         |Flags|     Fragment offset     |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Time to live  |   Protocol    |        Header checksum        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                        Source address                         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                      Destination address                      |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct Ipv4Header {
  uint8_t version_and_size;  // header length in 32-bit words
  uint8_t type_of_service;
  Be16 total_length;
  Be16 identification;
  Be16 fragment;  // flags and offset in units of 8 bytes
  uint8_t ttl;
  uint8_t protocol;
  Be16 checksum;
  Ipv4Address source;
  Ipv4Address destination;

  uint8_t version() const { return version_and_size >> 4; }
  size_t size() const { return size_t{4} * (version_and_size & 0x0f); }
};
static_assert(sizeof(Ipv4Header) == 20 && alignof(Ipv4Header) == 1);

inline constexpr uint8_t kIpv4VersionAndSize = 0x45;  // without options
inline constexpr size_t kIpv4MaxHeaderSize = 60;
inline constexpr size_t kIpv4LongestPacket = 65535;
inline constexpr size_t kIpv4FragmentUnit = 8;  // what offsets count in
inline constexpr Be16 kIpv4DontFragment = be16(0x4000);
inline constexpr Be16 kIpv4MoreFragments = be16(0x2000);
inline constexpr Be16 kIpv4FragmentOffset = be16(0x1fff);

inline constexpr uint8_t kIpv4OptionEnd = 0;
inline constexpr uint8_t kIpv4OptionNop = 1;
inline constexpr uint8_t kIpv4OptionRecordRoute = 7;
inline constexpr uint8_t kIpv4OptionLooseSourceRoute = 131;
inline constexpr uint8_t kIpv4OptionStrictSourceRoute = 137;
inline constexpr uint8_t kIpv4OptionIsCopied = 0x80;  // into every fragment

constexpr bool is_fragment(const Ipv4Header& ip) {
  return (ip.fragment.raw() & (kIpv4MoreFragments.raw() | kIpv4FragmentOffset.raw())) != 0;
}
constexpr bool must_not_be_fragmented(const Ipv4Header& ip) {
  return (ip.fragment.raw() & kIpv4DontFragment.raw()) != 0;
}

// The fragment field, taken apart; the offset is in bytes.
struct FragmentField {
  explicit FragmentField(const Ipv4Header& ip)
      : offset(kIpv4FragmentUnit * (ip.fragment.host() & kIpv4FragmentOffset.host())),
        more((ip.fragment.raw() & kIpv4MoreFragments.raw()) != 0) {}

  size_t offset;
  bool more;
};

}  // namespace lapse
