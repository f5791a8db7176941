// schema.h - what may stand in a file of expectations.
//
// Owner:    none; constant tables.
// Memory:   static.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: the program's.
// Spec:     expectation.h.
#pragma once

#include "control/topology/schema.h"

namespace lapse::expect {

extern const topology::Object kFileObject;
extern const topology::Object kExpectationObject;
extern const topology::Object kEventObject;
extern const topology::Object kCountObject;

}  // namespace lapse::expect
