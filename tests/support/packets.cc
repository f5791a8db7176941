#include "tests/support/packets.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/checksum.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"

namespace lapse {

void PrintTo(const Packet& packet, std::ostream* out) {
  *out << to_string(packet);
}
void PrintTo(const FiveTuple& tuple, std::ostream* out) {
  *out << to_string(tuple);
}
void PrintTo(DropReason reason, std::ostream* out) {
  *out << code(reason) << " (" << sentence(reason) << ")";
}

namespace test {
namespace {

template <typename Value>
Value need(const std::optional<Value>& parsed, std::string_view text) {
  if (!parsed) {
    throw std::invalid_argument("not a valid address or packet: " + std::string(text));
  }
  return *parsed;
}

void pad_to_words(std::vector<uint8_t>& bytes) {
  while (bytes.size() % 4 != 0) {
    bytes.push_back(0);
  }
}

template <typename Header>
void append(std::vector<uint8_t>& bytes, const Header& header) {
  const auto* begin = reinterpret_cast<const uint8_t*>(&header);
  bytes.insert(bytes.end(), begin, begin + sizeof(header));
}

void append_option(std::optional<std::vector<uint8_t>>& options, std::initializer_list<uint8_t> bytes) {
  // Aligned as senders do: whole words, filled with NOPs in front.
  std::vector<uint8_t>& all = options ? *options : options.emplace();
  for (size_t size = bytes.size(); size % 4 != 0; ++size) {
    all.push_back(kTcpOptionNop);
  }
  all.insert(all.end(), bytes);
}

uint8_t byte_of(uint32_t value, unsigned index) {
  return static_cast<uint8_t>(value >> (8 * index));
}

}  // namespace

// Lays out a frame from what a builder says.
class PacketFactory {
 public:
  explicit PacketFactory(const PacketBuilder& builder) : builder_(builder) {}

  std::vector<uint8_t> frame() const {
    std::vector<uint8_t> bytes;
    const bool is_arp = builder_.kind_ == PacketKind::kArp;
    append(bytes, EthernetHeader{builder_.destination_mac_.value_or(kReceiverMac),
                                 builder_.source_mac_.value_or(kSenderMac), is_arp ? kEtherTypeArp : kEtherTypeIpv4});
    const std::vector<uint8_t> packet = is_arp ? arp() : ipv4();
    bytes.insert(bytes.end(), packet.begin(), packet.end());
    bytes.insert(bytes.end(), builder_.padding_, 0);
    return bytes;
  }

  static PacketBuilder start(PacketKind kind, uint8_t protocol, const Endpoint& source, const Endpoint& destination) {
    PacketBuilder builder;
    builder.kind_ = kind;
    builder.protocol_ = protocol;
    builder.source_ = source;
    builder.destination_ = destination;
    return builder;
  }

  static PacketBuilder icmp(const Endpoint& source, const Endpoint& destination, PacketKind kind, uint8_t type,
                            uint8_t code) {
    PacketBuilder builder = start(kind, static_cast<uint8_t>(Protocol::kIcmp), source, destination);
    builder.icmp_type_ = type;
    builder.icmp_code_ = code;
    return builder;
  }

  static PacketBuilder arp(Be16 operation, const MacAddress& sender_mac, Ipv4Address sender,
                           const MacAddress& receiver_mac, Ipv4Address target) {
    PacketBuilder builder = start(PacketKind::kArp, 0, {sender}, {target});
    builder.arp_operation_ = operation.host();
    if (operation == kArpReply) {
      builder.arp_target_mac_ = receiver_mac;
    }
    builder.mac(sender_mac, receiver_mac);
    return builder;
  }

