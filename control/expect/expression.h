// expression.h - "natgw.IdleTimeoutCount == 0" from a command line.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: views into the text.
// Spec:     BOX.METRIC OP NUMBER, with == != < <= > >=.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"

#include "control/expect/expectation.h"

namespace lapse::expect {

struct Expression {
  std::string_view box;
  std::string_view metric;
  Bounds bounds;
};

// The message says what is wrong and what is accepted.
absl::StatusOr<Expression> parse_expression(std::string_view text);

}  // namespace lapse::expect
