#include "sim/sweep/axis.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_format.h"

#include "control/topology/text.h"
#include "control/topology/values.h"

namespace lapse::sim {
namespace {

using topology::concat;
using topology::shown;
using Kind = AxisValue::Kind;

constexpr std::string_view kAccepted = "accepted is FROM..TO/STEP like 60s..600s/30s, 1..10/1 or 0%..5%/1%";
constexpr int kPercentDigits = 6;  // behind the point
constexpr int64_t kPercent = 1'000'000;
constexpr size_t kMostPercentDigits = 4;  // before the point: nothing that is a share of something needs more

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

// "0.5%" in millionths of a percent.
std::optional<int64_t> parse_percent(std::string_view text) {
  if (!text.ends_with('%')) {
    return std::nullopt;
  }
  text.remove_suffix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  std::string fraction(point == std::string_view::npos ? std::string_view("0") : text.substr(point + 1));
  const bool digits =
      std::all_of(whole.begin(), whole.end(), is_digit) && std::all_of(fraction.begin(), fraction.end(), is_digit);
  if (!digits || whole.empty() || whole.size() > kMostPercentDigits || fraction.empty() ||
      fraction.size() > kPercentDigits) {
    return std::nullopt;
  }
  fraction.resize(kPercentDigits, '0');
  return std::stoll(std::string(whole)) * kPercent + std::stoll(fraction);
}

std::string text_of(Kind kind, int64_t number) {
  if (kind == Kind::kDuration) {
    return topology::duration_text(Duration(number));
  }
  if (kind == Kind::kCount) {
    return std::to_string(number);
  }
  std::string text = absl::StrFormat("%d.%06d", number / kPercent, number % kPercent);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text + "%";
}

// At commas, but those inside of brackets: "{time: 60s, interval: 5s}" is one value.
std::vector<std::string_view> items_of(std::string_view list) {
  std::vector<std::string_view> items;
  size_t begin = 0;
  int depth = 0;
  for (size_t at = 0; at < list.size(); ++at) {
    depth += list[at] == '{' || list[at] == '[' ? 1 : 0;
    depth -= list[at] == '}' || list[at] == ']' ? 1 : 0;
    if (list[at] == ',' && depth == 0) {
      items.push_back(list.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  items.push_back(list.substr(begin));
  return items;
}

class AxisParser {
 public:
  explicit AxisParser(std::string_view vary) : vary_(vary) {}

  absl::StatusOr<Axis> parse() {
    const size_t equals = vary_.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == vary_.size()) {
      return wrong("names no values; accepted is NAME=VALUES like keepalive=off,60s..600s/30s");
    }
    axis_.name = vary_.substr(0, equals);
    for (const std::string_view item : items_of(vary_.substr(equals + 1))) {
      // A path like ../nat-gateway.yaml is no range.
      const size_t dots = !item.empty() && is_digit(item.front()) ? item.find("..") : std::string_view::npos;
      absl::Status status = item.empty() ? wrong("an empty value; values are separated by one comma")
                            : dots == std::string_view::npos ? add(parse_value(item))
                                                             : add_range(item, dots);
      if (!status.ok()) {
        return status;
      }
    }
    return std::move(axis_);
  }

 private:
  absl::Status wrong(std::string_view what) const {
    return absl::InvalidArgumentError(concat("--vary ", shown(vary_), ": ", what));
  }
  absl::Status wrong_range(std::string_view range, std::string_view what) const {
    return wrong(concat("the range ", shown(range), " ", what, "; ", kAccepted));
  }

  absl::Status add(AxisValue value) {
    const bool said = std::any_of(axis_.values.begin(), axis_.values.end(),
                                  [&](const AxisValue& other) { return other.text == value.text; });
    if (!said) {
      axis_.values.push_back(std::move(value));
    }
    return axis_.values.size() > kMostValues
               ? wrong(concat("more than ", std::to_string(kMostValues), " values; accepted are fewer"))
               : absl::OkStatus();
  }

  absl::Status add_range(std::string_view range, size_t dots) {
    const size_t slash = range.find('/', dots);
    if (slash == std::string_view::npos) {
      return wrong_range(range, "has no step");
    }
    const AxisValue from = parse_value(range.substr(0, dots));
    const AxisValue to = parse_value(range.substr(dots + 2, slash - dots - 2));
    const AxisValue step = parse_value(range.substr(slash + 1));
    if (!from.is_number() || from.kind != to.kind || from.kind != step.kind) {
      return wrong_range(range, "is not of three durations, three numbers or three percentages");
    }
    if (step.number == 0) {
      return wrong_range(range, "has a step of zero");
    }
    if (from.number > to.number) {
      return wrong_range(range, "goes backwards");
    }
    const int64_t count = (to.number - from.number) / step.number + 1;
    if (count > static_cast<int64_t>(kMostValues)) {
      return wrong_range(
          range, concat("has ", std::to_string(count), " values, and ", std::to_string(kMostValues), " are the most"));
    }
    for (int64_t nth = 0; nth < count; ++nth) {
      const int64_t number = from.number + nth * step.number;
      if (absl::Status status = add({text_of(from.kind, number), from.kind, number}); !status.ok()) {
        return status;
      }
    }
    return absl::OkStatus();
  }

  std::string_view vary_;
  Axis axis_;
};

}  // namespace

AxisValue parse_value(std::string_view text) {
  AxisValue value{.text = std::string(text)};
  if (const auto percent = parse_percent(text)) {
    value.kind = Kind::kPercent;
    value.number = *percent;
  } else if (const auto count = topology::parse_count(text); count.ok() && *count <= INT64_MAX) {
    value.kind = Kind::kCount;
    value.number = static_cast<int64_t>(*count);
  } else if (const auto duration = topology::parse_duration(text); duration.ok()) {
    value.kind = Kind::kDuration;
    value.number = duration->count();
  } else {
    return value;
  }
  value.text = text_of(value.kind, value.number);
  return value;
}

absl::StatusOr<Axis> parse_axis(std::string_view vary) {
  return AxisParser(vary).parse();
}

}  // namespace lapse::sim
