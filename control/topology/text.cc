#include "control/topology/text.h"

#include <algorithm>
#include <cctype>

namespace lapse::topology {
namespace {

constexpr size_t kLongestShown = 60;
constexpr size_t kLongestCompared = 64;

// Case and the choice between '-' and '_' are the commonest slips and cost nothing.
char folded(char letter) {
  return letter == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

// Optimal string alignment: insertions, deletions, substitutions and swapped neighbours cost one each.
size_t distance(std::string_view left, std::string_view right) {
  std::vector<size_t> before(right.size() + 1), previous(right.size() + 1), current(right.size() + 1);
  for (size_t column = 0; column <= right.size(); ++column) {
    previous[column] = column;
  }
  for (size_t row = 1; row <= left.size(); ++row) {
    current[0] = row;
    for (size_t column = 1; column <= right.size(); ++column) {
      const bool same = folded(left[row - 1]) == folded(right[column - 1]);
      current[column] = std::min(
          {previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (same ? size_t{0} : size_t{1})});
      if (row > 1 && column > 1 && folded(left[row - 1]) == folded(right[column - 2]) &&
          folded(left[row - 2]) == folded(right[column - 1])) {
        current[column] = std::min(current[column], before[column - 2] + 1);
      }
    }
    before = previous;
    previous = current;
  }
  return previous[right.size()];
}

}  // namespace

std::string shown(std::string_view value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  bool quote = value.empty();
  for (const char letter : value.substr(0, kLongestShown)) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte == 0x7f) {
      text += concat("\\x", std::string(1, kDigits[byte >> 4]), std::string(1, kDigits[byte & 15]));
    } else {
      text += letter;
    }
    quote = quote || byte <= 0x20;
  }
  if (value.size() > kLongestShown) {
    text += "...";
  }
  return quote ? concat("'", text, "'") : text;
}

std::string listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    text += concat(text.empty() ? "" : ", ", word);
  }
  return text;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> words) {
  std::string_view best;
  size_t best_distance = SIZE_MAX;
  const std::string_view compared = word.substr(0, kLongestCompared);
  for (const std::string_view candidate : words) {
    const size_t apart = distance(compared, candidate.substr(0, kLongestCompared));
    if (apart < best_distance && apart <= std::max<size_t>(1, std::max(compared.size(), candidate.size()) * 2 / 5)) {
      best = candidate;
      best_distance = apart;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string_view> words) {
  const std::string_view near = nearest(word, words);
  return near.empty() ? "; " : concat("; did you mean ", near, "? ");
}

std::string counted(size_t count, std::string_view singular) {
  const std::string_view ending = count == 1 ? "" : (singular.back() == 'x' ? "es" : "s");
  return concat(std::to_string(count), " ", singular, ending);
}

}  // namespace lapse::topology
