#include "dataplane/wire/emit.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/tcp.h"

namespace lapse {
namespace {

constexpr uint8_t kTtl = 64;
constexpr uint8_t kRoutine = 0;
constexpr uint8_t kInternetworkControl = 0xc0;  // RFC 1812 section 4.3.2.5: the precedence of ICMP errors
constexpr size_t kIcmpErrorMaxSize = 576;       // RFC 1812 section 4.3.2.3
constexpr size_t kL3Offset = sizeof(EthernetHeader);
constexpr size_t kL4Offset = kL3Offset + sizeof(Ipv4Header);

void begin_frame(Packet& out, size_t length, Be16 type) {
  assert(out.length == 0 && length <= out.tailroom());
  out.length = static_cast<uint16_t>(length);
  out.header_at<EthernetHeader>(0) = {.destination = {}, .source = {}, .type = type};
}

struct Ipv4Fields {
  Ipv4Address source;
  Ipv4Address destination;
  Protocol protocol;
  uint8_t type_of_service;
};

void begin_ipv4(Packet& out, size_t transport_size, const Ipv4Fields& fields) {
  begin_frame(out, kL4Offset + transport_size, kEtherTypeIpv4);
  auto& ip = out.header_at<Ipv4Header>(kL3Offset);
  ip = {.version_and_size = kIpv4VersionAndSize,
        .type_of_service = fields.type_of_service,
        .total_length = be16(static_cast<uint16_t>(sizeof(Ipv4Header) + transport_size)),
        .identification = {},
        .fragment = kIpv4DontFragment,
        .ttl = kTtl,
        .protocol = static_cast<uint8_t>(fields.protocol),
        .checksum = {},
        .source = fields.source,
        .destination = fields.destination};
  ip.checksum = ChecksumSum().add({out.data + kL3Offset, sizeof(Ipv4Header)}).complement();
}

void finish(Packet& out) {
  [[maybe_unused]] const auto reason = parse(out);
  assert(!reason);
}

void write_arp(const ArpHeader& arp, const MacAddress& destination, Packet& out) {
  begin_frame(out, kL3Offset + sizeof(ArpHeader), kEtherTypeArp);
  auto& ethernet = out.header_at<EthernetHeader>(0);
  ethernet.destination = destination;
  ethernet.source = arp.sender_mac;
  out.header_at<ArpHeader>(kL3Offset) = arp;
  finish(out);
}

void write_icmp_error(const Packet& about, const IcmpHeader& header, Ipv4Address source, Packet& out) {
  assert(may_be_answered_by_icmp(about));
  const size_t quoted =
      std::min({kIcmpErrorMaxSize - sizeof(Ipv4Header) - sizeof(IcmpHeader), size_t{about.length} - about.l3_offset,
                out.tailroom() - kL4Offset - sizeof(IcmpHeader)});
  const size_t size = sizeof(IcmpHeader) + quoted;
  begin_ipv4(out, size, {source, about.tuple.source, Protocol::kIcmp, kInternetworkControl});
  auto& icmp = out.header_at<IcmpHeader>(kL4Offset);
  icmp = header;
  std::memcpy(out.data + kL4Offset + sizeof(IcmpHeader), about.data + about.l3_offset, quoted);
  icmp.checksum = ChecksumSum().add({out.data + kL4Offset, size}).complement();
  finish(out);
}

}  // namespace

void write_rst(const Packet& late, Packet& out) {
  assert(late.kind == PacketKind::kTcp && (late.tcp_flags & kTcpRst) == 0);
  const auto& segment = late.header_at<TcpHeader>(late.l4_offset);
  begin_ipv4(out, sizeof(TcpHeader), {late.tuple.destination, late.tuple.source, Protocol::kTcp, kRoutine});
  auto& rst = out.header_at<TcpHeader>(kL4Offset);
  rst = {.source_port = late.tuple.destination_port,
         .destination_port = late.tuple.source_port,
         .sequence = {},
         .acknowledgement = {},
         .data_offset = kTcpOffsetWithoutOptions,
         .flags = kTcpRst,
         .window = {},
         .checksum = {},
         .urgent_pointer = {}};
  if ((late.tcp_flags & kTcpAck) != 0) {
    rst.sequence = segment.acknowledgement;
  } else {
    const uint32_t syn = (late.tcp_flags & kTcpSyn) != 0 ? 1 : 0;
    const uint32_t fin = (late.tcp_flags & kTcpFin) != 0 ? 1 : 0;
    rst.acknowledgement = be32(segment.sequence.host() + late.payload_length() + syn + fin);
    rst.flags = kTcpRst | kTcpAck;
  }
  rst.checksum = pseudo_header(late.tuple.destination, late.tuple.source, late.tuple.protocol, sizeof(TcpHeader))
                     .add({out.data + kL4Offset, sizeof(TcpHeader)})
                     .complement();
  finish(out);
}

// RFC 1812 section 4.3.2.7.
bool may_be_answered_by_icmp(const Packet& packet) {
  switch (packet.kind) {
    case PacketKind::kUnparsed:
    case PacketKind::kArp:
    case PacketKind::kIcmpError:
      return false;
    case PacketKind::kIcmpOther:
      if (!is_icmp_query(packet.header_at<IcmpHeader>(packet.l4_offset).type)) {
        return false;
      }
      break;
    default:
      break;
  }
  return packet.part != Part::kLater && !packet.header_at<EthernetHeader>(0).destination.is_group();
}

void write_time_exceeded(const Packet& expired, Ipv4Address source, Packet& out) {
  write_icmp_error(
      expired,
      {.type = kIcmpTimeExceeded, .code = kIcmpTtlExceededInTransit, .checksum = {}, .identifier = {}, .sequence = {}},
      source, out);
}

void write_fragmentation_needed(const Packet& too_big, uint16_t mtu, Ipv4Address source, Packet& out) {
  write_icmp_error(too_big,
                   {.type = kIcmpUnreachable,
                    .code = kIcmpFragmentationNeeded,
                    .checksum = {},
                    .identifier = {},
                    .sequence = be16(mtu)},
                   source, out);
}

void write_arp_request(MacAddress sender, Ipv4Address sender_address, Ipv4Address target_address, Packet& out) {
  write_arp({.hardware_type = kArpHardwareEthernet,
             .protocol_type = kEtherTypeIpv4,
             .hardware_size = sizeof(MacAddress),
             .protocol_size = sizeof(Ipv4Address),
             .operation = kArpRequest,
             .sender_mac = sender,
             .sender_address = sender_address,
             .target_mac = {},
             .target_address = target_address},
            kBroadcastMac, out);
}

void write_arp_reply(const Packet& request, MacAddress our_mac, Packet& out) {
  const auto& asked = request.header_at<ArpHeader>(request.l3_offset);
  assert(request.kind == PacketKind::kArp && asked.operation == kArpRequest);
  write_arp({.hardware_type = kArpHardwareEthernet,
             .protocol_type = kEtherTypeIpv4,
             .hardware_size = sizeof(MacAddress),
             .protocol_size = sizeof(Ipv4Address),
             .operation = kArpReply,
             .sender_mac = our_mac,
             .sender_address = asked.target_address,
             .target_mac = asked.sender_mac,
             .target_address = asked.sender_address},
            asked.sender_mac, out);
}

}  // namespace lapse
