// frame.h - the packets that simulated hosts send.
//
// Owner:    the caller owns the packet; it is empty (as allocated) and holds a parsed frame afterwards.
// Memory:   none.
// Time:     none.
// Bytes:    complete frames with right checksums; Ethernet addresses are left zero: the host fills them in.
// Cost:     headers, and a pass over the payload.
// Lifetime: none.
// Spec:     RFC 9293 section 3.1, RFC 768, RFC 792.
#pragma once

#include <cstdint>

#include "dataplane/packet.h"

namespace lapse::sim {

struct Segment {
  FiveTuple tuple;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint16_t window = 0;
  uint8_t flags = 0;
  uint8_t window_scale = 0;  // SYN only
  uint16_t mss = 0;          // SYN only
  uint16_t payload = 0;      // bytes; what they are does not matter
};

void write_tcp(const Segment& segment, Packet& out);
void write_udp(const FiveTuple& tuple, uint16_t payload, Packet& out);

struct Echo {
  uint8_t type = 0;
  uint16_t identifier = 0;
  uint16_t sequence = 0;
  uint16_t payload = 0;
};
void write_echo(const FiveTuple& tuple, const Echo& echo, Packet& out);

// The same of a packet that arrived; MSS and window scale of a SYN without such options are 536 and kNoWindowScale.
inline constexpr uint8_t kNoWindowScale = 0xff;
Segment read_tcp(const Packet& packet);

}  // namespace lapse::sim
