// cores.h - lists of cores, as the kernel and people write them.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     cpuset(7), "List format".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lapse::run {

// "1-3,6" in its order; a core twice is an error. An empty text is an empty list.
absl::StatusOr<std::vector<int>> parse_cores(std::string_view text);

// "1-3,6".
std::string cores_text(const std::vector<int>& cores);

}  // namespace lapse::run
