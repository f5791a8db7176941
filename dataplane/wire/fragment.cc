#include "dataplane/wire/fragment.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"

namespace lapse {
namespace {

// The header of every fragment but the first: of the options only those that are copied.
struct LaterHeader {
  std::array<uint8_t, kIpv4MaxHeaderSize> bytes{};
  size_t size = sizeof(Ipv4Header);
};

LaterHeader later_header(const Packet& whole) {
  LaterHeader header;
  std::memcpy(header.bytes.data(), whole.data + whole.l3_offset, sizeof(Ipv4Header));
  const uint8_t* option = whole.data + whole.l3_offset + sizeof(Ipv4Header);
  const uint8_t* const end = whole.data + whole.l4_offset;
  while (option < end && *option != kIpv4OptionEnd) {
    const size_t length = *option == kIpv4OptionNop ? 1 : option[1];  // parse() has checked it
    if ((*option & kIpv4OptionIsCopied) != 0) {
      std::memcpy(header.bytes.data() + header.size, option, length);
      header.size += length;
    }
    option += length;
  }
  header.size = (header.size + 3) / 4 * 4;  // kIpv4OptionEnd is 0
  return header;
}

void finish(Packet& fragment, size_t header_size, Be16 field) {
  auto& ip = fragment.header_at<Ipv4Header>(fragment.l3_offset);
  ip.version_and_size = static_cast<uint8_t>(4 << 4 | header_size / 4);
  ip.total_length = be16(static_cast<uint16_t>(fragment.length - fragment.l3_offset));
  ip.fragment = field;
  ip.checksum = {};
  ip.checksum = ChecksumSum().add({fragment.data + fragment.l3_offset, header_size}).complement();
  [[maybe_unused]] const auto reason = parse(fragment);
  assert(!reason);
}

// 'whole' may be a fragment itself: then its own offset counts, and more may follow behind it.
Be16 field_of(const Packet& whole, size_t offset, bool last) {
  const auto& ip = whole.header_at<Ipv4Header>(whole.l3_offset);
  const FragmentField own(ip);
  const uint16_t more = last && !own.more ? uint16_t{0} : kIpv4MoreFragments.host();
  return be16(static_cast<uint16_t>((own.offset + offset) / kIpv4FragmentUnit | more));
}

size_t payload_that_fits(size_t header_size, size_t mtu) {
  assert(mtu >= header_size + kIpv4FragmentUnit);
  return (mtu - header_size) / kIpv4FragmentUnit * kIpv4FragmentUnit;
}

}  // namespace

size_t fragment_payload(const Packet& packet, size_t mtu) {
  return payload_that_fits(size_t{packet.l4_offset} - packet.l3_offset, mtu);
}

size_t write_fragment(const Packet& whole, size_t offset, size_t mtu, Packet& out) {
  assert(out.length == 0 && offset > 0 && offset % kIpv4FragmentUnit == 0);
  const LaterHeader header = later_header(whole);
  const size_t left = size_t{whole.length} - whole.l4_offset - offset;
  const bool last = header.size + left <= mtu;
  const size_t size = last ? left : payload_that_fits(header.size, mtu);
  const size_t l4_offset = whole.l3_offset + header.size;
  assert(l4_offset + size <= out.tailroom());
  out.length = static_cast<uint16_t>(l4_offset + size);
  std::memcpy(out.data, whole.data, whole.l3_offset);
  std::memcpy(out.data + whole.l3_offset, header.bytes.data(), header.size);
  std::memcpy(out.data + l4_offset, whole.data + whole.l4_offset + offset, size);
  out.l3_offset = whole.l3_offset;
  finish(out, header.size, field_of(whole, offset, last));
  out.tuple.scope = whole.tuple.scope;
  return size;
}

void cut_to_first_fragment(Packet& whole, size_t mtu) {
  const size_t header_size = size_t{whole.l4_offset} - whole.l3_offset;
  const Be16 field = field_of(whole, 0, false);
  whole.length = static_cast<uint16_t>(whole.l4_offset + fragment_payload(whole, mtu));
  finish(whole, header_size, field);
}

}  // namespace lapse
