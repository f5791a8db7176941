#include "control/lab/resolution.h"

#include <algorithm>
#include <cmath>

#include <time.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lapse::lab {
namespace {

using std::chrono::seconds;

constexpr unsigned kSlotsPerLevel = 64;
constexpr unsigned kLevelShift = 3;
constexpr unsigned kLevels = 9;

}  // namespace

unsigned kernel_hertz() {
  timespec tick{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0 || tick.tv_sec != 0 || tick.tv_nsec <= 0) {
    return kUsualHertz;
  }
  return static_cast<unsigned>(std::lround(1e9 / static_cast<double>(tick.tv_nsec)));
}

Duration timer_step(Duration real_delay, unsigned hertz) {
  const Duration jiffy = Duration(seconds(1)) / hertz;
  const auto jiffies = real_delay / jiffy;
  unsigned level = 0;
  while (level + 1 < kLevels && jiffies >= (int64_t{kSlotsPerLevel - 1} << (level * kLevelShift))) {
    ++level;
  }
  return jiffy * (int64_t{1} << (level * kLevelShift));
}

Duration given_keepalive(Duration wanted, unsigned factor) {
  return std::max<Duration>(std::chrono::floor<seconds>(wanted / factor), seconds(1));
}

Duration uncertainty(Duration wanted, unsigned factor, unsigned hertz) {
  const Duration exact = wanted / factor;
  const Duration given = given_keepalive(wanted, factor);
  const Duration rounding = exact > given ? exact - given : given - exact;
  return (rounding + timer_step(std::max(exact, given), hertz)) * factor;
}

Resolution resolve(Duration keepalive, Duration timeout, unsigned factor, unsigned hertz) {
  Resolution resolution{.keepalive = keepalive,
                        .timeout = timeout,
                        .factor = factor,
                        .given = given_keepalive(keepalive, factor),
                        .uncertainty = uncertainty(keepalive, factor, hertz),
                        .margin = timeout > keepalive ? timeout - keepalive : keepalive - timeout,
                        .plain_step = timer_step(keepalive, hertz),
                        .largest_factor = std::nullopt};
  for (unsigned candidate = kLargestFactor; candidate >= 1 && !resolution.largest_factor; --candidate) {
    if (uncertainty(keepalive, candidate, hertz) <= resolution.margin) {
      resolution.largest_factor = candidate;
    }
  }
  return resolution;
}

std::string seconds_text(Duration duration) {
  const double value = std::chrono::duration<double>(duration).count();
  return absl::StrFormat("%.6g s", value >= 10 ? std::round(value * 10) / 10 : std::round(value * 1000) / 1000);
}

std::string sentence(const Resolution& resolution, const std::string& whose, const std::string& against) {
  const std::string subject =
      absl::StrCat("keepalive ", seconds_text(resolution.keepalive), whose.empty() ? "" : " of ", whose, " against ",
                   against, " ", seconds_text(resolution.timeout), " at --warp ", resolution.factor);
  if (resolution.decided()) {
    return absl::StrCat(subject, ": decided (exact to ", seconds_text(resolution.uncertainty), ", apart by ",
                        seconds_text(resolution.margin), ")");
  }
  const std::string why = absl::StrCat(subject, ": undecided: the kernel's ", seconds_text(resolution.given),
                                       " and its timer step are exact to ", seconds_text(resolution.uncertainty),
                                       " only, and the two are apart by ", seconds_text(resolution.margin));
  if (resolution.largest_factor) {
    return absl::StrCat(why, "; the largest factor that decides is --warp ", *resolution.largest_factor);
  }
  return absl::StrCat(why, "; no factor decides it, not even 1: the kernel may be ",
                      seconds_text(resolution.plain_step), " late with a timer of ",
                      seconds_text(resolution.keepalive));
}

}  // namespace lapse::lab
