// explain_runs.h - the arguments of `lapse explain` that are no codes: stories, recorded runs, flows of an instance.
//
// Owner:    explain.cc, which parses.
// Memory:   a run each.
// Time:     none but the runs'.
// Bytes:    none.
// Cost:     a story is played; an instance is asked for its record.
// Lifetime: none.
// Spec:     design, "Control": `lapse explain CODE|FLOW|FILE`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "control/explain/explain.h"

namespace lapse::cli {

struct ExplainOptions {
  std::vector<std::string> names;
  std::vector<std::string> settings;
  std::optional<uint64_t> seed;
  std::string instance;
  bool json = false;
};

enum class Meant { kCodes, kScenario, kRecord, kFlow };

// By files first, then names that lapse knows; what is neither can only be a flow. kInvalidArgument for what looks like
// a file and is none.
absl::StatusOr<Meant> what_is_meant(const std::string& name);

struct ExplainedRun {
  std::string argument;
  std::string source;  // "scenario", "lab", "instance"
  std::vector<explain::Explanation> explanations;
};

// Errors have a line for each mistake.
absl::StatusOr<ExplainedRun> explain_scenario(const std::string& name, const ExplainOptions& options);
absl::StatusOr<ExplainedRun> explain_record(const std::string& path);
absl::StatusOr<ExplainedRun> explain_flow(const std::string& flow, const ExplainOptions& options);

// Of a run with many conversations, those that lost something first; the rest is counted.
std::string text(const ExplainedRun& run);

}  // namespace lapse::cli
