// topology_argument.h - the TOPOLOGY of a command, from its name to what it says.
//
// Owner:    the command.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, section 8: TOPOLOGY is a file or the name of a shipped one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/topology/topology.h"

namespace lapse::cli {

// With `--set` applied. Warnings and errors go to standard error; nothing after an error.
std::optional<topology::Topology> load_topology(const std::string& name, const std::vector<std::string>& settings);

}  // namespace lapse::cli
