// udp.h - the view of a UDP header.
//
// Owner:    none; laid over a packet's bytes.
// Memory:   none.
// Time:     none.
// Bytes:    wire order.
// Cost:     none.
// Lifetime: as the frame it is laid over.
// Spec:     RFC 768.
#pragma once

#include "dataplane/wire/byteorder.h"

namespace lapse {

//  0                   1                   2                   3
//  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |          Source port          |       Destination port        |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
// |            Length             |           Checksum            |
// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
struct UdpHeader {
  Be16 source_port;
  Be16 destination_port;
  Be16 length;    // of header and data
  Be16 checksum;  // 0: the sender computed none
};
static_assert(sizeof(UdpHeader) == 8 && alignof(UdpHeader) == 1);

}  // namespace lapse
