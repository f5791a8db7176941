// sweep_output.h - what `lapse sweep` played, in the forms in which it says so: a map on the terminal, CSV, JSON, pictures.
//
// Owner:    none; pure functions.
// Memory:   the file, as a string.
// Time:     none.
// Bytes:    UTF-8; the same sweep gives the same bytes.
// Cost:     a pass over the grid.
// Lifetime: none.
// Spec:     RFC 4180 for CSV.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "control/report/heat_map.h"
#include "sim/sweep/sweep.h"

namespace lapse::cli {

struct Swept {
  std::string name;  // of the story, as it was called
  sim::Sweep sweep;
  std::vector<sim::Cell> cells;
};

report::HeatMap heat_map(const Swept& swept);
report::SweepPage sweep_page(const Swept& swept);

// No wider than 'columns', however many values go across: what has no room beside stands below.
std::string text_map(const report::HeatMap& map, size_t columns);

// A header, and a line for each run.
std::string to_csv(const Swept& swept);
nlohmann::json to_json(const Swept& swept);

// The command that sweeps again.
std::string sweep_command(const Swept& swept);

// What runs could not be played for, each reason once.
std::vector<std::string> reasons(const std::vector<sim::Cell>& cells);

}  // namespace lapse::cli
