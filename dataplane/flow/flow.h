// flow.h - one tracked connection in one box: 64 bytes that every kind of box finds enough.
//
// Owner:    the table; the record belongs to the worker that created it, other workers change only the atomic fields.
// Memory:   one cache line in the table's array.
// Time:     last_seen is a Tick of virtual time.
// Bytes:    addresses and ports in wire order; sequence numbers are host integers.
// Cost:     one line.
// Lifetime: until the owner reuses it, after a grace period; the generation in 'control' tells incarnations apart.
// Spec:     design, "The flow table": layout.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/flow/tcp_state.h"
#include "dataplane/flow/timeouts.h"
#include "dataplane/flow/tuple.h"

namespace lapse {

enum class FlowId : uint32_t {};

// kOpening: being filled by its owner, a miss for every reader. kDead is final for a generation; the record keeps it,
// waiting for its grace period or in a free list, until open() makes it kOpening. kFree: never used.
enum class FlowLife : uint8_t { kFree, kOpening, kLive, kDead };

// The word that decides. Changed by one swap only, except by the owner while the record is free or opening.
// Aligned as the integer of its size: clang 14 calls a library for an atomic of anything less.
struct alignas(8) FlowControl {
  uint32_t generation = 0;
  FlowLife life = FlowLife::kFree;
  TcpState tcp_state = TcpState::kSynSent;  // TCP only
  TimeoutClass timeout_class = TimeoutClass::kOther;
  uint8_t flags = 0;  // of the kind of box

  // Whether both are of one flow in one stage of its life; as one word, which is how it is loaded.
  constexpr bool is_same_life(const FlowControl& other) const {
    constexpr uint64_t kGenerationAndLife = 0xff'ffff'ffff;
    return ((std::bit_cast<uint64_t>(*this) ^ std::bit_cast<uint64_t>(other)) & kGenerationAndLife) == 0;
  }
  friend constexpr bool operator==(const FlowControl&, const FlowControl&) = default;
};
static_assert(sizeof(FlowControl) == 8 && offsetof(FlowControl, generation) == 0 && offsetof(FlowControl, life) == 4);
static_assert(std::endian::native == std::endian::little);

struct alignas(64) FlowRecord {
  // The id waits in its owner's inbox. Stays set after a death, so that nobody lists the id again.
  static constexpr uint8_t kInInbox = 1;
  // Whoever killed the flow has told the owner: nobody will touch the inbox for it again.
  static constexpr uint8_t kDeathTold = 2;

  std::atomic<FlowControl> control;
  std::atomic<uint32_t> last_seen;  // Tick

  // The two keys: immutable from publish to reuse. 'reply' is the tuple that the answering packets carry. While the
  // record is opening other workers may compare them, so set_original() and set_reply() write them, nothing else.
  Ipv4Address original_source;
  Ipv4Address original_destination;
  Ipv4Address reply_source;
  Ipv4Address reply_destination;
  Be16 original_source_port;
  Be16 original_destination_port;
  Be16 reply_source_port;
  Be16 reply_destination_port;

  // What each direction of a TCP connection has shown so far, indexed by Direction; relaxed stores by whoever forwards.
  std::atomic<uint32_t> highest_end[2];  // one past the highest sequence number sent
  std::atomic<uint32_t> last_ack[2];     // the highest acknowledgement number sent
  std::atomic<uint16_t> window[2];       // upper 12 bits: the last window / 16, rounded up; lower 4: its scale

  uint8_t protocol;
  uint8_t scope;
  uint8_t owner;                  // WorkerId
  std::atomic<uint8_t> cadence;   // log2 of the last gap of a second or more, in ticks; 0: none seen
  std::atomic<uint8_t> in_inbox;  // kInInbox, kDeathTold
  std::atomic<uint8_t> shift;     // of the kind: bytes by which a direction's sequence space is shifted
  std::atomic<uint16_t> target;   // of the kind: stable id of what the flow is bound to

  FiveTuple original() const {
    return {original_source, original_destination, original_source_port, original_destination_port, protocol, scope, 0};
  }
  FiveTuple reply() const {
    return {reply_source, reply_destination, reply_source_port, reply_destination_port, protocol, scope, 0};
  }
  FiveTuple tuple(Direction direction) const { return direction == Direction::kOriginal ? original() : reply(); }
  void set_original(const FiveTuple& tuple) {
    store_relaxed(original_source, tuple.source);
    store_relaxed(original_destination, tuple.destination);
    store_relaxed(original_source_port, tuple.source_port);
    store_relaxed(original_destination_port, tuple.destination_port);
  }
  void set_reply(const FiveTuple& tuple) {
    store_relaxed(reply_source, tuple.source);
    store_relaxed(reply_destination, tuple.destination);
    store_relaxed(reply_source_port, tuple.source_port);
    store_relaxed(reply_destination_port, tuple.destination_port);
  }

  // Also of an opening record: then the answer may be out of date, but it is never made up by the compiler.
  bool has_key(const FiveTuple& key, Direction direction) const {
    const bool same =
        direction == Direction::kOriginal
            ? load_relaxed(original_source) == key.source && load_relaxed(original_destination) == key.destination &&
                  load_relaxed(original_source_port) == key.source_port &&
                  load_relaxed(original_destination_port) == key.destination_port
            : load_relaxed(reply_source) == key.source && load_relaxed(reply_destination) == key.destination &&
                  load_relaxed(reply_source_port) == key.source_port &&
                  load_relaxed(reply_destination_port) == key.destination_port;
    return same && protocol == key.protocol && scope == key.scope;
  }

 private:
  // Over the raw integer: a Be16 or Be32 claims no alignment, which would make each access a library call with clang++.
  // Their places in this record align them.
  template <typename Field>
  static auto word(const Field& field) {
    using Word = decltype(field.raw());
    void* const place = __builtin_assume_aligned(const_cast<Field*>(&field), alignof(Word));
    return std::atomic_ref<Word>(*static_cast<Word*>(place));
  }
  // A BigEndian is packed, so that headers can hold it anywhere; here its fields are aligned, and it is one integer.
  template <typename Raw>
  static std::atomic_ref<Raw> shared(const BigEndian<Raw>& field) {
    const void* const place = &field;
    return std::atomic_ref<Raw>(*static_cast<Raw*>(const_cast<void*>(place)));
  }
  template <typename Raw>
  static void store_relaxed(BigEndian<Raw>& field, BigEndian<Raw> value) {
    shared(field).store(value.raw(), std::memory_order_relaxed);
  }
  template <typename Raw>
  static BigEndian<Raw> load_relaxed(const BigEndian<Raw>& field) {
    return BigEndian<Raw>::from_raw(shared(field).load(std::memory_order_relaxed));
  }
};
static_assert(offsetof(FlowRecord, original_source) % 4 == 0 && offsetof(FlowRecord, original_source_port) % 2 == 0);
static_assert(sizeof(FlowRecord) == 64 && std::atomic<FlowControl>::is_always_lock_free);

// A copy for control: taken while workers go on.
struct FlowSnapshot {
  FlowId id{};
  FlowControl control;
  FiveTuple original;
  FiveTuple reply;
  Tick last_seen = 0;
  uint8_t cadence = 0;
  uint8_t owner = 0;
};

}  // namespace lapse
