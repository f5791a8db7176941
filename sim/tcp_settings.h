// tcp_settings.h - what a host's kernel does with its connections, by the names of its settings.
//
// Owner:    plain values.
// Memory:   none.
// Time:     durations are virtual.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     Linux ip-sysctl and tcp(7); Windows SIO_KEEPALIVE_VALS; RFC 6298, RFC 9293 section 3.8.
#pragma once

#include <cstdint>

#include "dataplane/time.h"

namespace lapse::sim {

// How late the kernel's timer wheel fires: never early, and up to a step that grows with the delay.
enum class TimerStep : uint8_t { kExact, kHz250, kHz1000 };
constexpr unsigned hertz_of(TimerStep step) {
  return step == TimerStep::kHz250 ? 250 : step == TimerStep::kHz1000 ? 1000 : 0;
}

// Whose keepalive it is. On Windows its timer is not the wheel's, and a dead peer is ENETRESET (WSAENETRESET), not ETIMEDOUT.
enum class KeepaliveSystem : uint8_t { kLinux, kWindows };

struct Keepalive {
  bool on = false;
  KeepaliveSystem system = KeepaliveSystem::kLinux;
  Duration time = std::chrono::seconds(7200);    // whole seconds, as the socket options
  Duration interval = std::chrono::seconds(75);  // whole seconds
  uint32_t probes = 9;
};
// KeepAliveTime, KeepAliveInterval and TcpMaxDataRetransmissions as Windows has them.
inline constexpr Keepalive kWindowsKeepalive{.on = false,
                                             .system = KeepaliveSystem::kWindows,
                                             .time = std::chrono::seconds(7200),
                                             .interval = std::chrono::seconds(1),
                                             .probes = 10};

struct TcpSettings {
  TimerStep timer_step = TimerStep::kExact;
  Keepalive keepalive;
  Duration user_timeout{};           // TCP_USER_TIMEOUT; zero: none
  uint32_t syn_retries = 6;          // net.ipv4.tcp_syn_retries
  uint32_t syn_linear_timeouts = 4;  // net.ipv4.tcp_syn_linear_timeouts
  uint32_t synack_retries = 5;       // net.ipv4.tcp_synack_retries
  uint32_t retries = 15;             // net.ipv4.tcp_retries2
  uint32_t orphan_retries = 8;       // net.ipv4.tcp_orphan_retries; of a connection that its program has closed
  Duration fin_timeout = std::chrono::seconds(60);
  Duration time_wait = std::chrono::seconds(60);
};

}  // namespace lapse::sim