  static PacketBuilder from_text(const PacketText& text) {
    PacketBuilder builder = start(text.kind, text.tuple.protocol, {text.tuple.source, text.tuple.source_port.host()},
                                  {text.tuple.destination, text.tuple.destination_port.host()});
    if (text.payload_length) {
      builder.payload(size_t{*text.payload_length});
    }
    builder.icmp_type_ = text.icmp_type;
    builder.icmp_code_ = text.icmp_code;
    builder.arp_operation_ = text.arp_operation;
    if (text.kind == PacketKind::kTcp) {
      builder.flags(text.tcp_flags).seq(text.sequence);
      builder.window_ = text.window;
      if ((text.tcp_flags & kTcpAck) != 0) {
        builder.acknowledgement_ = text.acknowledgement;
      }
      if (!text.tcp_options.empty()) {
        builder.tcp_options(text.tcp_options);
      }
    }
    if (text.kind == PacketKind::kIcmpQuery) {
      const bool is_request = text.icmp_type == kIcmpEchoRequest;
      builder.identifier((is_request ? text.tuple.source_port : text.tuple.destination_port).host());
      builder.seq(text.icmp_sequence);
      builder.source_.port = 0;
      builder.destination_.port = 0;
    }
    if (text.fragment) {
      builder.identification(text.fragment->identification);
      builder.fragment(text.fragment->offset / 8, text.fragment->more);
    }
    if (text.kind == PacketKind::kArp) {
      builder.source_mac_ = text.arp_sender_mac;
      builder.any_destination_ = text.arp_operation == kArpReply.host();
    }
    return builder;
  }

  // Behind the IP header.
  std::vector<uint8_t> transport_bytes() const {
    if (builder_.transport_) {
      return *builder_.transport_;
    }
    std::vector<uint8_t> bytes;
    size_t checksum_at = 0;
    switch (builder_.kind_) {
      case PacketKind::kTcp:
        bytes = tcp_header();
        checksum_at = offsetof(TcpHeader, checksum);
        break;
      case PacketKind::kUdp:
        append(bytes, UdpHeader{be16(source_port()),
                                be16(destination_port()),
                                be16(static_cast<uint16_t>(sizeof(UdpHeader) + payload().size())),
                                {}});
        checksum_at = offsetof(UdpHeader, checksum);
        break;
      case PacketKind::kIcmpQuery:
      case PacketKind::kIcmpError:
      case PacketKind::kIcmpOther:
        append(bytes, IcmpHeader{builder_.icmp_type_,
                                 builder_.icmp_code_,
                                 {},
                                 be16(builder_.identifier_.value_or(0)),
                                 be16(static_cast<uint16_t>(builder_.sequence_.value_or(0)))});
        checksum_at = offsetof(IcmpHeader, checksum);
        break;
      default:
        break;
    }
    bytes.insert(bytes.end(), payload().begin(), payload().end());
    if (checksum_at != 0) {
      const Be16 checksum = transport_checksum(bytes);
      std::memcpy(bytes.data() + checksum_at, &checksum, 2);
    }
    bytes.insert(bytes.end(), builder_.behind_, 0xee);
    return bytes;
  }

 private:
  const std::string& payload() const {
    static const std::string kNone;
    return builder_.payload_ ? *builder_.payload_ : kNone;
  }

  std::vector<uint8_t> arp() const {
    std::vector<uint8_t> bytes;
    append(bytes, ArpHeader{.hardware_type = kArpHardwareEthernet,
                            .protocol_type = kEtherTypeIpv4,
                            .hardware_size = 6,
                            .protocol_size = 4,
                            .operation = be16(builder_.arp_operation_),
                            .sender_mac = builder_.source_mac_.value_or(kSenderMac),
                            .sender_address = builder_.source_.address,
                            .target_mac = builder_.arp_target_mac_.value_or(MacAddress{}),
                            .target_address = builder_.destination_.address});
    return bytes;
  }

