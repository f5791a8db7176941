#include "dataplane/flow/tcp_state.h"

#include <cassert>

namespace lapse {

namespace {

constexpr uint8_t kFin = 0x01;
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kRst = 0x04;
constexpr uint8_t kAck = 0x10;

struct TcpRow {
  TcpEvent event;
  std::string_view label;  // in the diagram
  std::array<TcpState, kTcpStateCount> next;
  std::string_view reason;
};

// The columns of the table below, short enough to stand side by side.
constexpr TcpState SS = TcpState::kSynSent;
constexpr TcpState SR = TcpState::kSynReceived;
constexpr TcpState ES = TcpState::kEstablished;
constexpr TcpState OC = TcpState::kOpenerClosed;
constexpr TcpState RC = TcpState::kResponderClosed;
constexpr TcpState BC = TcpState::kBothClosed;
constexpr TcpState RS = TcpState::kReset;
constexpr TcpState again = TcpState::kReopen;

// clang-format off
constexpr std::array<TcpRow, kTcpEventCount> kTcpTable{{
    //                                                       SS  SR  ES  OC  RC  BC     RS
    {TcpEvent::kOpenerSyn,       "opener SYN",              {SS, SR, ES, OC, RC, again, again},
     "a retransmission while the connection lives (RFC 5961 section 4: its host answers with a challenge ACK); "
     "after its end the same ports open a new one (RFC 9293 section 3.6.1)"},
    {TcpEvent::kOpenerSynAck,    "opener SYN+ACK",          {SS, ES, ES, OC, RC, BC,    RS},
     "simultaneous open (RFC 9293 figure 7): it acknowledges the responder's SYN, which must have passed"},
    {TcpEvent::kOpenerAck,       "opener ACK",              {SS, ES, ES, OC, RC, BC,    RS},
     "the third segment of the handshake; before any answer it acknowledges nothing that has passed here"},
    {TcpEvent::kOpenerFin,       "opener FIN",              {SS, OC, OC, OC, BC, BC,    RS},
     "it acknowledges the SYN+ACK by the way, so an unseen third segment does not matter; without an answer it is void"},
    {TcpEvent::kOpenerRst,       "opener RST",              {RS, RS, RS, RS, RS, RS,    RS},
     "RFC 9293 section 3.10.7: the caller has checked that it is in the window"},
    {TcpEvent::kResponderSyn,    "responder SYN",           {SR, SR, ES, OC, RC, BC,    RS},
     "simultaneous open; a responder does not reopen: its SYN after the end is a connection that nobody asked for"},
    {TcpEvent::kResponderSynAck, "responder SYN+ACK",       {SR, SR, ES, OC, RC, BC,    RS},
     "the answer; repeated until the opener's ACK arrives there, which proves nothing about the opener"},
    {TcpEvent::kResponderAck,    "responder ACK",           {SS, SR, ES, OC, RC, BC,    RS},
     "before the handshake is complete it is a challenge ACK of an older connection (RFC 5961) or data out of turn"},
    {TcpEvent::kResponderFin,    "responder FIN",           {SS, RC, RC, BC, RC, BC,    RS},
     "a server may close right behind its SYN+ACK (RFC 9293 section 3.10.4); without a SYN+ACK it is void"},
    {TcpEvent::kResponderRst,    "responder RST",           {RS, RS, RS, RS, RS, RS,    RS},
     "a refused connection, or an abort: the caller has checked that it is in the window"},
}};
// clang-format on

// RFC 5382 REQ-5 and aws-behaviour 2.4: no device documents a timer of its own for half-closed connections, so one FIN
// and both have classes that a profile can set.
constexpr std::array<TimeoutClass, kTcpStateCount> kTimeoutClass{
    TimeoutClass::kTcpSyn,          // kSynSent
    TimeoutClass::kTcpSyn,          // kSynReceived
    TimeoutClass::kTcpEstablished,  // kEstablished
    TimeoutClass::kTcpClosing,      // kOpenerClosed
    TimeoutClass::kTcpClosing,      // kResponderClosed
    TimeoutClass::kTcpClosed,       // kBothClosed
    TimeoutClass::kTcpClosed,       // kReset
};

constexpr std::array<std::string_view, kTcpStateCount> kStateNames{
#define LAPSE_TCP_STATE(name, text) text,
    LAPSE_TCP_STATES(LAPSE_TCP_STATE)
#undef LAPSE_TCP_STATE
};

constexpr bool complete(const std::array<TcpRow, kTcpEventCount>& table) {
  for (size_t event = 0; event < kTcpEventCount; ++event) {
    if (static_cast<size_t>(table[event].event) != event || table[event].label.empty() || table[event].reason.empty()) {
      return false;
    }
  }
  return true;
}
static_assert(complete(kTcpTable), "one row an event, in the order of the events, each with its reason");

}  // namespace

TcpEvent tcp_event(Direction direction, uint8_t flags) {
  const auto of = [direction](TcpEvent opener, TcpEvent responder) {
    return direction == Direction::kOriginal ? opener : responder;
  };
  if ((flags & kRst) != 0) {
    return of(TcpEvent::kOpenerRst, TcpEvent::kResponderRst);
  }
  if ((flags & kSyn) != 0) {
    return (flags & kAck) != 0 ? of(TcpEvent::kOpenerSynAck, TcpEvent::kResponderSynAck)
                               : of(TcpEvent::kOpenerSyn, TcpEvent::kResponderSyn);
  }
  if ((flags & kFin) != 0) {
    return of(TcpEvent::kOpenerFin, TcpEvent::kResponderFin);
  }
  return of(TcpEvent::kOpenerAck, TcpEvent::kResponderAck);
}

TcpState next(TcpState state, TcpEvent event) {
  assert(state != TcpState::kReopen);
  return kTcpTable[static_cast<size_t>(event)].next[static_cast<size_t>(state)];
}

TimeoutClass timeout_class(TcpState state) {
  assert(state != TcpState::kReopen);
  return kTimeoutClass[static_cast<size_t>(state)];
}

std::string_view name(TcpState state) {
  return state == TcpState::kReopen ? "reopen" : kStateNames[static_cast<size_t>(state)];
}

// One edge for each pair of states, with all its events; what changes nothing is left out.
std::string tcp_state_diagram() {
  std::string text = "stateDiagram-v2\n  [*] --> " + std::string(name(TcpState::kSynSent)) + ": opener SYN\n";
  for (size_t from = 0; from < kTcpStateCount; ++from) {
    for (size_t to = 0; to <= kTcpStateCount; ++to) {
      std::string events;
      for (const TcpRow& row : kTcpTable) {
        if (static_cast<size_t>(row.next[from]) == to && from != to) {
          events += (events.empty() ? "" : ", ") + std::string(row.label);
        }
      }
      if (!events.empty()) {
        const TcpState target = static_cast<TcpState>(to);
        text += "  " + std::string(name(static_cast<TcpState>(from))) + " --> " +
                std::string(target == TcpState::kReopen ? name(TcpState::kSynSent) : name(target)) + ": " + events +
                (target == TcpState::kReopen ? " (a new connection)" : "") + "\n";
      }
    }
  }
  return text;
}

}  // namespace lapse
