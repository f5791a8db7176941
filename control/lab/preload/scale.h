// scale.h - the arithmetic of the preload library: a program's times as the kernel gets them under a warp.
//
// Owner:    none; pure functions, usable without any library.
// Memory:   none.
// Time:     wanted: the program's own; given: real.
// Bytes:    none.
// Cost:     one division.
// Lifetime: none.
// Spec:     design, section 6: options are rounded down, and the rounding is printed.
#pragma once

#include <time.h>

namespace lapse::lab {

// Down, but not to zero: zero means "never" or is refused.
constexpr long long scaled_down(long long wanted, long long factor) {
  if (wanted <= 0) {
    return wanted;
  }
  return wanted / factor > 0 ? wanted / factor : 1;
}

constexpr long long kNanosecondsPerSecond = 1'000'000'000;

constexpr long long nanoseconds(const timespec& time) {
  return static_cast<long long>(time.tv_sec) * kNanosecondsPerSecond + time.tv_nsec;
}

constexpr timespec to_timespec(long long nanoseconds) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(nanoseconds / kNanosecondsPerSecond);
  time.tv_nsec = static_cast<long>(nanoseconds % kNanosecondsPerSecond);
  return time;
}

// A deadline on the program's clock, which shows 'warped_now', on the kernel's, which shows 'real_now'.
constexpr timespec real_deadline(const timespec& deadline, const timespec& warped_now, const timespec& real_now,
                                 long long factor) {
  const long long left = nanoseconds(deadline) - nanoseconds(warped_now);
  return to_timespec(nanoseconds(real_now) + (left > 0 ? left / factor : 0));
}

}  // namespace lapse::lab
