// hosts_file.h - what every program of a lab sees as /etc/hosts.
//
// Owner:    the caller.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     hosts(5); design: `names` are resolved by every host.
#pragma once

#include <string>

#include "control/topology/topology.h"

namespace lapse::lab {

// The topology's hosts, their `names` and the boxes' addresses, then what the machine's own file says: the first
// match wins.
std::string hosts_file(const topology::Topology& topology, const std::string& machines_own);

}  // namespace lapse::lab
