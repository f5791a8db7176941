// notation.h - one text form for packets: what traces print, failures show and scenarios say.
//
// Owner:    none; plain values.
// Memory:   allocates; for control, the simulator's scenarios and tests, never for the packet path.
// Time:     none.
// Bytes:    tuples in wire order; sequence numbers and lengths are host integers.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     the words of packetdrill and tcpdump:
//             10.0.1.10:40000 > 203.0.113.80:443 S 1000:1000(0) win 65535 <mss 1460,nop,wscale 7>
//             203.0.113.80:443 > 10.0.1.10:40000 S. 5000:5000(0) ack 1001 win 65535
//             udp 10.0.1.10:40000 > 203.0.113.53:53 (29)
//             icmp 10.0.1.10 > 203.0.113.80 echo request id 7 seq 1 (56)
//             icmp 10.0.1.1 > 10.0.1.10 type 11 code 0 (28)
//             arp who-has 10.0.1.1 tell 10.0.1.10
//             arp reply 10.0.1.1 is-at 02:00:00:00:00:01
//             ip 10.0.1.10 > 203.0.113.80 protocol 47 (20)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/packet.h"
#include "dataplane/wire/address.h"

namespace lapse {

// "frag 4660@1480+" behind a fragment: its datagram's identification, its offset in bytes, and whether more follow.
struct FragmentText {
  uint16_t identification = 0;
  uint16_t offset = 0;
  bool more = false;

  friend bool operator==(const FragmentText&, const FragmentText&) = default;
};

// What the text says of a packet. In parentheses stands the length of the payload in bytes.
struct PacketText {
  PacketKind kind = PacketKind::kUnparsed;
  FiveTuple tuple;  // ARP: sender, and target of a request
  std::optional<uint32_t> payload_length;
  std::optional<FragmentText> fragment;

  // TCP. Flags are F S R P . U E W in this order, '.' being ACK; "none" without any. The acknowledgement number is said
  // when ACK is set.
  uint8_t tcp_flags = 0;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  std::optional<uint16_t> window;
  std::vector<uint8_t> tcp_options;  // as on the wire

  // ICMP. Of an echo the identifier is in the tuple.
  uint8_t icmp_type = 0;
  uint8_t icmp_code = 0;
  uint16_t icmp_sequence = 0;

  // ARP
  uint16_t arp_operation = 0;
  std::optional<MacAddress> arp_sender_mac;  // said of a reply

  friend bool operator==(const PacketText&, const PacketText&) = default;
};

// 'packet' is parsed.
PacketText describe(const Packet& packet);
std::string to_string(const PacketText& text);
std::string to_string(const Packet& packet);

// The flags alone: "S.", "P.", "R".
std::string tcp_flags_to_string(uint8_t flags);

// None when 'text' is not exactly one packet in this form. The window and the options of TCP and the length of ICMP may
// be left out.
std::optional<PacketText> parse_packet_text(std::string_view text);

}  // namespace lapse
