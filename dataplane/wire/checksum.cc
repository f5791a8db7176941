#include "dataplane/wire/checksum.h"

#include <cstring>

namespace lapse {
namespace {

// One's complement addition is the same in either byte order, so raw words are added without a swap (RFC 1071 section
// 2).
constexpr uint16_t fold(uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

constexpr uint16_t invert(uint16_t word) {
  return static_cast<uint16_t>(~word);
}

}  // namespace

ChecksumSum& ChecksumSum::add(std::span<const uint8_t> bytes) {
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

ChecksumSum& ChecksumSum::add(Be16 word) {
  sum_ += word.raw();
  return *this;
}

ChecksumSum& ChecksumSum::add(Be32 word) {
  sum_ += word.raw();
  return *this;
}

Be16 ChecksumSum::complement() const {
  return Be16::from_raw(invert(fold(sum_)));
}

ChecksumSum pseudo_header(Ipv4Address source, Ipv4Address destination, uint8_t protocol, uint16_t length) {
  return ChecksumSum().add(source).add(destination).add(be16(protocol)).add(be16(length));
}

ChecksumDelta& ChecksumDelta::replace(Be16 before, Be16 after) {
  sum_ += uint32_t{invert(before.raw())} + after.raw();
  return *this;
}

ChecksumDelta& ChecksumDelta::replace(Be32 before, Be32 after) {
  const uint32_t inverted = ~before.raw();
  sum_ += (inverted & 0xffff) + (inverted >> 16) + (after.raw() & 0xffff) + (after.raw() >> 16);
  return *this;
}

// RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
Be16 ChecksumDelta::apply(Be16 checksum) const {
  return Be16::from_raw(invert(fold(uint64_t{invert(checksum.raw())} + sum_)));
}

Be16 ChecksumDelta::apply_udp(Be16 checksum) const {
  if (checksum == Be16{}) {
    return checksum;
  }
  const Be16 updated = apply(checksum);
  return updated == Be16{} ? be16(0xffff) : updated;
}

}  // namespace lapse
