// reachability.h - who can open a connection to whom, and who lacks a gateway for it.
//
// Owner:    one load of one file, without errors so far.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     hosts squared times boxes.
// Lifetime: none.
// Spec:     design, `lapse check`: "the message names the host and the gateway that it should have".
#pragma once

#include "control/topology/report.h"
#include "control/topology/topology.h"

namespace lapse::topology {

// An error for each host, and each outside of a box, that reaches another host through a box but has neither gateway
// nor route; a warning for each host that start_at has no way to, or that has no way to answer it.
void check_reachability(const Topology& topology, Report& report);

}  // namespace lapse::topology
