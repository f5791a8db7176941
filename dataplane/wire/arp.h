// arp.h - the view of an ARP message about IPv4 over Ethernet.
//
// Owner:    none; laid over a packet's bytes.
// Memory:   none.
// Time:     none.
// Bytes:    wire order.
// Cost:     none.
// Lifetime: as the frame it is laid over.
// Spec:     RFC 826; RFC 5227 (a probe has the sender address 0.0.0.0).
#pragma once

#include <cstdint>

#include "dataplane/wire/address.h"
#include "dataplane/wire/byteorder.h"

namespace lapse {

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |         Hardware type         |         Protocol type         |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// | Hardware size | Protocol size |           Operation           |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                    Sender hardware address                    |
// +                               +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                               |    Sender protocol address    |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |   Sender protocol (cont.)     |    Target hardware address    |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+                               +
// |                                                               |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |                    Target protocol address                    |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct ArpHeader {
  Be16 hardware_type;
  Be16 protocol_type;
  uint8_t hardware_size;
  uint8_t protocol_size;
  Be16 operation;
  MacAddress sender_mac;
  Ipv4Address sender_address;
  MacAddress target_mac;
  Ipv4Address target_address;
};
static_assert(sizeof(ArpHeader) == 28 && alignof(ArpHeader) == 1);

inline constexpr Be16 kArpHardwareEthernet = be16(1);
inline constexpr Be16 kArpRequest = be16(1);
inline constexpr Be16 kArpReply = be16(2);

}  // namespace lapse
