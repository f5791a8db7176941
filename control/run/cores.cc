#include "control/run/cores.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace lapse::run {
namespace {

constexpr int kMostCores = 4096;  // more than any machine has

absl::StatusOr<int> parse_core(absl::string_view text) {
  int core = 0;
  const bool digits =
      !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || !absl::SimpleAtoi(text, &core) || core >= kMostCores) {
    return absl::InvalidArgumentError(absl::StrCat("not the number of a core (", text, ")"));
  }
  return core;
}

}  // namespace

absl::StatusOr<std::vector<int>> parse_cores(std::string_view text) {
  std::vector<int> cores;
  if (text.empty()) {
    return cores;
  }
  for (const absl::string_view part : absl::StrSplit(absl::string_view(text.data(), text.size()), ',')) {
    const std::vector<absl::string_view> ends = absl::StrSplit(part, absl::MaxSplits('-', 1));
    const auto first = parse_core(ends.front());
    const auto last = parse_core(ends.back());
    if (!first.ok() || !last.ok()) {
      return first.ok() ? last.status() : first.status();
    }
    if (*last < *first) {
      return absl::InvalidArgumentError(absl::StrCat("a range that ends before it begins (", part, ")"));
    }
    for (int core = *first; core <= *last; ++core) {
      if (std::find(cores.begin(), cores.end(), core) != cores.end()) {
        return absl::InvalidArgumentError(absl::StrCat("core ", core, " is given twice"));
      }
      cores.push_back(core);
    }
  }
  return cores;
}

std::string cores_text(const std::vector<int>& cores) {
  std::string text;
  for (size_t begin = 0; begin < cores.size();) {
    size_t end = begin + 1;
    while (end < cores.size() && cores[end] == cores[end - 1] + 1) {
      ++end;
    }
    absl::StrAppend(&text, text.empty() ? "" : ",", cores[begin]);
    if (end - begin > 1) {
      absl::StrAppend(&text, "-", cores[end - 1]);
    }
    begin = end;
  }
  return text;
}

}  // namespace lapse::run
