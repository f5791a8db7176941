// flow_event.h - what happened to a flow, as events of the one stream.
//
// Owner:    none; pure functions.
// Memory:   none.
// Time:     an expiry carries the time at which the timeout ran out, however late it was noticed.
// Bytes:    tuples in wire order.
// Cost:     a copy of 128 bytes.
// Lifetime: none.
// Spec:     design, "Control": events form one stream.
#pragma once

#include "dataplane/event.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/packet.h"
#include "dataplane/trace.h"

namespace lapse {

inline void name_flow(Event& event, const FlowRef& flow) {
  event.tuple = flow.record->original();
  event.reply = flow.record->reply();
  event.flow = static_cast<uint32_t>(flow.id);
  event.generation = flow.control.generation;
}

// 'packet' made it happen; it came in on 'side'.
inline Event flow_event(EventKind kind, const FlowRef& flow, const Packet& packet, Side side, const Now& now) {
  Event event = packet_event(kind, packet, now);
  event.side = side;
  name_flow(event, flow);
  return event;
}

inline Event expiry_event(const FlowRef& flow, Tick deadline, const Timeouts& timeouts, const Now& now) {
  Event event;
  event.kind = EventKind::kFlowExpired;
  event.time = to_instant(deadline, now.now);
  event.real = now.real;
  name_flow(event, flow);
  event.timeout_class = static_cast<uint8_t>(flow.control.timeout_class);
  event.timeout_ms = timeouts.milliseconds(flow.control.timeout_class);
  return event;
}

// The address that the flow was translated to serves no more.
inline Event release_event(const FlowRef& flow, const Now& now) {
  Event event;
  event.kind = EventKind::kFlowReleased;
  event.time = now.now;
  event.real = now.real;
  name_flow(event, flow);
  return event;
}

}  // namespace lapse
