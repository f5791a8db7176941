#include "control/explain/paragraph.h"

#include <algorithm>

namespace lapse::explain {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kIndent = 12;

}  // namespace

void add_paragraph(std::string& text, std::string_view label, std::string_view words) {
  text.append(label).append(kIndent - label.size(), ' ');
  size_t column = kIndent;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(' '));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    if (column > kIndent && column + 1 + word.size() > kColumns) {
      text.append("\n").append(kIndent, ' ');
      column = kIndent;
    }
    if (column > kIndent) {
      text.append(" ");
      ++column;
    }
    text.append(word);
    column += word.size();
  }
  text.append("\n");
}

}  // namespace lapse::explain
