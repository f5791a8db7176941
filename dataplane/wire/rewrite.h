// rewrite.h - edits of a parsed packet's headers that keep every checksum right.
//
// Owner:    none; functions of the packet.
// Memory:   none.
// Time:     none.
// Bytes:    wire order; RFC 1624 updates, so that a wrong checksum stays wrong and a UDP checksum of 0 stays 0.
// Cost:     a few instructions each.
// Lifetime: packet.tuple follows the headers.
// Spec:     RFC 791 section 3.1, RFC 1624, RFC 768, RFC 3022 section 4.1, RFC 5508 section 3.
#pragma once

#include "dataplane/packet.h"
#include "dataplane/wire/ipv4.h"

namespace lapse {

// The packet's kind is kTcp, kUdp or kIcmpQuery, or kFragment with the port 0. The port is the query identifier for ICMP.
void rewrite_source(Packet& packet, Ipv4Address address, Be16 port);
void rewrite_destination(Packet& packet, Ipv4Address address, Be16 port);

// The packet's kind is kIcmpError, and address and port are those of the flow's end that the error comes from or goes
// to: in the error's own header, and in the quoted packet, which travelled the other way.
void rewrite_error_source(Packet& error, Ipv4Address address, Be16 port);
void rewrite_error_destination(Packet& error, Ipv4Address address, Be16 port);

void set_identification(Packet& packet, Be16 identification);

// The caller has checked that the TTL is above 1.
void lower_ttl(Packet& packet);

inline bool has_options(const Packet& packet) {
  return packet.l4_offset != packet.l3_offset + sizeof(Ipv4Header);
}
// Writes 'address' into the next free place of the packet's record route option, if it has one with a free place.
void record_route(Packet& packet, Ipv4Address address);

}  // namespace lapse
