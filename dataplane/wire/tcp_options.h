// tcp_options.h - finding one option of a TCP segment, and lowering the MSS that a SYN announces.
//
// Owner:    none; functions of a parsed TCP segment.
// Memory:   none.
// Time:     none.
// Bytes:    option values in wire order; the checksum is updated, so that a wrong one stays wrong.
// Cost:     a walk over at most 40 bytes.
// Lifetime: what find_tcp_option() points to is in the frame.
// Spec:     RFC 9293 sections 3.1 and 3.7.1, RFC 7323 section 2.2.
#pragma once

#include <cstdint>

#include "dataplane/packet.h"

namespace lapse {

// Where in the frame the value of the option 'kind' begins, or 0: there is none of this whole length, or an option
// before it is cut short.
size_t find_tcp_option(const Packet& packet, uint8_t kind, uint8_t length);

// A segment with SYN that announces more than 'limit' announces 'limit'. One without the option stays without: its
// receiver assumes 536.
void clamp_mss(Packet& packet, uint16_t limit);

}  // namespace lapse
