// check_output.h - what `lapse check` shows of a file beside its mistakes: the settings in force, and the paths.
//
// Owner:    none; pure functions.
// Memory:   allocates the text.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, section 8: `--json` wherever data is printed.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "control/topology/inspect.h"

namespace lapse::cli {

// "KEY  VALUE  FROM" in columns, a line each.
std::string settings_text(const std::vector<topology::EffectiveSetting>& settings);
nlohmann::json settings_json(const std::vector<topology::EffectiveSetting>& settings);

// A picture each: "app > natgw > api, and back".
std::string paths_text(const std::vector<topology::DrawnPath>& paths);
nlohmann::json paths_json(const std::vector<topology::DrawnPath>& paths);

}  // namespace lapse::cli
