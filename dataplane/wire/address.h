// address.h - link-layer and IPv4 addresses, and prefixes of them.
//
// Owner:    none; plain values.
// Memory:   none; to_string() allocates and is for control, tests and messages only.
// Time:     none.
// Bytes:    wire order throughout.
// Cost:     comparison and contains() are a few instructions.
// Lifetime: none.
// Spec:     RFC 791, RFC 826, RFC 4632.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/wire/byteorder.h"

namespace lapse {

using Ipv4Address = Be32;

struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
  // In the pieces in which it is copied: the comparison of an array is a call, and stalls on an address just written.
  friend bool operator==(const MacAddress& left, const MacAddress& right) {
    uint32_t first[2];
    uint16_t last[2];
    __builtin_memcpy(&first[0], left.bytes.data(), 4);
    __builtin_memcpy(&first[1], right.bytes.data(), 4);
    __builtin_memcpy(&last[0], left.bytes.data() + 4, 2);
    __builtin_memcpy(&last[1], right.bytes.data() + 4, 2);
    return ((first[0] ^ first[1]) | static_cast<uint32_t>(last[0] ^ last[1])) == 0;
  }
};
static_assert(sizeof(MacAddress) == 6);

inline constexpr MacAddress kBroadcastMac{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

struct Ipv4Prefix {
  Ipv4Address network;
  uint8_t length = 0;

  constexpr uint32_t mask() const { return length == 0 ? 0 : ~uint32_t{0} << (32 - length); }
  constexpr bool contains(Ipv4Address address) const { return (address.host() & mask()) == (network.host() & mask()); }
  constexpr bool overlaps(const Ipv4Prefix& other) const {
    return length <= other.length ? contains(other.network) : other.contains(network);
  }
  constexpr Ipv4Address broadcast() const { return be32(network.host() | ~mask()); }
  friend constexpr bool operator==(const Ipv4Prefix&, const Ipv4Prefix&) = default;
};

// "203.0.113.10", "203.0.113.0/24", "02:00:00:00:00:01". The parsers refuse anything else, also leading zeros, and a
// prefix whose network has bits set behind its length.
std::string to_string(Ipv4Address address);
std::string to_string(const Ipv4Prefix& prefix);
std::string to_string(const MacAddress& mac);
std::optional<Ipv4Address> parse_ipv4(std::string_view text);
std::optional<Ipv4Prefix> parse_prefix(std::string_view text);
std::optional<MacAddress> parse_mac(std::string_view text);

}  // namespace lapse