  std::vector<uint8_t> ipv4() const {
    const std::vector<uint8_t> options = builder_.ip_options_.value_or(std::vector<uint8_t>{});
    const std::vector<uint8_t> transport = transport_bytes();
    const size_t header_size = sizeof(Ipv4Header) + options.size();
    std::vector<uint8_t> bytes;
    append(bytes, Ipv4Header{.version_and_size = static_cast<uint8_t>(0x40 | header_size / 4),
                             .type_of_service = builder_.type_of_service_.value_or(0),
                             .total_length = be16(static_cast<uint16_t>(header_size + transport.size())),
                             .identification = be16(builder_.identification_.value_or(0)),
                             .fragment = be16(builder_.fragment_.value_or(0)),
                             .ttl = builder_.ttl_.value_or(64),
                             .protocol = builder_.protocol_,
                             .checksum = {},
                             .source = builder_.source_.address,
                             .destination = builder_.destination_.address});
    bytes.insert(bytes.end(), options.begin(), options.end());
    Be16 checksum = ChecksumSum().add(bytes).complement();
    if (builder_.bad_ip_checksum_) {
      checksum = be16(static_cast<uint16_t>(checksum.host() ^ 0x5555));
    }
    std::memcpy(bytes.data() + offsetof(Ipv4Header, checksum), &checksum, 2);
    bytes.insert(bytes.end(), transport.begin(), transport.end());
    return bytes;
  }

  std::vector<uint8_t> tcp_header() const {
    const std::vector<uint8_t> options = builder_.tcp_options_.value_or(std::vector<uint8_t>{});
    std::vector<uint8_t> bytes;
    append(bytes, TcpHeader{.source_port = be16(source_port()),
                            .destination_port = be16(destination_port()),
                            .sequence = be32(builder_.sequence_.value_or(0)),
                            .acknowledgement = be32(builder_.acknowledgement_.value_or(0)),
                            .data_offset = static_cast<uint8_t>((sizeof(TcpHeader) + options.size()) / 4 << 4),
                            .flags = builder_.flags_.value_or(kTcpAck),
                            .window = be16(builder_.window_.value_or(65535)),
                            .checksum = {},
                            .urgent_pointer = {}});
    bytes.insert(bytes.end(), options.begin(), options.end());
    return bytes;
  }

  Be16 transport_checksum(const std::vector<uint8_t>& bytes) const {
    const bool is_udp = builder_.kind_ == PacketKind::kUdp;
    if (is_udp && builder_.no_checksum_) {
      return {};
    }
    const bool has_pseudo_header = is_udp || builder_.kind_ == PacketKind::kTcp;
    ChecksumSum sum = has_pseudo_header ? pseudo_header(builder_.source_.address, builder_.destination_.address,
                                                        builder_.protocol_, static_cast<uint16_t>(bytes.size()))
                                        : ChecksumSum();
    Be16 checksum = sum.add(bytes).complement();
    if (builder_.bad_checksum_) {
      checksum = be16(static_cast<uint16_t>(checksum.host() ^ 0x5555));
    }
    return is_udp && checksum == Be16{} ? be16(0xffff) : checksum;
  }

  uint16_t source_port() const { return concrete(builder_.source_); }
  uint16_t destination_port() const { return concrete(builder_.destination_); }

  static uint16_t concrete(const Endpoint& end) {
    if (end.port_is_any) {
      throw std::logic_error("any_port() is for expectations; a packet to build needs a port");
    }
    return end.port;
  }

