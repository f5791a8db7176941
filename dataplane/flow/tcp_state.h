// tcp_state.h - how a middlebox that watches both directions follows one TCP connection.
//
// Owner:    none; constants and pure functions.
// Memory:   none.
// Time:     none; the timeout class of each state stands in the same file.
// Bytes:    none.
// Cost:     next(): one load.
// Lifetime: static.
// Spec:     RFC 9293 section 3.3.2, RFC 5382 REQ-1, REQ-2, REQ-5; aws-behaviour 2.4.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/flow/timeouts.h"

namespace lapse {

// The opener sent the first SYN; the responder is the other end.
enum class Direction : uint8_t { kOriginal, kReply };
constexpr Direction opposite(Direction direction) {
  return direction == Direction::kOriginal ? Direction::kReply : Direction::kOriginal;
}

#define LAPSE_TCP_STATES(X)               \
  X(kSynSent, "syn_sent")                 \
  X(kSynReceived, "syn_received")         \
  X(kEstablished, "established")          \
  X(kOpenerClosed, "opener_closed")       \
  X(kResponderClosed, "responder_closed") \
  X(kBothClosed, "both_closed")           \
  X(kReset, "reset")

enum class TcpState : uint8_t {
#define LAPSE_TCP_STATE(name, text) name,
  LAPSE_TCP_STATES(LAPSE_TCP_STATE)
#undef LAPSE_TCP_STATE
  // Not a state: the SYN opens a new connection in the place of one that has ended.
  kReopen,
};
inline constexpr size_t kTcpStateCount = static_cast<size_t>(TcpState::kReopen);

enum class TcpEvent : uint8_t {
  kOpenerSyn,
  kOpenerSynAck,
  kOpenerAck,
  kOpenerFin,
  kOpenerRst,
  kResponderSyn,
  kResponderSynAck,
  kResponderAck,
  kResponderFin,
  kResponderRst,
};
inline constexpr size_t kTcpEventCount = 10;

// 'flags' is the TCP flags byte of a segment that travels in 'direction'.
TcpEvent tcp_event(Direction direction, uint8_t flags);

TcpState next(TcpState state, TcpEvent event);
TimeoutClass timeout_class(TcpState state);
std::string_view name(TcpState state);

// The table as a Mermaid state diagram, so that the picture in the documents cannot drift from the code.
std::string tcp_state_diagram();

}  // namespace lapse
