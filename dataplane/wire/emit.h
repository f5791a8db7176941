// emit.h - the packets that a middlebox makes itself.
//
// Owner:    the caller owns both packets; 'out' is empty (as allocated) and holds a parsed frame afterwards.
// Memory:   none.
// Time:     none.
// Bytes:    complete frames with right checksums; IPv4 identification 0 and DF set, TTL 64.
// Cost:     a header copy.
// Lifetime: none.
// Spec:     RFC 9293 section 3.10.7.1 (RST), RFC 792, RFC 1191 section 4 and RFC 1812 section 4.3 (ICMP), RFC 826 (ARP).
#pragma once

#include "dataplane/packet.h"
#include "dataplane/wire/address.h"

namespace lapse {

// The RST that the peer of 'late' would send: addresses and ports swapped; with ACK set in 'late', SEQ = SEG.ACK and
// only RST set; without, SEQ = 0, ACK = SEG.SEQ + SEG.LEN (SYN and FIN count) and RST+ACK. 'late' is TCP and no RST.
// Ethernet addresses are left zero: the link fills them in.
void write_rst(const Packet& late, Packet& out);

// ICMP time exceeded in transit, from 'source', quoting 'expired' (its IP header and at least 8 bytes; at most 576
// bytes in all). Not to be called for ICMP errors, later fragments and broadcasts: may_be_answered_by_icmp() says so.
bool may_be_answered_by_icmp(const Packet& packet);
void write_time_exceeded(const Packet& expired, Ipv4Address source, Packet& out);
// The same about a packet that is larger than 'mtu' and must not be fragmented.
void write_fragmentation_needed(const Packet& too_big, uint16_t mtu, Ipv4Address source, Packet& out);

void write_arp_request(MacAddress sender, Ipv4Address sender_address, Ipv4Address target_address, Packet& out);
void write_arp_reply(const Packet& request, MacAddress our_mac, Packet& out);

}  // namespace lapse
