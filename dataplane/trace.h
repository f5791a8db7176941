// trace.h - a packet as an event: what ladders, captures and traces are made of.
//
// Owner:    none; a pure function.
// Memory:   none.
// Time:     the caller's 'now'.
// Bytes:    the tuple stays in wire order, sequence numbers become host integers.
// Cost:     a few loads from lines that are hot already.
// Lifetime: none.
// Spec:     none.
#pragma once

#include "dataplane/event.h"
#include "dataplane/packet.h"

namespace lapse {

// 'packet' is parsed. Links, interfaces, box and reason are the caller's to fill in.
Event packet_event(EventKind kind, const Packet& packet, const Now& now);

}  // namespace lapse
