#include "control/topology/report.h"

#include <algorithm>
#include <climits>
#include <tuple>
#include <utility>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

void deliver_sorted(std::vector<Finding>& from, std::vector<std::string>& lines, std::vector<Finding>& details) {
  const auto order = [](const Finding& finding) {
    // Line 0 is a --set or the file as a whole: after the lines of the file.
    return std::make_tuple(finding.place.line == 0 ? INT_MAX : finding.place.line, finding.place.column);
  };
  std::stable_sort(from.begin(), from.end(),
                   [&](const Finding& left, const Finding& right) { return order(left) < order(right); });
  for (Finding& finding : from) {
    lines.push_back(to_string(finding));
    details.push_back(std::move(finding));
  }
  from.clear();
}

}  // namespace

void Report::error(const Place& place, std::string_view key, std::string message) {
  errors_.push_back({place, std::string(key), std::move(message)});
}

void Report::warning(const Place& place, std::string_view key, std::string message) {
  warnings_.push_back({place, std::string(key), std::move(message)});
}

void Report::deliver(Findings& findings) {
  deliver_sorted(errors_, findings.errors, findings.error_details);
  deliver_sorted(warnings_, findings.warnings, findings.warning_details);
}

std::string to_string(const Finding& finding) {
  std::string text = finding.place.file;
  if (finding.place.line > 0) {
    text += concat(":", std::to_string(finding.place.line), ":", std::to_string(finding.place.column));
  }
  text += ": ";
  if (!finding.key.empty()) {
    text += concat(finding.key, ": ");
  }
  return text + finding.message;
}

}  // namespace lapse::topology
