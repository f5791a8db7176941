#include "dataplane/wire/tcp_options.h"

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/tcp.h"

namespace lapse {

size_t find_tcp_option(const Packet& packet, uint8_t kind, uint8_t length) {
  size_t at = packet.l4_offset + sizeof(TcpHeader);
  while (at < packet.payload_offset && packet.data[at] != kTcpOptionEnd) {
    if (packet.data[at] == kTcpOptionNop) {
      ++at;
      continue;
    }
    if (at + 1 >= packet.payload_offset) {
      return 0;
    }
    const uint8_t size = packet.data[at + 1];
    if (size < 2 || at + size > packet.payload_offset) {
      return 0;
    }
    if (packet.data[at] == kind && size == length) {
      return at + 2;
    }
    at += size;
  }
  return 0;
}

void clamp_mss(Packet& packet, uint16_t limit) {
  const size_t at = find_tcp_option(packet, kTcpOptionMss, kTcpOptionMssSize);
  if (at == 0 || packet.header_at<Be16>(at).host() <= limit) {
    return;
  }
  ChecksumDelta delta;
  if ((at - packet.l4_offset) % 2 == 0) {
    delta.replace(packet.header_at<Be16>(at), be16(limit));
    packet.header_at<Be16>(at) = be16(limit);
  } else {
    // The checksum is over the two words that the value lies in.
    const auto before = packet.header_at<Be32>(at - 1);
    packet.header_at<Be16>(at) = be16(limit);
    delta.replace(before, packet.header_at<Be32>(at - 1));
  }
  auto& tcp = packet.header_at<TcpHeader>(packet.l4_offset);
  tcp.checksum = delta.apply(tcp.checksum);
}

}  // namespace lapse
