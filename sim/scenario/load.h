// load.h - from a parsed file to a Scenario.
//
// Owner:    none.
// Memory:   allocates.
// Time:     none.
// Bytes:    none.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     none.
#pragma once

#include "control/topology/document.h"
#include "control/topology/report.h"
#include "sim/scenario/scenario.h"

namespace lapse::sim {

// 'scenario' has its file and its topology; the rest is read into it, and every error reported.
void read_scenario(const topology::Node& root, Scenario& scenario, topology::Report& report);

}  // namespace lapse::sim
