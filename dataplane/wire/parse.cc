#include "dataplane/wire/parse.h"

#include <span>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/ipv6.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace lapse {
namespace {

using Failure = std::optional<DropReason>;

constexpr bool is_loopback(uint32_t address) {
  return address >> 24 == 127;
}
constexpr bool is_this_network(uint32_t address) {
  return address >> 24 == 0;
}
constexpr bool is_multicast(uint32_t address) {
  return address >> 28 == 0xe;
}
constexpr bool is_broadcast(uint32_t address) {
  return address == 0xffffffff;
}

// RFC 1812 section 5.3.7: what no router forwards.
constexpr bool may_be_forwarded(Ipv4Address address) {
  const uint32_t host = address.host();
  return !is_this_network(host) && !is_loopback(host) && !is_multicast(host) && !is_broadcast(host);
}

// How many bytes follow 'offset' in the frame.
size_t left_behind(const Packet& packet, size_t offset) {
  return packet.length - offset;
}

Failure parse_arp(Packet& packet) {
  const size_t end = packet.l3_offset + sizeof(ArpHeader);
  if (packet.length < end) {
    return DropReason::kFrameTooShort;
  }
  const auto& arp = packet.header_at<ArpHeader>(packet.l3_offset);
  if (arp.hardware_type != kArpHardwareEthernet || arp.protocol_type != kEtherTypeIpv4 ||
      arp.hardware_size != sizeof(MacAddress) || arp.protocol_size != sizeof(Ipv4Address) ||
      (arp.operation != kArpRequest && arp.operation != kArpReply)) {
    return DropReason::kArpMalformed;
  }
  // Nobody can be reached at a group address, and 0.0.0.0 is how a prober speaks (RFC 5227).
  const bool is_probe = arp.sender_address == Ipv4Address{};
  if (arp.sender_mac.is_group() || (!is_probe && !may_be_forwarded(arp.sender_address))) {
    return DropReason::kArpMalformed;
  }
  packet.length = static_cast<uint16_t>(end);
  packet.l4_offset = packet.length;
  packet.payload_offset = packet.length;
  packet.kind = PacketKind::kArp;
  packet.tuple = {arp.sender_address, arp.target_address, {}, {}, 0, 0, 0};
  return std::nullopt;
}

Failure parse_tcp(Packet& packet) {
  const size_t room = left_behind(packet, packet.l4_offset);
  if (room < sizeof(TcpHeader)) {
    return DropReason::kFrameTooShort;
  }
  const auto& tcp = packet.header_at<TcpHeader>(packet.l4_offset);
  if (tcp.size() < sizeof(TcpHeader) || tcp.size() > room) {
    return DropReason::kTcpHeader;
  }
  // A segment opens, closes, aborts or acknowledges. The first three exclude each other; one that does none is no
  // segment.
  const bool syn = (tcp.flags & kTcpSyn) != 0;
  const bool fin = (tcp.flags & kTcpFin) != 0;
  const bool rst = (tcp.flags & kTcpRst) != 0;
  const bool ack = (tcp.flags & kTcpAck) != 0;
  if ((syn && fin) || (syn && rst) || (fin && rst) || !(syn || fin || rst || ack)) {
    return DropReason::kTcpFlags;
  }
  packet.payload_offset = static_cast<uint16_t>(packet.l4_offset + tcp.size());
  packet.tcp_flags = tcp.flags;
  packet.kind = PacketKind::kTcp;
  packet.tuple.source_port = tcp.source_port;
  packet.tuple.destination_port = tcp.destination_port;
  return std::nullopt;
}

Failure parse_udp(Packet& packet) {
  const size_t room = left_behind(packet, packet.l4_offset);
  if (room < sizeof(UdpHeader)) {
    return DropReason::kFrameTooShort;
  }
  const auto& udp = packet.header_at<UdpHeader>(packet.l4_offset);
  if (udp.length.host() < sizeof(UdpHeader) || udp.length.host() > room) {
    return DropReason::kUdpHeader;
  }
  packet.payload_offset = static_cast<uint16_t>(packet.l4_offset + sizeof(UdpHeader));
  packet.kind = PacketKind::kUdp;
  packet.tuple.source_port = udp.source_port;
  packet.tuple.destination_port = udp.destination_port;
  return std::nullopt;
}

// RFC 792: an error quotes the IP header and at least 8 bytes behind it, which are enough to know the flow, or all that
// there was.
Failure parse_icmp_error(Packet& packet) {
  const size_t room = left_behind(packet, packet.payload_offset);
  if (room < sizeof(Ipv4Header)) {
    return DropReason::kIcmpQuote;
  }
  const auto& quoted = packet.header_at<Ipv4Header>(packet.payload_offset);
  if (quoted.version() != 4 || quoted.size() < sizeof(Ipv4Header) || room < quoted.size()) {
    return DropReason::kIcmpQuote;
  }
  packet.kind = PacketKind::kIcmpError;
  return std::nullopt;
}

Failure parse_icmp(Packet& packet) {
  if (left_behind(packet, packet.l4_offset) < sizeof(IcmpHeader)) {
    return DropReason::kFrameTooShort;
  }
  const auto& icmp = packet.header_at<IcmpHeader>(packet.l4_offset);
  packet.payload_offset = static_cast<uint16_t>(packet.l4_offset + sizeof(IcmpHeader));
  if (is_icmp_error(icmp.type)) {
    return parse_icmp_error(packet);
  }
  packet.kind = PacketKind::kIcmpQuery;
  if (icmp.type == kIcmpEchoRequest) {
    packet.tuple.source_port = icmp.identifier;
  } else if (icmp.type == kIcmpEchoReply) {
    packet.tuple.destination_port = icmp.identifier;
  } else {
    packet.kind = PacketKind::kIcmpOther;
  }
  return std::nullopt;
}

// RFC 791 section 3.1: the pointer, counted from 1, is behind the option or at room for a whole address.
bool is_record_route(std::span<const uint8_t> option) {
  constexpr size_t kHeader = 3;
  if (option.size() < kHeader) {
    return false;
  }
  const size_t pointer = option[2];
  return pointer > kHeader && (pointer > option.size() || pointer - 1 + sizeof(Ipv4Address) <= option.size());
}

// RFC 791 section 3.1 and RFC 7126 sections 4.3 and 4.4: whoever routes by what the sender says is led around filters.
Failure check_ipv4_options(std::span<const uint8_t> options) {
  size_t at = 0;
  while (at < options.size() && options[at] != kIpv4OptionEnd) {
    if (options[at] == kIpv4OptionNop) {
      ++at;
      continue;
    }
    const size_t length = at + 1 < options.size() ? options[at + 1] : 0;
    if (length < 2 || at + length > options.size() || options[at] == kIpv4OptionLooseSourceRoute ||
        options[at] == kIpv4OptionStrictSourceRoute) {
      return DropReason::kIpv4Options;
    }
    if (options[at] == kIpv4OptionRecordRoute && !is_record_route(options.subspan(at, length))) {
      return DropReason::kIpv4Options;
    }
    at += length;
  }
  return std::nullopt;
}

// Checks the IPv4 header, trims the frame, and finds the transport header.
Failure parse_ipv4_header(Packet& packet) {
  const size_t room = left_behind(packet, packet.l3_offset);
  if (room < sizeof(Ipv4Header)) {
    return DropReason::kFrameTooShort;
  }
  const auto& ip = packet.header_at<Ipv4Header>(packet.l3_offset);
  const size_t total_length = ip.total_length.host();
  if (ip.version() != 4 || ip.size() < sizeof(Ipv4Header) || total_length < ip.size()) {
    return DropReason::kIpv4Header;
  }
  if (total_length > room) {
    return DropReason::kFrameTooShort;
  }
  if (ChecksumSum().add({packet.data + packet.l3_offset, ip.size()}).complement() != Be16{}) {
    return DropReason::kIpv4Checksum;
  }
  if (!may_be_forwarded(ip.source) || !may_be_forwarded(ip.destination)) {
    return DropReason::kIpv4Address;
  }
  if (ip.size() > sizeof(Ipv4Header)) [[unlikely]] {
    const uint8_t* const options = packet.data + packet.l3_offset + sizeof(Ipv4Header);
    if (const auto reason = check_ipv4_options({options, ip.size() - sizeof(Ipv4Header)})) {
      return reason;
    }
  }
  packet.length = static_cast<uint16_t>(packet.l3_offset + total_length);
  packet.l4_offset = static_cast<uint16_t>(packet.l3_offset + ip.size());
  packet.tuple = {ip.source, ip.destination, {}, {}, ip.protocol, 0, 0};
  return std::nullopt;
}

// Every fragment but the last one carries a multiple of 8 bytes, and none reaches beyond the longest packet.
Failure parse_fragment(Packet& packet) {
  const auto& ip = packet.header_at<Ipv4Header>(packet.l3_offset);
  const size_t size = left_behind(packet, packet.l4_offset);
  const FragmentField field(ip);
  if (size == 0 || (field.more && size % kIpv4FragmentUnit != 0) ||
      ip.size() + field.offset + size > kIpv4LongestPacket) {
    return DropReason::kFragmentHeader;
  }
  packet.part = field.offset == 0 ? Part::kFirst : Part::kLater;
  packet.payload_offset = packet.l4_offset;
  packet.kind = PacketKind::kFragment;
  if (packet.part != Part::kFirst || static_cast<Protocol>(ip.protocol) != Protocol::kUdp) {
    return std::nullopt;
  }
  const auto& udp = packet.header_at<UdpHeader>(packet.l4_offset);
  if (udp.length.host() < sizeof(UdpHeader)) {
    return DropReason::kUdpHeader;
  }
  packet.kind = PacketKind::kUdp;
  packet.payload_offset = static_cast<uint16_t>(packet.l4_offset + sizeof(UdpHeader));
  packet.tuple.source_port = udp.source_port;
  packet.tuple.destination_port = udp.destination_port;
  return std::nullopt;
}

Failure parse_ipv4_packet(Packet& packet) {
  if (const auto reason = parse_ipv4_header(packet)) {
    return reason;
  }
  if (is_fragment(packet.header_at<Ipv4Header>(packet.l3_offset))) [[unlikely]] {
    return parse_fragment(packet);
  }
  switch (static_cast<Protocol>(packet.tuple.protocol)) {
    case Protocol::kTcp:
      return parse_tcp(packet);
    case Protocol::kUdp:
      return parse_udp(packet);
    case Protocol::kIcmp:
      return parse_icmp(packet);
  }
  packet.payload_offset = packet.l4_offset;
  packet.kind = PacketKind::kOtherIpv4;
  return std::nullopt;
}

DropReason parse_ipv6(const Packet& packet) {
  const size_t room = left_behind(packet, packet.l3_offset);
  if (room < sizeof(Ipv6Header)) {
    return DropReason::kFrameTooShort;
  }
  const auto& ip = packet.header_at<Ipv6Header>(packet.l3_offset);
  if (ip.version() != 6) {
    return DropReason::kEtherType;
  }
  return sizeof(Ipv6Header) + ip.payload_length.host() > room ? DropReason::kFrameTooShort : DropReason::kIpv6;
}

}  // namespace

