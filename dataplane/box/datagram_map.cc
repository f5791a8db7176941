#include "dataplane/box/datagram_map.h"

#include <algorithm>
#include <bit>
#include <cassert>

namespace lapse {
namespace {

constexpr size_t kBits = 64;

// The bits of word 'index' that stand for units from 'first' to 'end' - 1.
constexpr uint64_t mask(size_t index, size_t first, size_t end) {
  const size_t low = std::max(first, index * kBits) - index * kBits;
  const size_t high = std::min(end, (index + 1) * kBits) - index * kBits;
  return (~uint64_t{0} >> (kBits - (high - low))) << low;
}

}  // namespace

DatagramMap::Outcome DatagramMap::add(Words& words, size_t offset, size_t size, bool more) {
  assert(size > 0 && offset % kIpv4FragmentUnit == 0 && offset + size <= kIpv4LongestPacket);
  const size_t first = offset / kIpv4FragmentUnit;
  const size_t end = units_until(offset + size);
  if (end_ != 0 && (more ? offset + size >= end_ : offset + size != end_)) {
    return Outcome::kContradicts;
  }
  if (!more && highest_unit_ > end) {
    return Outcome::kContradicts;
  }
  size_t seen = 0;
  for (size_t word = first / kBits; word * kBits < end; ++word) {
    seen += static_cast<size_t>(std::popcount(words[word] & mask(word, first, end)));
  }
  if (seen > 0) {
    return seen == end - first ? Outcome::kRepeats : Outcome::kContradicts;
  }
  for (size_t word = first / kBits; word * kBits < end; ++word) {
    words[word] |= mask(word, first, end);
  }
  seen_units_ = static_cast<uint16_t>(seen_units_ + (end - first));
  highest_unit_ = std::max(highest_unit_, static_cast<uint16_t>(end));
  if (!more) {
    end_ = static_cast<uint32_t>(offset + size);
  }
  return Outcome::kNew;
}

}  // namespace lapse
