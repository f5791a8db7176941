// resolution.h - what a warp cannot tell apart: a keepalive against a timeout, given whole seconds and the kernel's
// timer.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     durations are of the program's own time unless they say `real`.
// Bytes:    none.
// Cost:     at most a thousand short steps for the largest deciding factor.
// Lifetime: none.
// Spec:     design, section 6 "What a warp cannot resolve"; kernel/time/timer.c: a wheel of levels of 64 slots, each
//           8 times as coarse as the one before; a timer fires late by up to a slot, never early.
#pragma once

#include <optional>
#include <string>

#include "dataplane/time.h"

namespace lapse::lab {

inline constexpr unsigned kUsualHertz = 250;
inline constexpr unsigned kLargestFactor = 1000;

// This kernel's, told by the resolution of its coarse clock.
unsigned kernel_hertz();

// The width of the wheel's slot for a timer set 'real_delay' ahead.
Duration timer_step(Duration real_delay, unsigned hertz = kUsualHertz);

// What the kernel gets, real: whole seconds, rounded down, at least one.
Duration given_keepalive(Duration wanted, unsigned factor);

// How far the keepalive may act from where the program asked: (rounding + one step) times the factor.
Duration uncertainty(Duration wanted, unsigned factor, unsigned hertz = kUsualHertz);

struct Resolution {
  Duration keepalive{};
  Duration timeout{};
  unsigned factor = 1;
  Duration given{};  // real
  Duration uncertainty{};
  Duration margin{};                       // |timeout - keepalive|
  Duration plain_step{};                   // the kernel's own step without a warp
  std::optional<unsigned> largest_factor;  // that would decide; nothing when not even 1 does

  bool decided() const { return uncertainty <= margin; }
};

Resolution resolve(Duration keepalive, Duration timeout, unsigned factor, unsigned hertz = kUsualHertz);

// "keepalive 349 s of python3 against natgw's tcp_established 350 s at --warp 50: undecided: ..."
std::string sentence(const Resolution& resolution, const std::string& whose, const std::string& against);

// "61.8 s", "350 s", "0.25 s"
std::string seconds_text(Duration duration);

}  // namespace lapse::lab
