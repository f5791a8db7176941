// late_packet.h - what becomes of a packet that belongs to no living flow and cannot open one.
//
// Owner:    none; a function of the packet.
// Memory:   an answer takes one buffer of the pool.
// Time:     callers pass 'now'.
// Bytes:    none.
// Cost:     a header copy for an answer.
// Lifetime: none.
// Spec:     aws-behaviour 2.1 and 2.3; design, "Late-packet behaviours".
#pragma once

#include <cstdint>

#include "dataplane/output.h"
#include "dataplane/packet.h"
#include "dataplane/time.h"

namespace lapse {

enum class LatePacket : uint8_t { kDrop, kRst };

// Ends the way of 'packet', which came in on 'side'. A RST goes to whoever sent it, looks as sent by the peer, and
// needs no state; only TCP segments without RST are answered. No free buffer: dropped as kPoolEmpty.
void handle_late(Packet* packet, Side side, LatePacket behaviour, const Now& now, Output& out);

}  // namespace lapse
