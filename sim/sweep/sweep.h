// sweep.h - a story played once for each point of a grid, on several threads.
//
// Owner:    the caller.
// Memory:   a verdict for each point; a world for each thread at a time.
// Time:     virtual. Each run is played until no timer of its hosts is left that could change the verdict.
// Bytes:    none.
// Cost:     about a millisecond a run.
// Lifetime: the plan outlives the run.
// Spec:     topologies/scenarios/README.md, "Sweeps". The grid is the same whatever the number of threads.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "sim/sweep/axis.h"
#include "sim/sweep/lever.h"
#include "sim/sweep/verdict.h"

namespace lapse::sim {

inline constexpr size_t kMostRuns = 100'000;

struct SweepRequest {
  std::string file;                   // of the story
  std::vector<std::string> settings;  // of every run: PATH=VALUE
  std::vector<std::string> vary;      // one or two: NAME=SPEC
  uint64_t seed = 1;
};

struct Sweep {
  SweepRequest request;
  Scenario story;             // with the request's settings
  std::vector<Axis> axes;     // of two, the first goes down and the second across; a single one goes across
  std::vector<Lever> levers;  // of the axes

  size_t rows() const { return axes.size() == 2 ? axes.front().values.size() : 1; }
  size_t columns() const { return axes.back().values.size(); }
  size_t runs() const { return rows() * columns(); }
  // The values of a run, one for each axis.
  std::vector<const AxisValue*> values(size_t run) const;
  // What changes this run, and nothing of the others, in the story as the request has it.
  std::vector<std::string> changes(size_t run) const;
};

struct Cell {
  Verdict verdict;
  // With these `lapse sim` plays the same run: those of all, its own, and the end that it needs.
  std::vector<std::string> settings;
};

// Every message says what is accepted; a story that cannot be loaded is told with all its errors, a line each.
absl::StatusOr<Sweep> plan_sweep(SweepRequest request);

// Row by row. Empty when 'stop' was set before the last run; 'progress' is called, by the calling thread alone, with the number of
// runs that have been played.
std::vector<Cell> play_sweep(const Sweep& sweep, size_t threads, const std::atomic<bool>& stop,
                             const std::function<void(size_t)>& progress);

Cell play_cell(const Sweep& sweep, size_t run);

}  // namespace lapse::sim
