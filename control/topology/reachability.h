// reachability.h - what is wrong with the ways between hosts: none at all, a gateway missing, one direction only.
//
// Owner:    one load of one file, without errors so far.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     conversations times stations on a way.
// Lifetime: none.
// Spec:     design, `lapse check --paths`: "the message names the host and the gateway that it should have".
#pragma once

#include <vector>

#include "control/topology/paths.h"
#include "control/topology/report.h"
#include "control/topology/topology.h"

namespace lapse::topology {

// An error
// - for each host, and each outside of a box, that could reach another host through a box, and has no gateway or route;
// - for each next hop by which a box sees only one direction of a conversation, unless the box allows it;
// - for hosts to and from which no route exists, be it by way of other hosts.
// A warning for each host that start_at has no way to, or that has no way to answer it.
void check_reachability(const Topology& topology, const std::vector<Conversation>& conversations, Report& report);

}  // namespace lapse::topology
