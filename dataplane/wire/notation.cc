#include "dataplane/wire/notation.h"

#include <array>
#include <cstdio>

#include "dataplane/flow/tuple.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace lapse {
namespace {

constexpr std::string_view kFlagLetters = "FSRP.UEW";  // from bit 0

std::string endpoint_text(Ipv4Address address, Be16 port) {
  return to_string(address) + ":" + std::to_string(port.host());
}

std::string endpoints_text(const FiveTuple& tuple) {
  return endpoint_text(tuple.source, tuple.source_port) + " > " +
         endpoint_text(tuple.destination, tuple.destination_port);
}

std::string addresses_text(const FiveTuple& tuple) {
  return to_string(tuple.source) + " > " + to_string(tuple.destination);
}

std::string length_text(const PacketText& packet) {
  return packet.payload_length ? " (" + std::to_string(*packet.payload_length) + ")" : "";
}

// The end that asked has the identifier in the place of its port.
Be16 identifier_of(const FiveTuple& tuple) {
  return tuple.source_port != Be16{} ? tuple.source_port : tuple.destination_port;
}

uint32_t number_at(const std::vector<uint8_t>& bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value = value << 8 | bytes[at + i];
  }
  return value;
}

std::string one_option_text(const std::vector<uint8_t>& options, size_t at, size_t size) {
  const uint8_t kind = options[at];
  if (kind == kTcpOptionMss && size == 4) {
    return "mss " + std::to_string(number_at(options, at + 2, 2));
  }
  if (kind == kTcpOptionWindowScale && size == 3) {
    return "wscale " + std::to_string(options[at + 2]);
  }
  if (kind == kTcpOptionSackPermitted && size == 2) {
    return "sackOK";
  }
  if (kind == kTcpOptionTimestamps && size == 10) {
    return "TS val " + std::to_string(number_at(options, at + 2, 4)) + " ecr " +
           std::to_string(number_at(options, at + 6, 4));
  }
  std::string text = "raw ";
  for (size_t i = at; i < at + size; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof(digits), "%02x", options[i]);
    text += digits;
  }
  return text;
}

std::string options_text(const std::vector<uint8_t>& options) {
  std::string text;
  for (size_t at = 0; at < options.size();) {
    if (!text.empty()) {
      text += ",";
    }
    if (options[at] == kTcpOptionEnd || options[at] == kTcpOptionNop) {
      text += options[at] == kTcpOptionEnd ? "eol" : "nop";
      ++at;
      continue;
    }
    const size_t left = options.size() - at;
    const size_t said = left < 2 ? 0 : options[at + 1];
    // An option that lies about its length is shown with all that follows it.
    const size_t size = said < 2 || said > left ? left : said;
    text += one_option_text(options, at, size);
    at += size;
  }
  return " <" + text + ">";
}

std::string tcp_text(const PacketText& packet) {
  const uint32_t length = packet.payload_length.value_or(0);
  std::string text = endpoints_text(packet.tuple) + " " + tcp_flags_to_string(packet.tcp_flags) + " " +
                     std::to_string(packet.sequence) + ":" + std::to_string(packet.sequence + length) + "(" +
                     std::to_string(length) + ")";
  if ((packet.tcp_flags & kTcpAck) != 0) {
    text += " ack " + std::to_string(packet.acknowledgement);
  }
  if (packet.window) {
    text += " win " + std::to_string(*packet.window);
  }
  return packet.tcp_options.empty() ? text : text + options_text(packet.tcp_options);
}

std::string icmp_text(const PacketText& packet) {
  const std::string start = "icmp " + addresses_text(packet.tuple);
  if (packet.kind != PacketKind::kIcmpQuery) {
    return start + " type " + std::to_string(packet.icmp_type) + " code " + std::to_string(packet.icmp_code) +
           length_text(packet);
  }
  return start + (packet.icmp_type == kIcmpEchoRequest ? " echo request id " : " echo reply id ") +
         std::to_string(identifier_of(packet.tuple).host()) + " seq " + std::to_string(packet.icmp_sequence) +
         length_text(packet);
}

std::string arp_text(const PacketText& packet) {
  if (packet.arp_operation == kArpRequest.host()) {
    return "arp who-has " + to_string(packet.tuple.destination) + " tell " + to_string(packet.tuple.source);
  }
  return "arp reply " + to_string(packet.tuple.source) + " is-at " +
         to_string(packet.arp_sender_mac.value_or(MacAddress{}));
}

