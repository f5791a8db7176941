// lever.h - what `--vary NAME` moves in a story: from a value of its axis to the settings that one run takes.
//
// Owner:    the plan of a sweep; a plain value.
// Memory:   ordinary.
// Time:     virtual.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     topologies/scenarios/README.md, "Sweeps".
//
// NAME is a path as `--set` takes it, or a knob: a word for what a person means, found in the steps of whatever story it is.
//   keepalive  SO_KEEPALIVE of every connection that a client, a pool or a proxy opens: off, or its time
//   idle       how long the answers take that take time (`after`); in a story without such, the longest silence before somebody
//              speaks again on a connection. What stands behind it moves with it
//   timeout    the idle timeout of the story's only box, for the protocols that its steps speak
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "sim/scenario/scenario.h"
#include "sim/sweep/axis.h"

namespace lapse::sim {

class Lever {
 public:
  enum class Takes : uint8_t { kAnything, kDuration, kSecondsOrOff };

  // PATH=VALUE, for `--set` and load_scenario().
  std::vector<std::string> settings(const AxisValue& value) const;
  // What a value of this one cannot be; OK where only loading can tell.
  absl::Status check(const Axis& axis) const;
  // In the order of the file: "steps.1.after".
  std::vector<std::string> paths() const;

 private:
  friend class LeverMaker;

  struct Part {
    std::string path;
    enum class How : uint8_t { kValue, kFixed, kMoved } how = How::kValue;
    std::string fixed = {};  // kFixed
    Duration ahead{};        // kMoved: of the value
  };

  Takes takes_ = Takes::kAnything;
  std::vector<Part> parts_;
  std::vector<Part> off_parts_;  // kSecondsOrOff
};

// kNotFound or kInvalidArgument, with what is accepted, when the story has nothing of that name, or several such things.
absl::StatusOr<Lever> find_lever(const Axis& axis, const Scenario& scenario);

// A line for each knob that moves something in this story: "keepalive (steps.0.keepalive)".
std::vector<std::string> knobs_of(const Scenario& scenario);

}  // namespace lapse::sim
