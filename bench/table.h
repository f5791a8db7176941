// table.h - measures rows in turn, round after round, and prints what came out as one table.
//
// Owner:    the bench.
// Memory:   a number for each row and round.
// Time:     a round takes the same time for each row.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "bench/rows.h"

namespace lapse::bench {

struct Plan {
  std::vector<uint32_t> flow_counts;
  int rounds = 5;
  double seconds = 0.1;  // for each row in each round
};

// Nanoseconds for one lookup, flow or packet, by row, in the order of the rounds. A row that the filter leaves out is
// not in it.
using Measured = std::map<std::string, std::vector<double>>;

Measured measure(const Rows& rows, const Plan& plan);

// The lines of the table for one size; a ratio is the median of the ratios of the rounds.
void print_header();
void print_rows(uint32_t flows, const Rows& rows, const Measured& measured);

}  // namespace lapse::bench
