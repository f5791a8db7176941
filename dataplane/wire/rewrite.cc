#include "dataplane/wire/rewrite.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <span>

#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ends.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/icmp_quote.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace lapse {
namespace {

// Writes an end's new port into 'header', and what that and the new address change into its checksum.
template <End end, typename Header>
void rewrite_port(Header& header, Be16 port, ChecksumDelta& delta) {
  Be16& field = end == End::kSource ? header.source_port : header.destination_port;
  delta.replace(field, port);
  field = port;
}

bool is_zero(std::span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

// The identifier belongs to the end that asked; the other end has none.
template <End end>
void rewrite_identifier(Packet& packet, Be16 identifier) {
  auto& icmp = packet.header_at<IcmpHeader>(packet.l4_offset);
  constexpr uint8_t kAsking = end == End::kSource ? kIcmpEchoRequest : kIcmpEchoReply;
  if (icmp.type != kAsking) {
    assert(identifier == Be16{});
    return;
  }
  icmp.checksum = ChecksumDelta().replace(icmp.identifier, identifier).apply(icmp.checksum);
  icmp.identifier = identifier;
  // RFC 1624 section 4: a sum of +0, which needs nothing but zeros, is lost in an update. Without a pseudo header it
  // exists.
  if (icmp.checksum == Be16{} && is_zero({packet.data + packet.l4_offset, packet.data + packet.length})) {
    icmp.checksum = be16(0xffff);
  }
}

template <End end>
void rewrite(Packet& packet, Ipv4Address address, Be16 port) {
  ChecksumDelta delta = replace_address<end>(packet.header_at<Ipv4Header>(packet.l3_offset), address);
  if (packet.kind == PacketKind::kTcp) {
    auto& tcp = packet.header_at<TcpHeader>(packet.l4_offset);
    rewrite_port<end>(tcp, port, delta);
    tcp.checksum = delta.apply(tcp.checksum);
  } else if (packet.kind == PacketKind::kUdp) {
    auto& udp = packet.header_at<UdpHeader>(packet.l4_offset);
    rewrite_port<end>(udp, port, delta);
    udp.checksum = delta.apply_udp(udp.checksum);
  } else if (packet.kind == PacketKind::kIcmpQuery) {
    rewrite_identifier<end>(packet, port);
  } else {
    assert(packet.kind == PacketKind::kFragment && port == Be16{});
  }

  (end == End::kSource ? packet.tuple.source : packet.tuple.destination) = address;
  (end == End::kSource ? packet.tuple.source_port : packet.tuple.destination_port) = port;
}

// An end of the error itself, which has no ports; its quote is the quoting functions' business.
template <End end>
void rewrite_address(Packet& error, Ipv4Address address) {
  replace_address<end>(error.header_at<Ipv4Header>(error.l3_offset), address);
  (end == End::kSource ? error.tuple.source : error.tuple.destination) = address;
}

}  // namespace

void rewrite_source(Packet& packet, Ipv4Address address, Be16 port) {
  rewrite<End::kSource>(packet, address, port);
}

void rewrite_destination(Packet& packet, Ipv4Address address, Be16 port) {
  rewrite<End::kDestination>(packet, address, port);
}

void rewrite_error_source(Packet& error, Ipv4Address address, Be16 port) {
  rewrite_quoted_destination(error, address, port);
  rewrite_address<End::kSource>(error, address);
}

void rewrite_error_destination(Packet& error, Ipv4Address address, Be16 port) {
  rewrite_quoted_source(error, address, port);
  rewrite_address<End::kDestination>(error, address);
}

void set_identification(Packet& packet, Be16 identification) {
  auto& ip = packet.header_at<Ipv4Header>(packet.l3_offset);
  ip.checksum = ChecksumDelta().replace(ip.identification, identification).apply(ip.checksum);
  ip.identification = identification;
}

void lower_ttl(Packet& packet) {
  auto& ip = packet.header_at<Ipv4Header>(packet.l3_offset);
  assert(ip.ttl > 1);
  const auto word = [&ip] { return be16(static_cast<uint16_t>(ip.ttl << 8 | ip.protocol)); };
  const Be16 before = word();
  --ip.ttl;
  ip.checksum = ChecksumDelta().replace(before, word()).apply(ip.checksum);
}

// parse() has checked the options and the header's checksum. They need not be aligned, so it is summed up anew.
void record_route(Packet& packet, Ipv4Address address) {
  uint8_t* option = packet.data + packet.l3_offset + sizeof(Ipv4Header);
  const uint8_t* const end = packet.data + packet.l4_offset;
  while (option < end && *option != kIpv4OptionEnd && *option != kIpv4OptionRecordRoute) {
    option += *option == kIpv4OptionNop ? 1 : option[1];
  }
  if (option >= end || *option == kIpv4OptionEnd || option[2] > option[1]) {
    return;
  }
  std::memcpy(option + option[2] - 1, &address, sizeof(address));
  option[2] = static_cast<uint8_t>(option[2] + sizeof(address));
  auto& ip = packet.header_at<Ipv4Header>(packet.l3_offset);
  ip.checksum = {};
  ip.checksum = ChecksumSum().add({packet.data + packet.l3_offset, ip.size()}).complement();
}

}  // namespace lapse
