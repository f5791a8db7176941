#include "control/expect/expression.h"

#include <algorithm>
#include <array>
#include <optional>

#include "control/topology/text.h"
#include "control/topology/values.h"

namespace lapse::expect {
namespace {

using topology::concat;
using topology::shown;

constexpr std::string_view kAccepted = "accepted is BOX.METRIC OP NUMBER, as 'natgw.IdleTimeoutCount == 0'";
// The longer ones first: "<=" begins like "<".
constexpr std::array<std::string_view, 6> kOperators{"==", "!=", "<=", ">=", "<", ">"};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? "" : text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

absl::Status refusal(std::string_view what, std::string_view text) {
  return absl::InvalidArgumentError(concat(what, " (", shown(text), "); ", kAccepted));
}

// None when no number is accepted.
std::optional<Bounds> bounds_of(std::string_view comparison, uint64_t number) {
  if (comparison == "==") {
    return Bounds{.least = number, .most = number};
  }
  if (comparison == "!=") {
    return Bounds{.but = number};
  }
  if (comparison == "<=") {
    return Bounds{.most = number};
  }
  if (comparison == ">=") {
    return Bounds{.least = number};
  }
  if (comparison == "<") {
    return number == 0 ? std::nullopt : std::optional(Bounds{.most = number - 1});
  }
  return number == UINT64_MAX ? std::nullopt : std::optional(Bounds{.least = number + 1});
}

}  // namespace

absl::StatusOr<Expression> parse_expression(std::string_view text) {
  const size_t at = text.find_first_of("=!<>");
  if (at == std::string_view::npos) {
    return refusal("neither a file nor a comparison", text);
  }
  const std::string_view rest = text.substr(at);
  const auto* const comparison = std::find_if(
      kOperators.begin(), kOperators.end(), [rest](std::string_view one) { return rest.substr(0, one.size()) == one; });
  if (comparison == kOperators.end()) {
    return refusal(concat("no operator; there are ", topology::listed(kOperators)), text);
  }
  const std::string_view left = trimmed(text.substr(0, at));
  const std::string_view right = trimmed(rest.substr(comparison->size()));
  const size_t dot = left.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == left.size()) {
    return refusal("no BOX.METRIC before the operator", text);
  }
  const auto number = topology::parse_count(right);
  if (!number.ok()) {
    return refusal("no whole number behind the operator", text);
  }
  const auto bounds = bounds_of(*comparison, *number);
  if (!bounds) {
    return refusal("no number is ever so", text);
  }
  return Expression{left.substr(0, dot), left.substr(dot + 1), *bounds};
}

}  // namespace lapse::expect
