// inspect.h - loads a topology and keeps what `lapse check` shows of it: the settings in force, the paths.
//
// Owner:    the caller; plain values.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     as load_with().
// Lifetime: none.
// Spec:     design, `lapse check --effective` and `--paths`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/topology/effective.h"
#include "control/topology/paths.h"
#include "control/topology/topology.h"

namespace lapse::topology {

struct Inspection {
  std::vector<EffectiveSetting> settings;
  std::vector<DrawnPath> paths;
};

// As load_with(). A file whose only errors are in its paths is inspected all the same: the picture shows them.
std::optional<Topology> inspect(const std::string& path, const std::vector<std::string>& settings, Findings& findings,
                                Inspection& inspection);

}  // namespace lapse::topology
