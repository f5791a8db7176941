// checks.h - what must hold between the objects of a topology.
//
// Owner:    one load of one file.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     quadratic in links, boxes and hosts, which are few.
// Lifetime: none.
// Spec:     design, "The topology file"; `check`'s walk over hosts is in reachability.h.
#pragma once

#include "control/topology/loader.h"
#include "control/topology/report.h"

namespace lapse::topology {

// Names, links, addresses, next hops, start_at, limits of number. Reports; changes nothing.
void check_draft(const Draft& draft, Report& report);

}  // namespace lapse::topology
