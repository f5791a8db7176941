// nat_gateway_defaults.h - what a NAT gateway does unless a file says otherwise, where that comes from, and its limits.
//
// Owner:    constants.
// Memory:   static.
// Time:     virtual.
// Bytes:    none.
// Cost:     none.
// Lifetime: the program's.
// Spec:     aws-behaviour section 1, "NAT gateway", 2.1 L1 to L8, 3.1, 3.2, 3.4, and section 12, "No source found".
#pragma once

#include <array>
#include <string_view>

#include "control/topology/default.h"
#include "dataplane/flow/timeouts.h"
#include "dataplane/time.h"

namespace lapse::topology {

struct TimeoutDefault {
  TimeoutClass timeout_class{};
  std::string_view text;  // of the value, as a file would say it
  Duration value{};
  Duration least{};  // least == most: the provider has fixed it
  Duration most{};
  std::string_view row;  // of the reference
  Confidence confidence{};
};

inline constexpr Duration kShortestTimeout = kTick;

// "350s": the values below are whole seconds.
constexpr Duration seconds_in(std::string_view text) {
  int64_t seconds = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    seconds = seconds * 10 + (digit - '0');
  }
  return std::chrono::seconds(seconds);
}

constexpr TimeoutDefault fixed_timeout(TimeoutClass timeout_class, std::string_view text, std::string_view row,
                                       Confidence confidence) {
  const Duration value = seconds_in(text);
  return {timeout_class, text, value, value, value, row, confidence};
}
constexpr TimeoutDefault free_timeout(TimeoutClass timeout_class, std::string_view text, std::string_view row) {
  return {timeout_class, text, seconds_in(text), kShortestTimeout, kLongestTimeout, row, Confidence::kInferred};
}

inline constexpr std::array<TimeoutDefault, kTimeoutClassCount> kNatGatewayTimeouts{{
    free_timeout(TimeoutClass::kTcpSyn, "120s",
                 "1: NAT gateway, half-open: not published; as an interface's SYN seen, SYN+ACK awaited"),
    fixed_timeout(TimeoutClass::kTcpEstablished, "350s", "1: NAT gateway, TCP connection", Confidence::kDocumented),
    free_timeout(TimeoutClass::kTcpClosing, "350s",
                 "2.4: no device documents a half-close timer; the plain idle timer"),
    free_timeout(TimeoutClass::kTcpClosed, "60s", "1: NAT gateway, TIME_WAIT: not published"),
    fixed_timeout(TimeoutClass::kUdp, "350s", "1: NAT gateway, UDP flow", Confidence::kReported),
    fixed_timeout(TimeoutClass::kUdpStream, "350s", "1: NAT gateway, UDP flow", Confidence::kReported),
    free_timeout(TimeoutClass::kIcmp, "350s", "1: NAT gateway, ICMP query: not published"),
    free_timeout(TimeoutClass::kOther, "350s", "12: no source; the plain idle timer"),
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

constexpr Default default_of(TimeoutClass timeout_class) {
  const TimeoutDefault& known = kNatGatewayTimeouts[static_cast<size_t>(timeout_class)];
  return {known.text, {}, known.row, known.confidence};
}

inline constexpr Default kLateInside{
    "rst", {}, "2.1 L1: a late TCP packet from inside is answered with a RST", Confidence::kDocumented};
inline constexpr Default kLateOutside{
    "drop", {}, "12 C-1: L2, silence; seed 001 says L3, a RST to the sender", Confidence::kInferred};
inline constexpr Default kCapacity{"65536"};  // the provider publishes no number of flows
inline constexpr Default kLimits{"on"};
inline constexpr Default kMtu{"8500", {}, "3.2: MTU", Confidence::kDocumented};
inline constexpr Default kMssClamping{
    "on", {}, "3.2: MSS clamping; to the way out's MTU less 40", Confidence::kInferred};
inline constexpr Default kBandwidth{{}, "no ceiling", "3.2: Bandwidth, 5 to 100 Gbit/s", Confidence::kDocumented};
inline constexpr Default kPacketRate{{}, "no ceiling", "3.2: Packet rate, 1 to 10 million", Confidence::kDocumented};
inline constexpr Default kConnectivityType{"public", {}, "3.4: Public", Confidence::kDocumented};
inline constexpr Default kAvailabilityMode{"zonal", {}, "3.4: Zonal", Confidence::kDocumented};
inline constexpr Default kMaxDrain{"350", {}, "1: NAT gateway, address drain", Confidence::kDocumented};

}  // namespace lapse::topology