std::optional<DropReason> parse(Packet& packet) {
  packet.kind = PacketKind::kUnparsed;
  packet.part = Part::kWhole;
  packet.tcp_flags = 0;
  packet.tuple = {};
  packet.l3_offset = sizeof(EthernetHeader);
  packet.l4_offset = 0;
  packet.payload_offset = 0;
  if (packet.length < sizeof(EthernetHeader)) {
    packet.l3_offset = 0;
    return DropReason::kFrameTooShort;
  }
  const Be16 type = packet.header_at<EthernetHeader>(0).type;
  if (type == kEtherTypeIpv4) {
    return parse_ipv4_packet(packet);
  }
  if (type == kEtherTypeArp) {
    return parse_arp(packet);
  }
  if (type == kEtherTypeIpv6) {
    return parse_ipv6(packet);
  }
  return DropReason::kEtherType;
}

bool transport_checksum_is_valid(const Packet& packet) {
  if (packet.part != Part::kWhole) {
    return true;
  }
  const uint8_t* l4 = packet.data + packet.l4_offset;
  const size_t size = left_behind(packet, packet.l4_offset);
  const auto pseudo = [&packet](size_t length) {
    return pseudo_header(packet.tuple.source, packet.tuple.destination, packet.tuple.protocol,
                         static_cast<uint16_t>(length));
  };
  switch (packet.kind) {
    case PacketKind::kTcp:
      return pseudo(size).add({l4, size}).complement() == Be16{};
    case PacketKind::kUdp: {
      const auto& udp = packet.header_at<UdpHeader>(packet.l4_offset);
      const size_t length = udp.length.host();
      return udp.checksum == Be16{} || pseudo(length).add({l4, length}).complement() == Be16{};
    }
    case PacketKind::kIcmpQuery:
    case PacketKind::kIcmpError:
    case PacketKind::kIcmpOther:
      return ChecksumSum().add({l4, size}).complement() == Be16{};
    case PacketKind::kUnparsed:
    case PacketKind::kArp:
    case PacketKind::kFragment:
    case PacketKind::kOtherIpv4:
      return true;
  }
  return true;
}

}  // namespace lapse
