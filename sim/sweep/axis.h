// axis.h - one `--vary NAME=SPEC`: the values that it takes, in their order.
//
// Owner:    the caller; a plain value.
// Memory:   ordinary.
// Time:     durations are virtual.
// Bytes:    none.
// Cost:     a range is counted before it is made.
// Lifetime: none.
// Spec:     SPEC is a list of values and ranges, "off,60s..600s/30s": FROM..TO/STEP, both ends included where the steps reach
//           them, of durations, whole numbers or percent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "dataplane/time.h"

namespace lapse::sim {

struct AxisValue {
  enum class Kind : uint8_t { kWord, kDuration, kCount, kPercent };

  std::string text;  // as a setting takes it; a duration in its shortest form
  Kind kind = Kind::kWord;
  int64_t number = 0;  // nanoseconds, a count, or millionths of a percent

  bool is_number() const { return kind != Kind::kWord; }
  Duration duration() const { return Duration(number); }
};

struct Axis {
  std::string name;
  std::vector<AxisValue> values;  // each once; what a list says again is left out
};

inline constexpr size_t kMostValues = 1000;

// "keepalive=off,60s..600s/30s". A message names the option, what is wrong in it, and what is accepted.
absl::StatusOr<Axis> parse_axis(std::string_view vary);

AxisValue parse_value(std::string_view text);

}  // namespace lapse::sim
