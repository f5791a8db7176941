// schema.h - what may stand in a scenario file.
//
// Owner:    none; constant tables.
// Memory:   static.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: the program's.
// Spec:     aws-behaviour section 11.
#pragma once

#include "control/topology/schema.h"

namespace lapse::sim {

extern const topology::Object kScenarioObject;
extern const topology::Object kLiveObject;
extern const topology::Object kStepObject;
extern const topology::Object kKeepaliveObject;
extern const topology::Object kExpectationObject;
extern const topology::Object kEventObject;
extern const topology::Object kChangeObject;

}  // namespace lapse::sim
