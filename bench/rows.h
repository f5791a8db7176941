// rows.h - a row of the bench's table: something to measure, and the floors that it is compared with.
//
// Owner:    the bench.
// Memory:   ordinary.
// Time:     a row is measured by the CPU time of its thread, so that time lost to other programs does not count.
// Bytes:    none.
// Cost:     none.
// Lifetime: rows refer to the flow sets and floors of one size.
// Spec:     none.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"

#include "bench/floors.h"
#include "bench/flow_sets.h"

namespace lapse::bench {

// Whether the row times its iterations itself, because only a part of each counts.
enum class Timing : uint8_t { kWhole, kByRow };

struct Row {
  std::string name;
  std::function<void(benchmark::State&)> run;
  std::vector<std::string> versus = {};  // names of other rows; none: the row is a floor
  double bytes_a_flow = 0;               // 0: not said
  Timing timing = Timing::kWhole;
};
using Rows = std::vector<Row>;

// The rows of performance of the machine, and of peers: see floors.cc.
void add_table_floors(Rows& rows, Floors& floors);
void add_pipeline_floors(Rows& rows, Floors& floors, FilledNat& nat);

// The rows of the product.
void add_table_rows(Rows& rows, FilledTable& filled);
void add_pipeline_rows(Rows& rows, FilledNat& nat);

// CPU time of the calling thread, in seconds.
double thread_seconds();

}  // namespace lapse::bench
