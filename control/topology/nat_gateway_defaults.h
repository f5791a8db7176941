// nat_gateway_defaults.h - the idle timeouts of a NAT gateway, where each comes from, and what a file may change.
//
// Owner:    constants.
// Memory:   static.
// Time:     virtual.
// Bytes:    none.
// Cost:     none.
// Lifetime: the program's.
// Spec:     aws-behaviour section 1, "NAT gateway", and section 12, "No source found".
#pragma once

#include <array>
#include <string_view>

#include "dataplane/flow/timeouts.h"
#include "dataplane/time.h"

namespace lapse::topology {

// How well a value is known: documented by the provider, reported by others, or inferred.
enum class Confidence : char { kDocumented = 'D', kReported = 'R', kInferred = 'I' };

struct TimeoutDefault {
  TimeoutClass timeout_class{};
  Duration value{};
  Duration least{};  // least == most: the provider has fixed it
  Duration most{};
  std::string_view row;  // of the reference
  Confidence confidence{};
};

inline constexpr Duration kShortestTimeout = kTick;

constexpr TimeoutDefault fixed_timeout(TimeoutClass timeout_class, Duration value, std::string_view row,
                                       Confidence confidence) {
  return {timeout_class, value, value, value, row, confidence};
}
constexpr TimeoutDefault free_timeout(TimeoutClass timeout_class, Duration value, std::string_view row) {
  return {timeout_class, value, kShortestTimeout, kLongestTimeout, row, Confidence::kInferred};
}

inline constexpr std::array<TimeoutDefault, kTimeoutClassCount> kNatGatewayTimeouts{{
    free_timeout(TimeoutClass::kTcpSyn, std::chrono::seconds(120),
                 "1: NAT gateway, half-open: not published; as an interface's SYN seen, SYN+ACK awaited"),
    fixed_timeout(TimeoutClass::kTcpEstablished, std::chrono::seconds(350), "1: NAT gateway, TCP connection",
                  Confidence::kDocumented),
    free_timeout(TimeoutClass::kTcpClosing, std::chrono::seconds(350),
                 "2.4: no device documents a half-close timer; the plain idle timer"),
    free_timeout(TimeoutClass::kTcpClosed, std::chrono::seconds(60), "1: NAT gateway, TIME_WAIT: not published"),
    fixed_timeout(TimeoutClass::kUdp, std::chrono::seconds(350), "1: NAT gateway, UDP flow", Confidence::kReported),
    fixed_timeout(TimeoutClass::kUdpStream, std::chrono::seconds(350), "1: NAT gateway, UDP flow",
                  Confidence::kReported),
    free_timeout(TimeoutClass::kIcmp, std::chrono::seconds(350), "1: NAT gateway, ICMP query: not published"),
    free_timeout(TimeoutClass::kOther, std::chrono::seconds(350), "12: no source; the plain idle timer"),
}};

constexpr bool in_class_order(const std::array<TimeoutDefault, kTimeoutClassCount>& defaults) {
  for (size_t position = 0; position < defaults.size(); ++position) {
    if (static_cast<size_t>(defaults[position].timeout_class) != position) {
      return false;
    }
  }
  return true;
}
static_assert(in_class_order(kNatGatewayTimeouts));

}  // namespace lapse::topology
