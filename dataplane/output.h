// output.h - what a box does with packets: forward, originate, answer, drop, tell.
//
// Owner:    one worker (or the simulator, or a test); lent to a box for one call.
// Memory:   fixed; a call may leave at most kCapacity packets, which boxes respect through has_room().
// Time:     none.
// Bytes:    none.
// Cost:     an append and a counter each.
// Lifetime: the packets belong to the caller of the box once the call returns.
// Spec:     design, "Boxes" and "Conservation".
#pragma once

#include <array>
#include <cassert>
#include <span>

#include "dataplane/counters.h"
#include "dataplane/event.h"
#include "dataplane/packet.h"
#include "dataplane/trace.h"

namespace lapse {

class Output {
 public:
  static constexpr size_t kCapacity = 4 * kBurst;

  struct Entry {
    Packet* packet;
    Side side;
  };

  // 'events' may be null: then nothing is recorded.
  Output(WorkerId worker, PacketPool& pool, EventRing* events) : worker_(worker), pool_(&pool), events_(events) {}

  // Called by the owner of this object before it lends it to a box. With 'trace_at', every packet that the box drops
  // becomes an event of that time.
  void begin(BoxId box, BoxCounters& counters, const Now* trace_at = nullptr) {
    assert(count_ == 0);
    box_ = box;
    counters_ = &counters;
    trace_at_ = events_ == nullptr ? nullptr : trace_at;
  }

  WorkerId worker() const { return worker_; }

  // How many packets can still be forwarded or originated in this call.
  size_t has_room() const { return kCapacity - count_; }

  void forward(Packet* packet, Side side) {
    packet->origin = Origin::kForwarded;
    append(packet, side);
  }

  void drop(Packet* packet, DropReason reason) {
    counters_->dropped[static_cast<size_t>(reason)].add();
    if (trace_at_ != nullptr) {
      Event event = packet_event(EventKind::kPacketDropped, *packet, *trace_at_);
      event.box = box_;
      event.reason = reason;
      events_->push(event);
    }
    release(packet);
  }

  // An empty packet to write an answer or a message of the box's own into, or nullptr: then the state of the flow is left
  // as it was and the packet that asked for it is dropped as kPoolEmpty. Send it with send_originated().
  Packet* allocate() { return pool_->allocate(); }

  void send_originated(Packet* packet, Side side) {
    packet->origin = Origin::kOriginated;
    counters_->originated.add();
    append(packet, side);
  }

  // Records an event of this box and counts it; 'event.box' is filled in here.
  void emit(Event event) {
    event.box = box_;
    counters_->count(event);
    if (events_ != nullptr) {
      events_->push(event);
    }
  }

  // A SYN has been answered: too little for an event, but a provider counts it.
  void count_answered_flow() { counters_->tcp_flows_answered.add(); }

  std::span<const Entry> entries() const { return {entries_.data(), count_}; }
  void clear() { count_ = 0; }

 private:
  void append(Packet* packet, Side side) {
    assert(count_ < kCapacity);
    counters_->sent_packets[index(side)].add();
    counters_->sent_bytes[index(side)].add(packet->length);
    entries_[count_++] = {packet, side};
  }

  std::array<Entry, kCapacity> entries_;
  size_t count_ = 0;
  WorkerId worker_;
  BoxId box_ = kNoBox;
  PacketPool* pool_;
  EventRing* events_;
  BoxCounters* counters_ = nullptr;
  const Now* trace_at_ = nullptr;
};

}  // namespace lapse
