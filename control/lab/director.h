// director.h - who tells a lab's hosts what to do, where no program of a person's does.
//
// Owner:    whoever runs the lab; used in the data plane's process, which is forked from that one.
// Memory:   its own.
// Time:     the instance's clock is its to move.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlives the lab.
// Spec:     issue C, "Live twin".
#pragma once

#include <string>

#include "absl/status/status.h"

#include "control/instance/instance.h"

namespace lapse::lab {

class Director {
 public:
  virtual ~Director() = default;
  // Before any host starts its service. 'directory' is the instance's own.
  virtual absl::Status prepare(const std::string& directory) = 0;
  // Once all of them have. What it returns, one line, is the supervisor's.
  virtual std::string direct(Instance& instance) = 0;
};

}  // namespace lapse::lab
