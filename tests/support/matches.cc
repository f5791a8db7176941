#include <sstream>

#include "dataplane/wire/arp.h"
#include "dataplane/wire/ethernet.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/tcp.h"
#include "dataplane/wire/udp.h"
#include "tests/support/packets.h"

namespace lapse::test {
namespace {

std::string text(uint64_t value) {
  return std::to_string(value);
}
std::string text(Ipv4Address address) {
  return to_string(address);
}
std::string text(const MacAddress& address) {
  return to_string(address);
}
std::string text(const std::string& bytes) {
  return '"' + bytes + '"';
}
std::string text(const std::vector<uint8_t>& bytes) {
  std::ostringstream out;
  for (const uint8_t byte : bytes) {
    out << std::hex << (byte >> 4) << (byte & 0xf);
  }
  return out.str();
}

std::string_view name(PacketKind kind) {
  switch (kind) {
    case PacketKind::kUnparsed:
      return "unparsed";
    case PacketKind::kArp:
      return "ARP";
    case PacketKind::kTcp:
      return "TCP";
    case PacketKind::kUdp:
      return "UDP";
    case PacketKind::kIcmpQuery:
      return "ICMP query";
    case PacketKind::kIcmpError:
      return "ICMP error";
    case PacketKind::kIcmpOther:
      return "ICMP";
    case PacketKind::kFragment:
      return "fragment";
    case PacketKind::kOtherIpv4:
      return "IPv4";
  }
  return "?";
}

}  // namespace

// Collects what differs.
class Comparison {
 public:
  Comparison(const PacketBuilder& expected, const Packet& actual) : expected_(expected), given_(actual) {}

  std::optional<std::string> run() {
    actual_ = given_;
    if (const auto reason = parse(actual_)) {
      return "it does not parse: " + std::string(sentence(*reason));
    }
    check_bookkeeping();
    if (expected_.kind_ != actual_.kind) {
      differ("kind", std::string(name(expected_.kind_)), std::string(name(actual_.kind)));
    } else {
      check_ethernet();
      check_ends();
      if (actual_.kind == PacketKind::kArp) {
        check_arp();
      } else {
        check_ipv4();
        check_transport();
        check_payload();
      }
    }
    return differences_.empty() ? std::nullopt : std::optional(differences_);
  }

 private:
  void differ(std::string_view what, const std::string& expected, const std::string& actual) {
    differences_ += (differences_.empty() ? "" : "; ") + std::string(what) + " " + actual + " instead of " + expected;
  }

  template <typename Value>
  void check(std::string_view what, const std::optional<Value>& expected, const Value& actual) {
    if (expected && *expected != actual) {
      differ(what, text(*expected), text(actual));
    }
  }

  std::vector<uint8_t> bytes(size_t from, size_t to) const { return {actual_.data + from, actual_.data + to}; }

  // What parse() finds now is what the packet says of itself.
  void check_bookkeeping() {
    if (given_.kind == PacketKind::kUnparsed) {
      return;
    }
    FiveTuple tuple = given_.tuple;
    tuple.scope = 0;
    if (tuple != actual_.tuple) {
      differ("tuple beside the frame", to_string(actual_.tuple), to_string(given_.tuple));
    }
    if (given_.l3_offset != actual_.l3_offset || given_.l4_offset != actual_.l4_offset ||
        given_.payload_offset != actual_.payload_offset || given_.length != actual_.length ||
        given_.kind != actual_.kind || given_.part != actual_.part || given_.tcp_flags != actual_.tcp_flags) {
      differ("bookkeeping beside the frame", to_string(actual_), "of another packet");
    }
  }

  void check_ethernet() {
    const auto& ethernet = actual_.header_at<EthernetHeader>(0);
    check("source MAC", expected_.source_mac_, ethernet.source);
    check("destination MAC", expected_.destination_mac_, ethernet.destination);
  }

  void check_ends() {
    check("source", std::optional(expected_.source_.address), actual_.tuple.source);
    if (!expected_.any_destination_) {
      check("destination", std::optional(expected_.destination_.address), actual_.tuple.destination);
    }
    if (actual_.kind == PacketKind::kTcp || actual_.kind == PacketKind::kUdp) {
      check_port("source port", expected_.source_, actual_.tuple.source_port);
      check_port("destination port", expected_.destination_, actual_.tuple.destination_port);
    }
  }

  void check_port(std::string_view what, const Endpoint& expected, Be16 actual) {
    if (!expected.port_is_any) {
      check(what, std::optional(expected.port), actual.host());
    }
  }

  void check_arp() {
    const auto& arp = actual_.header_at<ArpHeader>(actual_.l3_offset);
    check("ARP operation", std::optional(expected_.arp_operation_), arp.operation.host());
    check("ARP sender MAC", expected_.source_mac_, arp.sender_mac);
    check("ARP target MAC", expected_.arp_target_mac_, arp.target_mac);
  }

  void check_ipv4() {
    const auto& ip = actual_.header_at<Ipv4Header>(actual_.l3_offset);
    check("protocol", std::optional(expected_.protocol_), ip.protocol);
    check("TTL", expected_.ttl_, ip.ttl);
    check("type of service", expected_.type_of_service_, ip.type_of_service);
    check("identification", expected_.identification_, ip.identification.host());
    check("fragment field", expected_.fragment_, ip.fragment.host());
    check("IP options", expected_.ip_options_, bytes(actual_.l3_offset + sizeof(Ipv4Header), actual_.l4_offset));
  }

