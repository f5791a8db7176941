// packet.h - one frame in one contiguous buffer, what parsing found in it, and the bounded pool it came from.
//
// Owner:    exactly one place at a time: a port, a work list, a box's bounded store, or its pool.
// Memory:   the buffer is the pool's; at least kHeadroom bytes stand before a received frame.
// Time:     none.
// Bytes:    the buffer and every Be field are in wire order; offsets and lengths are host integers.
// Cost:     one cache line of bookkeeping beside the frame.
// Lifetime: until release() hands it back to its pool.
// Spec:     design, "Packet is one contiguous buffer with at least 256 bytes of headroom".
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/flow/tuple.h"
#include "dataplane/ids.h"

namespace lapse {

class PacketPool;

inline constexpr size_t kHeadroom = 256;
inline constexpr size_t kBurst = 32;

// kIcmpQuery is an echo request or reply; kIcmpError quotes the packet that it is about. kFragment is a fragment whose
// ports are not known: any but the first one of a UDP datagram, which is kUdp.
enum class PacketKind : uint8_t {
  kUnparsed,
  kArp,
  kTcp,
  kUdp,
  kIcmpQuery,
  kIcmpError,
  kIcmpOther,
  kFragment,
  kOtherIpv4
};

// What of its datagram an IPv4 packet is.
enum class Part : uint8_t { kWhole, kFirst, kLater };

// Where a packet comes from decides whether the box's hop lowers its TTL.
enum class Origin : uint8_t { kForwarded, kOriginated };

struct alignas(64) Packet {
  uint8_t* data = nullptr;     // first byte of the Ethernet header
  PacketPool* pool = nullptr;  // immutable; where release() returns it
  uint8_t* room = nullptr;     // immutable; first byte of the buffer, headroom included
  uint32_t room_size = 0;      // immutable
  uint16_t length = 0;         // bytes of the frame, without padding behind the IP packet once it is parsed

  // Set by parse(), valid while no header has been moved.
  uint16_t l3_offset = 0;
  uint16_t l4_offset = 0;
  uint16_t payload_offset = 0;  // behind the TCP or UDP header, or the first 8 bytes of ICMP
  PacketKind kind = PacketKind::kUnparsed;
  Part part = Part::kWhole;
  uint8_t tcp_flags = 0;

  Origin origin = Origin::kForwarded;
  uint8_t hops = 0;
  LinkId link = kNoLink;                      // the link it last entered
  InterfaceId from_interface = kNoInterface;  // the box side that emitted it, or none: it came from outside the process
  FiveTuple tuple{};                          // as in the headers

  uint16_t payload_length() const { return static_cast<uint16_t>(length - payload_offset); }
  size_t headroom() const { return static_cast<size_t>(data - room); }
  size_t tailroom() const { return room_size - headroom() - length; }

  template <typename Header>
  Header& header_at(size_t offset) {
    assert(offset + sizeof(Header) <= length);
    return *reinterpret_cast<Header*>(data + offset);
  }
  template <typename Header>
  const Header& header_at(size_t offset) const {
    assert(offset + sizeof(Header) <= length);
    return *reinterpret_cast<const Header*>(data + offset);
  }
};
static_assert(sizeof(Packet) == 64);

// A bounded supply of packet buffers. Thread-compatible unless the implementation says more.
class PacketPool {
 public:
  virtual ~PacketPool() = default;

  // An empty packet (length 0, data behind kHeadroom bytes of headroom), or nullptr when none is left.
  virtual Packet* allocate() = 0;
  virtual void release(std::span<Packet* const> packets) = 0;
};

// The frame and all that is known of it. 'to' is empty and has the room.
inline void copy_packet(const Packet& from, Packet& to) {
  assert(to.tailroom() >= from.length);
  std::memcpy(to.data, from.data, from.length);
  Packet copy = from;
  copy.data = to.data;
  copy.pool = to.pool;
  copy.room = to.room;
  copy.room_size = to.room_size;
  to = copy;
}

inline void release(Packet* packet) {
  packet->pool->release({&packet, 1});
}

}  // namespace lapse
