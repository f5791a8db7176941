#include "sim/sweep/boundary.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/topology/text.h"

namespace lapse::sim {
namespace {

using topology::concat;

// For each value of an axis, whether it is meant.
using Chosen = std::vector<bool>;

bool any(const Chosen& chosen) {
  return std::find(chosen.begin(), chosen.end(), true) != chosen.end();
}
bool all(const Chosen& chosen) {
  return std::find(chosen.begin(), chosen.end(), false) == chosen.end();
}

// "at most 330s (next tried: 360s)": of values in the order of their numbers, those up to one, or from one on.
std::optional<std::string> threshold(const std::vector<std::pair<const AxisValue*, bool>>& sorted) {
  const auto is_chosen = [](const auto& one) { return one.second; };
  const auto changes = std::adjacent_find(sorted.begin(), sorted.end(),
                                          [](const auto& one, const auto& next) { return one.second != next.second; });
  if (changes == sorted.end() ||
      std::any_of(changes + 1, sorted.end(), [&](const auto& one) { return one.second == changes->second; })) {
    return std::nullopt;
  }
  const AxisValue& below = *changes->first;
  const AxisValue& above = *(changes + 1)->first;
  return is_chosen(*changes) ? concat("at most ", below.text, " (next tried: ", above.text, ")")
                             : concat("at least ", above.text, " (next tried: ", below.text, ")");
}

// "keepalive is off or at most 330s"; nothing where it would take a list to say.
std::optional<std::string> described(const Axis& axis, const Chosen& chosen) {
  std::vector<std::pair<const AxisValue*, bool>> numbers;
  std::vector<std::string> parts;
  std::vector<std::string> other_words;
  for (size_t at = 0; at < axis.values.size(); ++at) {
    const AxisValue& value = axis.values[at];
    if (value.is_number()) {
      numbers.emplace_back(&value, chosen[at]);
    } else {
      (chosen[at] ? parts : other_words).push_back(value.text);
    }
  }
  const auto is_chosen = [](const auto& one) { return one.second; };
  const bool one_kind = std::all_of(numbers.begin(), numbers.end(),
                                    [&](const auto& one) { return one.first->kind == numbers.front().first->kind; });
  if (!one_kind) {
    return std::nullopt;
  }
  std::sort(numbers.begin(), numbers.end(),
            [](const auto& one, const auto& other) { return one.first->number < other.first->number; });
  if (!numbers.empty() && std::all_of(numbers.begin(), numbers.end(), is_chosen)) {
    return concat(axis.name, " is not ", absl::StrJoin(other_words, " and not "));
  }
  if (std::any_of(numbers.begin(), numbers.end(), is_chosen)) {
    const auto border = threshold(numbers);
    if (!border) {
      return std::nullopt;
    }
    parts.push_back(*border);
  }
  return concat(axis.name, " is ", absl::StrJoin(parts, " or "));
}

class Grid {
 public:
  Grid(const Sweep& sweep, const std::vector<Cell>& cells) : sweep_(sweep), cells_(cells) {}

  bool survives(size_t row, size_t column) const {
    return cells_[row * sweep_.columns() + column].verdict.fate == Fate::kSurvives;
  }

  // Rows and columns in which every run survives, or in which any does.
  template <typename Quantifier>
  void choose(Quantifier quantifier, Chosen& rows, Chosen& columns) const {
    rows.clear();
    columns.clear();
    for (size_t row = 0; row < sweep_.rows(); ++row) {
      Chosen line;
      for (size_t column = 0; column < sweep_.columns(); ++column) {
        line.push_back(survives(row, column));
      }
      rows.push_back(quantifier(line));
    }
    for (size_t column = 0; column < sweep_.columns(); ++column) {
      Chosen line;
      for (size_t row = 0; row < sweep_.rows(); ++row) {
        line.push_back(survives(row, column));
      }
      columns.push_back(quantifier(line));
    }
  }

  template <typename Combined>
  bool is(const Combined& combined) const {
    for (size_t row = 0; row < sweep_.rows(); ++row) {
      for (size_t column = 0; column < sweep_.columns(); ++column) {
        if (survives(row, column) != combined(row, column)) {
          return false;
        }
      }
    }
    return true;
  }

 private:
  const Sweep& sweep_;
  const std::vector<Cell>& cells_;
};

std::optional<std::string> border(const Sweep& sweep, const Grid& grid) {
  Chosen rows;
  Chosen columns;
  std::vector<std::string> parts;
  const char* word = ", or ";
  grid.choose(all, rows, columns);
  if (!grid.is([&](size_t row, size_t column) { return rows[row] || columns[column]; })) {
    word = ", and ";
    grid.choose(any, rows, columns);
    if (!grid.is([&](size_t row, size_t column) { return rows[row] && columns[column]; })) {
      return std::nullopt;
    }
  }
  for (size_t axis = 0; axis < sweep.axes.size(); ++axis) {
    const Chosen& chosen = axis + 1 == sweep.axes.size() ? columns : rows;
    if (!any(chosen) || all(chosen)) {
      continue;  // it decides nothing
    }
    const auto part = described(sweep.axes[axis], chosen);
    if (!part) {
      return std::nullopt;
    }
    parts.push_back(*part);
  }
  return absl::StrJoin(parts, word);
}

// "; everywhere else it is reset or hangs".
std::string elsewhere(const std::vector<Cell>& cells) {
  std::vector<std::string> ways;
  for (const auto& [fate, way] : {std::pair{Fate::kRecovers, "recovers"}, std::pair{Fate::kReset, "is reset"},
                                  std::pair{Fate::kHangs, "hangs"}, std::pair{Fate::kError, "could not be played"}}) {
    if (std::any_of(cells.begin(), cells.end(),
                    [fate = fate](const Cell& cell) { return cell.verdict.fate == fate; })) {
      ways.emplace_back(way);
    }
  }
  return concat("; everywhere else it ", absl::StrJoin(ways, " or "));
}

}  // namespace

std::string boundary(const Sweep& sweep, const std::vector<Cell>& cells) {
  const auto survived =
      std::count_if(cells.begin(), cells.end(), [](const Cell& cell) { return cell.verdict.fate == Fate::kSurvives; });
  if (survived == 0 || survived == static_cast<ptrdiff_t>(cells.size())) {
    return survived == 0 ? "It survives nowhere in this grid." : "It survives everywhere in this grid.";
  }
  const auto words = border(sweep, Grid(sweep, cells));
  return words ? concat("It survives exactly where ", *words, elsewhere(cells), ".") : "";
}

}  // namespace lapse::sim
