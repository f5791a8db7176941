// tcp_tracker.h - what a box remembers of each direction of a TCP connection, and which segments a receiver would believe.
//
// Owner:    any worker; the fields are relaxed atomics of the flow's record.
// Memory:   20 bytes of the record.
// Time:     none.
// Bytes:    sequence numbers and windows are host integers.
// Cost:     track(): one line that the lookup has fetched already.
// Lifetime: as the record.
// Spec:     RFC 9293 sections 3.4 and 3.10.7, RFC 7323 section 2, RFC 5961 sections 3.2 and 5.2.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/flow/flow.h"
#include "dataplane/packet.h"

namespace lapse {

struct TcpSegment {
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint32_t length = 0;  // of its sequence space: payload, and one each for SYN and FIN
  uint16_t window = 0;
  uint8_t flags = 0;
  std::optional<uint8_t> scale;  // the window scale option, in segments with SYN only

  uint32_t end() const { return sequence + length; }
};

// 'packet' is a parsed TCP segment.
TcpSegment read_segment(const Packet& packet);

// The record is fresh from open().
void start_tracking(FlowRecord& record, const TcpSegment& syn);

// Takes note of a segment that is about to be forwarded. 'state' is the flow's state before this segment.
void track(FlowRecord& record, Direction direction, TcpState state, const TcpSegment& segment);

// Whether the receiver of a segment that travels in 'direction' would believe it, as far as the box knows: by its sequence
// numbers, and by its acknowledgement unless it is a RST. One that it would not believe is forwarded, and opens, closes
// and ends nothing. A SYN without acknowledgement begins something new, and has nothing to be judged by.
bool may_change_state(const FlowRecord& record, Direction direction, TcpState state, const TcpSegment& segment);

}  // namespace lapse
