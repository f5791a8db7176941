// time.h - the types of time: instants, durations, and the tick that flow records are stamped with.
//
// Owner:    none; plain values.
// Memory:   none.
// Time:     an Instant counts from the start of its clock; nothing here reads one.
// Bytes:    none.
// Cost:     to_tick() is one division by a constant.
// Lifetime: none.
// Spec:     design: one Instant a burst, a 1 ms tick in the flow record.
#pragma once

#include <chrono>
#include <cstdint>

namespace lapse {

using Duration = std::chrono::nanoseconds;

// The timeline of the boxes: virtual in every way of driving them.
struct Timeline {
  using rep = Duration::rep;
  using period = Duration::period;
  using duration = Duration;
  static constexpr bool is_steady = true;
};
using Instant = std::chrono::time_point<Timeline, Duration>;

// Read once a burst and handed down; nothing below the worker asks again.
struct Now {
  Instant now;        // virtual: what every timeout of a box is measured in
  Instant real;       // unscaled: neighbours and waiting packets, whose other end is a real kernel; equals `now` in sim
  Instant last_jump;  // virtual time at which the clock last jumped; a gap that spans it is no cadence
};

// Milliseconds since the start of the timeline, modulo 2^32. Differences are taken as signed.
using Tick = uint32_t;
inline constexpr Duration kTick = std::chrono::milliseconds(1);

constexpr Tick to_tick(Instant instant) {
  return static_cast<Tick>(instant.time_since_epoch() / kTick);
}

// The instant at which 'tick' begins, out of those that share it: the one within 24 days of 'near'.
constexpr Instant to_instant(Tick tick, Instant near) {
  const auto begin_of_tick = Instant((near.time_since_epoch() / kTick) * kTick);
  return begin_of_tick + static_cast<int32_t>(tick - to_tick(near)) * kTick;
}

// Durations longer than this cannot be told apart in a 32-bit tick with room for a late reclaim.
inline constexpr Duration kLongestTimeout = std::chrono::hours(24 * 12);

}  // namespace lapse
