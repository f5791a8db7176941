// boundary.h - where a story survives, in words, if there are true ones.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few passes over the grid.
// Lifetime: none.
// Spec:     a sentence is said only if it holds for every run of the grid, in both directions.
#pragma once

#include <string>
#include <vector>

#include "sim/sweep/sweep.h"

namespace lapse::sim {

// "It survives exactly where keepalive is at most 330s (next tried: 360s), or idle is at most 330s (next tried: 360s); everywhere
// else it is reset or hangs." Empty where the survivors have no such border.
std::string boundary(const Sweep& sweep, const std::vector<Cell>& cells);

}  // namespace lapse::sim