  const PacketBuilder& builder_;
};

Endpoint endpoint(std::string_view address, uint16_t port) {
  return {ip(address), port};
}
Ipv4Address ip(std::string_view address) {
  return need(parse_ipv4(address), address);
}
MacAddress mac(std::string_view address) {
  return need(parse_mac(address), address);
}

PacketBuilder& PacketBuilder::flags(uint8_t flags) {
  flags_ = flags;
  return *this;
}
PacketBuilder& PacketBuilder::syn() {
  return flags(flags_.value_or(0) | kTcpSyn);
}
PacketBuilder& PacketBuilder::fin() {
  return flags(flags_.value_or(0) | kTcpFin);
}
PacketBuilder& PacketBuilder::rst() {
  return flags(flags_.value_or(0) | kTcpRst);
}
PacketBuilder& PacketBuilder::push() {
  return flags(flags_.value_or(0) | kTcpPsh);
}
PacketBuilder& PacketBuilder::ack(uint32_t number) {
  acknowledgement_ = number;
  return flags(flags_.value_or(0) | kTcpAck);
}
PacketBuilder& PacketBuilder::seq(uint32_t number) {
  sequence_ = number;
  return *this;
}
PacketBuilder& PacketBuilder::window(uint16_t window) {
  window_ = window;
  return *this;
}
PacketBuilder& PacketBuilder::mss(uint16_t bytes) {
  append_option(tcp_options_, {kTcpOptionMss, 4, byte_of(bytes, 1), byte_of(bytes, 0)});
  return *this;
}
PacketBuilder& PacketBuilder::wscale(uint8_t shift) {
  append_option(tcp_options_, {kTcpOptionWindowScale, 3, shift});
  return *this;
}
PacketBuilder& PacketBuilder::sack_permitted() {
  append_option(tcp_options_, {kTcpOptionSackPermitted, 2});
  return *this;
}
PacketBuilder& PacketBuilder::timestamps(uint32_t value, uint32_t echo) {
  append_option(tcp_options_,
                {kTcpOptionTimestamps, 10, byte_of(value, 3), byte_of(value, 2), byte_of(value, 1), byte_of(value, 0),
                 byte_of(echo, 3), byte_of(echo, 2), byte_of(echo, 1), byte_of(echo, 0)});
  return *this;
}
PacketBuilder& PacketBuilder::tcp_options(std::vector<uint8_t> bytes) {
  pad_to_words(bytes);
  tcp_options_ = std::move(bytes);
  return *this;
}
PacketBuilder& PacketBuilder::no_checksum() {
  no_checksum_ = true;
  return *this;
}
PacketBuilder& PacketBuilder::behind(size_t size) {
  behind_ = size;
  return *this;
}
PacketBuilder& PacketBuilder::reply() {
  icmp_type_ = kIcmpEchoReply;
  return *this;
}
PacketBuilder& PacketBuilder::identifier(uint16_t identifier) {
  identifier_ = identifier;
  return *this;
}
PacketBuilder& PacketBuilder::next_mtu(uint16_t mtu) {
  return seq(mtu);
}
PacketBuilder& PacketBuilder::any_identifier() {
  identifier_.reset();
  return *this;
}
PacketBuilder& PacketBuilder::payload(std::string_view bytes) {
  payload_ = std::string(bytes);
  only_payload_size_ = false;
  return *this;
}
PacketBuilder& PacketBuilder::payload(size_t size) {
  std::string& bytes = payload_.emplace(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>('a' + i % 26);
  }
  only_payload_size_ = true;
  return *this;
}
PacketBuilder& PacketBuilder::ttl(uint8_t ttl) {
  ttl_ = ttl;
  return *this;
}
PacketBuilder& PacketBuilder::type_of_service(uint8_t type_of_service) {
  type_of_service_ = type_of_service;
  return *this;
}
PacketBuilder& PacketBuilder::identification(uint16_t identification) {
  identification_ = identification;
  return *this;
}
PacketBuilder& PacketBuilder::dont_fragment() {
  fragment_ = static_cast<uint16_t>(fragment_.value_or(0) | kIpv4DontFragment.host());
  return *this;
}
PacketBuilder& PacketBuilder::fragment(uint16_t offset_in_8_bytes, bool more) {
  fragment_ = static_cast<uint16_t>(offset_in_8_bytes | (more ? kIpv4MoreFragments.host() : 0));
  return *this;
}
PacketBuilder& PacketBuilder::ip_options(std::vector<uint8_t> bytes) {
  pad_to_words(bytes);
  ip_options_ = std::move(bytes);
  return *this;
}
PacketBuilder& PacketBuilder::mac(const MacAddress& source, const MacAddress& destination) {
  source_mac_ = source;
  destination_mac_ = destination;
  return *this;
}
PacketBuilder& PacketBuilder::padding(size_t size) {
  padding_ = size;
  return *this;
}
PacketBuilder& PacketBuilder::bad_checksum() {
  bad_checksum_ = true;
  return *this;
}
PacketBuilder& PacketBuilder::bad_ip_checksum() {
  bad_ip_checksum_ = true;
  return *this;
}

std::vector<uint8_t> PacketBuilder::bytes() const {
  return PacketFactory(*this).frame();
}

Packet* PacketBuilder::build(PacketPool& pool) const {
  Packet* packet = raw_frame(pool, bytes());
  if (const auto reason = parse(*packet)) {
    release(packet);
    throw std::logic_error("the packet to build is one that parse() refuses: " + std::string(sentence(*reason)));
  }
  return packet;
}

PacketBuilder tcp(const Endpoint& source, const Endpoint& destination) {
  return PacketFactory::start(PacketKind::kTcp, static_cast<uint8_t>(Protocol::kTcp), source, destination);
}
PacketBuilder udp(const Endpoint& source, const Endpoint& destination) {
  return PacketFactory::start(PacketKind::kUdp, static_cast<uint8_t>(Protocol::kUdp), source, destination);
}
PacketBuilder icmp_echo(const Endpoint& source, const Endpoint& destination, uint16_t identifier) {
  return PacketFactory::icmp(source, destination, PacketKind::kIcmpQuery, kIcmpEchoRequest, 0).identifier(identifier);
}
PacketBuilder icmp(const Endpoint& source, const Endpoint& destination, uint8_t type, uint8_t code) {
  const PacketKind kind = is_icmp_error(type) ? PacketKind::kIcmpError : PacketKind::kIcmpOther;
  return PacketFactory::icmp(source, destination, kind, type, code);
}
PacketBuilder icmp_error(const Endpoint& source, const Endpoint& destination, uint8_t type, uint8_t code,
                         const PacketBuilder& quoted, size_t size) {
  const std::vector<uint8_t> frame = quoted.bytes();
  const size_t end = std::min(frame.size(), sizeof(EthernetHeader) + size);
  return icmp(source, destination, type, code)
      .payload(std::string_view(reinterpret_cast<const char*>(frame.data()) + sizeof(EthernetHeader),
                                end - sizeof(EthernetHeader)));
}
std::vector<PacketBuilder> fragments(const PacketBuilder& datagram, size_t size) {
  const std::vector<uint8_t> whole = PacketFactory(datagram).transport_bytes();
  std::vector<PacketBuilder> parts;
  for (size_t offset = 0; offset < whole.size(); offset += size) {
    const auto end = static_cast<ptrdiff_t>(std::min(whole.size(), offset + size));
    PacketBuilder& part = parts.emplace_back(datagram);
    part.transport_ = std::vector<uint8_t>(whole.begin() + static_cast<ptrdiff_t>(offset), whole.begin() + end);
    part.payload_.reset();
    part.kind_ = offset == 0 ? PacketKind::kUdp : PacketKind::kFragment;
    part.fragment(static_cast<uint16_t>(offset / 8), offset + size < whole.size());
  }
  return parts;
}
PacketBuilder other(const Endpoint& source, const Endpoint& destination, uint8_t protocol) {
  return PacketFactory::start(PacketKind::kOtherIpv4, protocol, source, destination);
}
PacketBuilder arp_request(const MacAddress& sender_mac, Ipv4Address sender, Ipv4Address target) {
  return PacketFactory::arp(kArpRequest, sender_mac, sender, kBroadcastMac, target);
}
PacketBuilder arp_reply(const MacAddress& sender_mac, Ipv4Address sender, const MacAddress& target_mac,
                        Ipv4Address target) {
  return PacketFactory::arp(kArpReply, sender_mac, sender, target_mac, target);
}
PacketBuilder packet(std::string_view text) {
  return PacketFactory::from_text(need(parse_packet_text(text), text));
}

Packet* raw_frame(PacketPool& pool, std::span<const uint8_t> bytes) {
  Packet* packet = pool.allocate();
  if (packet == nullptr) {
    throw std::logic_error("the test's packet pool is empty");
  }
  if (bytes.size() > packet->tailroom()) {
    release(packet);
    throw std::logic_error("the frame is longer than a buffer of the test's packet pool");
  }
  std::copy(bytes.begin(), bytes.end(), packet->data);
  packet->length = static_cast<uint16_t>(bytes.size());
  return packet;
}

}  // namespace test
}  // namespace lapse
