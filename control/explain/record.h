// record.h - a run as a file: written beside a lab's reports, read by `lapse explain`.
//
// Owner:    none; pure functions.
// Memory:   the whole document.
// Time:     seconds of virtual time, from the start of the run.
// Bytes:    JSON; addresses and names of enumerators as text.
// Cost:     a pass over the run.
// Lifetime: none.
// Spec:     design, "Control": `lapse explain CODE|FLOW|FILE`.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "control/explain/run.h"

namespace lapse::explain {

inline constexpr int kRecordVersion = 1;
// In a folder of reports.
inline constexpr const char* kRecordName = "run.json";

nlohmann::json to_json(const Run& run);

// kInvalidArgument for what is no record of a run, for one of a newer version, and for a damaged one.
absl::StatusOr<Run> read_record(const std::string& text);
absl::StatusOr<Run> read_record(const nlohmann::json& document);
// 'path' is the file, or a folder of reports that has one. The message names it.
absl::StatusOr<Run> load_record(const std::string& path);

}  // namespace lapse::explain
