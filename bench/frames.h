// frames.h - the frames that ports hand out: 60 bytes of TCP, a random flow each, every checksum right.
//
// Owner:    the bench; one thread.
// Memory:   20 bytes for each frame of a stream, read in order: the hardware's prefetcher hides it.
// Time:     none.
// Bytes:    wire order.
// Cost:     write(): the copy of a line and of 16 bytes.
// Lifetime: a stream outlives the ports that read it.
// Spec:     none.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "dataplane/flow/tuple.h"
#include "dataplane/packet.h"

namespace lapse::bench {

inline constexpr size_t kFrameSize = 60;
inline constexpr size_t kIpv4Offset = 14;
inline constexpr size_t kTcpOffset = 34;
inline constexpr size_t kFlowOffset = 54;  // the payload begins with the number of the flow

// All in which two frames of one direction differ.
struct FrameFields {
  Be32 source;
  Be32 destination;
  Be16 source_port;
  Be16 destination_port;
  Be16 ipv4_checksum;
  Be16 tcp_checksum;
  uint32_t flow = 0;
};
static_assert(sizeof(FrameFields) == 20);

// A frame with everything but its FrameFields, and room to copy it in whole lines.
struct FrameTemplate {
  alignas(64) uint8_t bytes[64] = {};
  // 'flags' as in the TCP header; a SYN has its sequence number one before that of the data.
  FrameTemplate(MacAddress from, MacAddress to, uint8_t flags, bool from_client);

  FrameFields fields(const FiveTuple& tuple, uint32_t flow) const;
  void write(uint8_t* frame, const FrameFields& fields) const {
    std::memcpy(frame, bytes, sizeof(bytes));
    std::memcpy(frame + kIpv4Offset + 10, &fields.ipv4_checksum, 2);
    std::memcpy(frame + kIpv4Offset + 12, &fields, 12);
    std::memcpy(frame + kTcpOffset + 16, &fields.tcp_checksum, 2);
    std::memcpy(frame + kFlowOffset, &fields.flow, 4);
  }
};

// An endless sequence of frames.
struct FrameStream {
  FrameTemplate frame;
  std::vector<FrameFields> fields;
};

}  // namespace lapse::bench
