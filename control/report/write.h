// write.h - a report into its file.
//
// Owner:    none.
// Memory:   none.
// Time:     none.
// Bytes:    as given.
// Cost:     a few system calls.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace lapse::report {

// Replaces what is there; what cannot be written is named with the reason.
absl::Status write_file(const std::string& path, std::string_view content);

}  // namespace lapse::report
