#include "sim/frame.h"

#include <cassert>
#include <cstring>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace lapse::sim {
namespace {

constexpr size_t kL3Offset = sizeof(EthernetHeader);
constexpr size_t kL4Offset = kL3Offset + sizeof(Ipv4Header);
constexpr uint8_t kTtl = 64;
constexpr size_t kMssOptionSize = 4;
constexpr size_t kWindowScaleOptionSize = 3;
constexpr uint16_t kDefaultMss = 536;  // RFC 9293 section 3.7.1
constexpr uint8_t kFiller = '.';

// Frame and IP header; returns where the transport header of 'size' bytes begins.
uint8_t* begin(const FiveTuple& tuple, size_t size, Packet& out) {
  assert(out.length == 0 && kL4Offset + size <= out.tailroom());
  out.length = static_cast<uint16_t>(kL4Offset + size);
  out.header_at<EthernetHeader>(0) = {.destination = {}, .source = {}, .type = kEtherTypeIpv4};
  auto& ip = out.header_at<Ipv4Header>(kL3Offset);
  ip = {.version_and_size = kIpv4VersionAndSize,
        .type_of_service = 0,
        .total_length = be16(static_cast<uint16_t>(sizeof(Ipv4Header) + size)),
        .identification = {},
        .fragment = kIpv4DontFragment,
        .ttl = kTtl,
        .protocol = tuple.protocol,
        .checksum = {},
        .source = tuple.source,
        .destination = tuple.destination};
  ip.checksum = ChecksumSum().add({out.data + kL3Offset, sizeof(Ipv4Header)}).complement();
  return out.data + kL4Offset;
}

Be16 transport_checksum(const FiveTuple& tuple, const uint8_t* data, size_t size) {
  return pseudo_header(tuple.source, tuple.destination, tuple.protocol, static_cast<uint16_t>(size))
      .add({data, size})
      .complement();
}

void finish(Packet& out) {
  [[maybe_unused]] const auto reason = parse(out);
  assert(!reason);
}

}  // namespace

void write_tcp(const Segment& segment, Packet& out) {
  const bool syn = (segment.flags & kTcpSyn) != 0;
  const bool scaled = syn && segment.window_scale != kNoWindowScale;
  const size_t options = (syn ? kMssOptionSize : 0) + (scaled ? kWindowScaleOptionSize + 1 : 0);
  const size_t header = sizeof(TcpHeader) + options;
  const size_t size = header + segment.payload;
  uint8_t* const start = begin(segment.tuple, size, out);
  auto& tcp = out.header_at<TcpHeader>(kL4Offset);
  tcp = {.source_port = segment.tuple.source_port,
         .destination_port = segment.tuple.destination_port,
         .sequence = be32(segment.sequence),
         .acknowledgement = be32(segment.acknowledgement),
         .data_offset = static_cast<uint8_t>(header / 4 << 4),
         .flags = segment.flags,
         .window = be16(segment.window),
         .checksum = {},
         .urgent_pointer = {}};
  uint8_t* option = start + sizeof(TcpHeader);
  if (syn) {
    *option++ = kTcpOptionMss;
    *option++ = kMssOptionSize;
    *option++ = static_cast<uint8_t>(segment.mss >> 8);
    *option++ = static_cast<uint8_t>(segment.mss);
  }
  if (scaled) {
    *option++ = kTcpOptionNop;
    *option++ = kTcpOptionWindowScale;
    *option++ = kWindowScaleOptionSize;
    *option++ = segment.window_scale;
  }
  std::memset(option, kFiller, segment.payload);
  tcp.checksum = transport_checksum(segment.tuple, start, size);
  finish(out);
}

void write_udp(const FiveTuple& tuple, uint16_t payload, Packet& out) {
  const size_t size = sizeof(UdpHeader) + payload;
  uint8_t* const start = begin(tuple, size, out);
  auto& udp = out.header_at<UdpHeader>(kL4Offset);
  udp = {.source_port = tuple.source_port,
         .destination_port = tuple.destination_port,
         .length = be16(static_cast<uint16_t>(size)),
         .checksum = {}};
  std::memset(start + sizeof(UdpHeader), kFiller, payload);
  const Be16 sum = transport_checksum(tuple, start, size);
  udp.checksum = sum == Be16{} ? be16(0xffff) : sum;
  finish(out);
}

void write_echo(const FiveTuple& tuple, const Echo& echo, Packet& out) {
  const size_t size = sizeof(IcmpHeader) + echo.payload;
  uint8_t* const start = begin(tuple, size, out);
  auto& icmp = out.header_at<IcmpHeader>(kL4Offset);
  icmp = {.type = echo.type,
          .code = 0,
          .checksum = {},
          .identifier = be16(echo.identifier),
          .sequence = be16(echo.sequence)};
  std::memset(start + sizeof(IcmpHeader), kFiller, echo.payload);
  icmp.checksum = ChecksumSum().add({start, size}).complement();
  finish(out);
}

Segment read_tcp(const Packet& packet) {
  const auto& tcp = packet.header_at<TcpHeader>(packet.l4_offset);
  Segment segment{.tuple = packet.tuple,
                  .sequence = tcp.sequence.host(),
                  .acknowledgement = tcp.acknowledgement.host(),
                  .window = tcp.window.host(),
                  .flags = tcp.flags,
                  .window_scale = kNoWindowScale,
                  .mss = kDefaultMss,
                  .payload = packet.payload_length()};
  const uint8_t* option = packet.data + packet.l4_offset + sizeof(TcpHeader);
  const uint8_t* const end = packet.data + packet.payload_offset;
  while (option < end && *option != kTcpOptionEnd) {
    if (*option == kTcpOptionNop) {
      ++option;
      continue;
    }
    if (end - option < 2 || option[1] < 2 || end - option < option[1]) {
      break;
    }
    if (option[0] == kTcpOptionMss && option[1] == kMssOptionSize) {
      segment.mss = static_cast<uint16_t>(option[2] << 8 | option[3]);
    } else if (option[0] == kTcpOptionWindowScale && option[1] == kWindowScaleOptionSize) {
      segment.window_scale = option[2];
    }
    option += option[1];
  }
  return segment;
}

}  // namespace lapse::sim