void describe_tcp(const Packet& packet, PacketText& text) {
  const auto& tcp = packet.header_at<TcpHeader>(packet.l4_offset);
  text.tcp_flags = tcp.flags;
  text.sequence = tcp.sequence.host();
  text.acknowledgement = (tcp.flags & kTcpAck) != 0 ? tcp.acknowledgement.host() : 0;
  text.window = tcp.window.host();
  text.tcp_options.assign(packet.data + packet.l4_offset + sizeof(TcpHeader), packet.data + packet.payload_offset);
}

void describe_icmp(const Packet& packet, PacketText& text) {
  const auto& icmp = packet.header_at<IcmpHeader>(packet.l4_offset);
  text.icmp_type = icmp.type;
  text.icmp_code = packet.kind == PacketKind::kIcmpQuery ? uint8_t{0} : icmp.code;
  text.icmp_sequence = packet.kind == PacketKind::kIcmpQuery ? icmp.sequence.host() : uint16_t{0};
}

}  // namespace

std::string to_string(const FiveTuple& tuple) {
  switch (static_cast<Protocol>(tuple.protocol)) {
    case Protocol::kTcp:
      return "tcp " + endpoints_text(tuple);
    case Protocol::kUdp:
      return "udp " + endpoints_text(tuple);
    case Protocol::kIcmp:
      return "icmp " + addresses_text(tuple) + " id " + std::to_string(identifier_of(tuple).host());
  }
  return "ip " + addresses_text(tuple) + " protocol " + std::to_string(tuple.protocol);
}

std::string tcp_flags_to_string(uint8_t flags) {
  std::string text;
  for (size_t bit = 0; bit < kFlagLetters.size(); ++bit) {
    if ((flags >> bit & 1) != 0) {
      text += kFlagLetters[bit];
    }
  }
  return text.empty() ? "none" : text;
}

PacketText describe(const Packet& packet) {
  PacketText text{.kind = packet.kind, .tuple = packet.tuple, .payload_length = packet.payload_length()};
  text.tuple.scope = 0;
  switch (packet.kind) {
    case PacketKind::kTcp:
      describe_tcp(packet, text);
      break;
    case PacketKind::kUdp:
      // Not what stands behind the datagram in its IP packet.
      text.payload_length = packet.header_at<UdpHeader>(packet.l4_offset).length.host() - uint32_t{sizeof(UdpHeader)};
      break;
    case PacketKind::kIcmpQuery:
    case PacketKind::kIcmpError:
    case PacketKind::kIcmpOther:
      describe_icmp(packet, text);
      break;
    case PacketKind::kArp: {
      text.payload_length.reset();
      const auto& arp = packet.header_at<ArpHeader>(packet.l3_offset);
      text.arp_operation = arp.operation.host();
      if (arp.operation == kArpReply) {
        text.arp_sender_mac = arp.sender_mac;
        text.tuple.destination = {};
      }
      break;
    }
    case PacketKind::kUnparsed:
    case PacketKind::kFragment:
    case PacketKind::kOtherIpv4:
      break;
  }
  if (packet.part != Part::kWhole) {
    const auto& ip = packet.header_at<Ipv4Header>(packet.l3_offset);
    const FragmentField field(ip);
    text.fragment = {ip.identification.host(), static_cast<uint16_t>(field.offset), field.more};
  }
  return text;
}

namespace {

std::string whole_text(const PacketText& text) {
  switch (text.kind) {
    case PacketKind::kTcp:
      return tcp_text(text);
    case PacketKind::kUdp:
      return "udp " + endpoints_text(text.tuple) + length_text(text);
    case PacketKind::kIcmpQuery:
    case PacketKind::kIcmpError:
    case PacketKind::kIcmpOther:
      return icmp_text(text);
    case PacketKind::kArp:
      return arp_text(text);
    case PacketKind::kFragment:
    case PacketKind::kOtherIpv4:
      return "ip " + addresses_text(text.tuple) + " protocol " + std::to_string(text.tuple.protocol) +
             length_text(text);
    case PacketKind::kUnparsed:
      break;
  }
  return "frame" + length_text(text);
}

}  // namespace

std::string to_string(const PacketText& text) {
  if (!text.fragment) {
    return whole_text(text);
  }
  return whole_text(text) + " frag " + std::to_string(text.fragment->identification) + "@" +
         std::to_string(text.fragment->offset) + (text.fragment->more ? "+" : "");
}

std::string to_string(const Packet& packet) {
  return to_string(describe(packet));
}

}  // namespace lapse