  void check_transport() {
    check("what it carries", expected_.transport_, bytes(actual_.l4_offset, actual_.length));
    if (transport_checksum_is_valid(actual_) == expected_.bad_checksum_) {
      differ("transport checksum", expected_.bad_checksum_ ? "a wrong one" : "a right one",
             expected_.bad_checksum_ ? "right" : "wrong");
    }
    if (actual_.kind == PacketKind::kTcp) {
      check_tcp();
    } else if (actual_.kind == PacketKind::kUdp && expected_.no_checksum_) {
      check("UDP checksum", std::optional<uint16_t>(0),
            actual_.header_at<UdpHeader>(actual_.l4_offset).checksum.host());
    } else if (actual_.kind == PacketKind::kIcmpQuery || actual_.kind == PacketKind::kIcmpError ||
               actual_.kind == PacketKind::kIcmpOther) {
      check_icmp();
    }
  }

  void check_tcp() {
    const auto& tcp = actual_.header_at<TcpHeader>(actual_.l4_offset);
    if (expected_.flags_ && *expected_.flags_ != tcp.flags) {
      differ("flags", tcp_flags_to_string(*expected_.flags_), tcp_flags_to_string(tcp.flags));
    }
    check("sequence number", expected_.sequence_, tcp.sequence.host());
    check("acknowledgement number", expected_.acknowledgement_, tcp.acknowledgement.host());
    check("window", expected_.window_, tcp.window.host());
    check("TCP options", expected_.tcp_options_, bytes(actual_.l4_offset + sizeof(TcpHeader), actual_.payload_offset));
  }

  void check_icmp() {
    const auto& icmp = actual_.header_at<IcmpHeader>(actual_.l4_offset);
    check("ICMP type", std::optional(expected_.icmp_type_), icmp.type);
    check("ICMP code", std::optional(expected_.icmp_code_), icmp.code);
    check("identifier", expected_.identifier_, icmp.identifier.host());
    if (expected_.sequence_) {
      check("sequence number", std::optional(static_cast<uint16_t>(*expected_.sequence_)), icmp.sequence.host());
    }
  }

  void check_payload() {
    if (!expected_.payload_) {
      return;
    }
    std::string actual = payload_of(actual_);
    if (actual_.kind == PacketKind::kUdp) {
      actual.resize(actual_.header_at<UdpHeader>(actual_.l4_offset).length.host() - sizeof(UdpHeader));
    }
    if (expected_.only_payload_size_) {
      check("payload size", std::optional(expected_.payload_->size()), actual.size());
    } else {
      check("payload", expected_.payload_, actual);
    }
  }

  const PacketBuilder& expected_;
  const Packet& given_;
  Packet actual_;
  std::string differences_;
};

std::optional<std::string> matches(const PacketBuilder& expected, const Packet& actual) {
  return Comparison(expected, actual).run();
}

bool PacketMatcher::MatchAndExplain(const Packet& actual, testing::MatchResultListener* listener) const {
  const auto difference = matches(expected_, actual);
  if (difference) {
    *listener << *difference;
  }
  return !difference;
}

bool PacketMatcher::MatchAndExplain(const Packet* actual, testing::MatchResultListener* listener) const {
  if (actual == nullptr) {
    *listener << "there is no packet";
    return false;
  }
  *listener << to_string(*actual) << ": ";
  return MatchAndExplain(*actual, listener);
}

void PacketMatcher::DescribeTo(std::ostream* out) const {
  *out << "is " << expected_.describe();
}
void PacketMatcher::DescribeNegationTo(std::ostream* out) const {
  *out << "is not " << expected_.describe();
}

std::string PacketBuilder::describe() const {
  PacketText said{
      .kind = kind_,
      .tuple = {source_.address, destination_.address, be16(source_.port), be16(destination_.port), protocol_, 0, 0},
      .tcp_flags = flags_.value_or(0),
      .sequence = sequence_.value_or(0),
      .acknowledgement = acknowledgement_.value_or(0),
      .window = window_,
      .tcp_options = tcp_options_.value_or(std::vector<uint8_t>{}),
      .icmp_type = icmp_type_,
      .icmp_code = icmp_code_,
      .icmp_sequence = static_cast<uint16_t>(sequence_.value_or(0)),
      .arp_operation = arp_operation_,
      .arp_sender_mac = source_mac_};
  if (payload_) {
    said.payload_length = static_cast<uint32_t>(payload_->size());
  }
  if (kind_ == PacketKind::kIcmpQuery) {
    said.tuple.source_port = be16(identifier_.value_or(0));
  }
  return to_string(said);
}

Endpoint source_of(const Packet& packet) {
  return {packet.tuple.source, packet.tuple.source_port.host()};
}
Endpoint destination_of(const Packet& packet) {
  return {packet.tuple.destination, packet.tuple.destination_port.host()};
}
uint32_t sequence_of(const Packet& packet) {
  return packet.header_at<TcpHeader>(packet.l4_offset).sequence.host();
}
uint32_t acknowledgement_of(const Packet& packet) {
  return packet.header_at<TcpHeader>(packet.l4_offset).acknowledgement.host();
}
uint8_t ttl_of(const Packet& packet) {
  return packet.header_at<Ipv4Header>(packet.l3_offset).ttl;
}
uint16_t identifier_of(const Packet& packet) {
  return packet.header_at<IcmpHeader>(packet.l4_offset).identifier.host();
}
std::string payload_of(const Packet& packet) {
  const uint8_t* bytes = packet.data;
  return {bytes + packet.payload_offset, bytes + packet.length};
}
std::vector<uint8_t> bytes_of(const Packet& packet) {
  return {packet.data, packet.data + packet.length};
}

}  // namespace lapse::test
