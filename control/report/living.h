// living.h - what a box has in its table, for the end of a report.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     none.
#pragma once

#include "control/report/ledger.h"
#include "dataplane/flow/flow_table.h"

namespace lapse::report {

LivingFlow living_flow(BoxId box, const FlowSnapshot& flow, Instant last_seen, Duration timeout);

// Those of 'table' that are not over at 'now'. No worker may be in the table.
std::vector<LivingFlow> living_flows(BoxId box, const FlowTable& table, Instant now);

}  // namespace lapse::report
