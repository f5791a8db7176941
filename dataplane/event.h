// event.h - the one stream of what happened: flow events, late packets, resets, drops, and packets on links.
//
// Owner:    a ring has one producer (its worker) and one consumer (the control thread that drains it).
// Memory:   allocated in the ring's constructor; a full ring counts what it lost and never blocks the worker.
// Time:     an event carries virtual time, and real time beside it.
// Bytes:    tuples are in wire order; sequence numbers are host integers.
// Cost:     push(): two cache lines written.
// Lifetime: a record is copied out; nothing points into the ring.
// Spec:     design, "Control": events form one stream.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>

#include "dataplane/drop_reason.h"
#include "dataplane/flow/tuple.h"
#include "dataplane/ids.h"
#include "dataplane/time.h"

namespace lapse {

// X(enumerator, name in the stream, stable code)
#define LAPSE_EVENT_KINDS(X)                            \
  X(kFlowNew, "flow_new", "FLOW-NEW")                   \
  X(kFlowEstablished, "flow_established", "FLOW-EST")   \
  X(kFlowClosing, "flow_closing", "FLOW-CLOSING")       \
  X(kFlowClosed, "flow_closed", "FLOW-CLOSED")          \
  X(kFlowExpired, "flow_expired", "FLOW-EXPIRED")       \
  X(kFlowReleased, "flow_released", "FLOW-RELEASED")    \
  X(kLatePacket, "late_packet", "LATE-PACKET")          \
  X(kRstSent, "rst_sent", "LATE-RST")                   \
  X(kIcmpSent, "icmp_sent", "ICMP-SENT")                \
  X(kRejected, "rejected", "REJECTED")                  \
  X(kPacket, "packet", "PACKET")                        \
  X(kPacketDropped, "packet_dropped", "PACKET-DROPPED") \
  X(kLinkDown, "link_down", "LINK-DOWN")                \
  X(kLinkUp, "link_up", "LINK-UP")

enum class EventKind : uint8_t {
#define LAPSE_EVENT_KIND(name, text, code) name,
  LAPSE_EVENT_KINDS(LAPSE_EVENT_KIND)
#undef LAPSE_EVENT_KIND
};

#define LAPSE_EVENT_KIND(name, text, code) +1
inline constexpr size_t kEventKindCount = 0 LAPSE_EVENT_KINDS(LAPSE_EVENT_KIND);
#undef LAPSE_EVENT_KIND

struct EventKindText {
  std::string_view name;
  std::string_view code;
};
inline constexpr std::array<EventKindText, kEventKindCount> kEventKindTexts{{
#define LAPSE_EVENT_KIND(name, text, code) {text, code},
    LAPSE_EVENT_KINDS(LAPSE_EVENT_KIND)
#undef LAPSE_EVENT_KIND
}};
constexpr std::string_view name(EventKind kind) {
  return kEventKindTexts[static_cast<size_t>(kind)].name;
}
constexpr std::string_view code(EventKind kind) {
  return kEventKindTexts[static_cast<size_t>(kind)].code;
}

// Who learns of it by a packet.
enum class Told : uint8_t { kNobody, kSender, kBothEnds };

inline constexpr uint32_t kNoFlow = 0xffffffff;

struct Event {
  EventKind kind = EventKind::kPacket;
  DropReason reason = DropReason::kConsumed;  // kPacketDropped, kLatePacket, kRejected, kIcmpSent: why
  Told told = Told::kNobody;
  BoxId box = kNoBox;
  Side side{};  // late packets, resets: the side that spoke
  // kPacket: the link that the packet has crossed; kLink*. kPacketDropped without a box: the link that it was lost on.
  LinkId link = kNoLink;
  InterfaceId from_interface = kNoInterface;  // who put it on the link; kNoInterface: a host
  InterfaceId to_interface = kNoInterface;    // who takes it off the link, or would have; kNoInterface: a host

  Instant time;  // virtual; of an expiry: last seen + timeout, however late it was noticed
  Instant real;

  FiveTuple tuple;  // of the packet as it stood on the link, or the flow's original tuple
  FiveTuple reply;  // kFlow*: the tuple of the reply direction

  uint32_t flow = kNoFlow;  // record id in the box's table
  uint32_t generation = 0;  // tells successive flows of one record apart
  uint32_t timeout_ms = 0;  // kFlowExpired: the timeout that ran out
  uint32_t sequence = 0;    // of the packet, or of the RST that was sent
  uint32_t acknowledgement = 0;
  uint64_t frame = 0;         // kPacket: the id of its beginning in the ring of frames; 0: not kept
  uint16_t frame_length = 0;  // of a packet: as the boxes' counters count bytes
  uint16_t payload_length = 0;
  uint8_t tcp_flags = 0;
  uint8_t timeout_class = 0;  // kFlowExpired: TimeoutClass
};
static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) <= 128);

class FrameRing;

// Single producer, single consumer.
class EventRing {
 public:
  // 'capacity' is rounded up to a power of two.
  explicit EventRing(size_t capacity);

  // Producer. Returns false, and counts the loss, when the consumer has fallen behind.
  bool push(const Event& event);
  // Producer. At least half of it is free: what can wait until the consumer has caught up looks here first. A ring is
  // to hold several times what a worker reclaims in a pass.
  bool has_room();

  // Consumer. Copies at most 'room' events in order; returns how many.
  size_t pop(Event* out, size_t room);

  uint64_t lost() const { return lost_.load(std::memory_order_relaxed); }

  // Where the producer leaves the frames that its events tell of; null: nowhere. Set before the producer starts.
  void keep_frames(FrameRing* frames) { frames_ = frames; }
  FrameRing* frames() const { return frames_; }

 private:
  FrameRing* frames_ = nullptr;
  std::unique_ptr<Event[]> slots_;
  size_t mask_;
  alignas(64) std::atomic<size_t> head_{0};  // producer
  size_t cached_tail_ = 0;                   // producer only
  std::atomic<uint64_t> lost_{0};            // producer writes
  alignas(64) std::atomic<size_t> tail_{0};  // consumer
};

}  // namespace lapse
