// byteorder.h - integers in network byte order, told apart from host integers by the compiler.
//
// Owner:    none; plain values.
// Memory:   none.
// Time:     none.
// Bytes:    Be16, Be32 and Be64 hold the bytes exactly as they stand on the wire.
// Cost:     host() and from_host() are one byte swap; comparison is free.
// Lifetime: none.
// Spec:     RFC 1700, "network byte order".
#pragma once

#include <bit>
#include <compare>
#include <concepts>
#include <cstdint>

namespace lapse {

// Compares for equality and orders by raw bytes, does no arithmetic, and leaves only through host().
// Packed, so that a header view made of these and of bytes has no padding and may start at any address.
template <std::unsigned_integral Raw>
class [[gnu::packed]] BigEndian {
 public:
  constexpr BigEndian() = default;

  static constexpr BigEndian from_host(Raw value) { return BigEndian(swap(value)); }
  static constexpr BigEndian from_raw(Raw raw) { return BigEndian(raw); }

  constexpr Raw host() const { return swap(raw_); }
  constexpr Raw raw() const { return raw_; }

  friend constexpr bool operator==(BigEndian, BigEndian) = default;
  friend constexpr auto operator<=>(BigEndian left, BigEndian right) { return left.host() <=> right.host(); }

 private:
  explicit constexpr BigEndian(Raw raw) : raw_(raw) {}

  static constexpr Raw swap(Raw value) {
    if constexpr (std::endian::native == std::endian::big) {
      return value;
    } else if constexpr (sizeof(Raw) == 2) {
      return __builtin_bswap16(value);
    } else if constexpr (sizeof(Raw) == 4) {
      return __builtin_bswap32(value);
    } else {
      return __builtin_bswap64(value);
    }
  }

  Raw raw_ = 0;
};

using Be16 = BigEndian<uint16_t>;
using Be32 = BigEndian<uint32_t>;
using Be64 = BigEndian<uint64_t>;

static_assert(sizeof(Be16) == 2 && sizeof(Be32) == 4 && sizeof(Be64) == 8);
static_assert(alignof(Be16) == 1 && alignof(Be32) == 1 && alignof(Be64) == 1);

constexpr Be16 be16(uint16_t host) {
  return Be16::from_host(host);
}
constexpr Be32 be32(uint32_t host) {
  return Be32::from_host(host);
}

}  // namespace lapse
