// fragment.h - cutting an IPv4 packet into fragments.
//
// Owner:    none; functions of the packets.
// Memory:   none.
// Time:     none.
// Bytes:    complete frames with right header checksums, parsed.
// Cost:     a copy of what is cut off.
// Lifetime: none.
// Spec:     RFC 791 sections 2.3 and 3.2.
#pragma once

#include "dataplane/packet.h"

namespace lapse {

// How many bytes behind the IP header fit into one fragment of at most 'mtu' bytes, header included.
size_t fragment_payload(const Packet& packet, size_t mtu);

// Into 'out', which is empty, goes the part of 'whole' from 'offset' bytes behind its IP header on, at most 'mtu' bytes
// with its header. Returns how much of 'whole' it carries. 'offset' is a multiple of 8 and above 0.
size_t write_fragment(const Packet& whole, size_t offset, size_t mtu, Packet& out);

// What stays of 'whole' when write_fragment() has made all the others.
void cut_to_first_fragment(Packet& whole, size_t mtu);

}  // namespace lapse
