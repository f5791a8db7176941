#include "control/cli/ctl_print.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include "control/story/canvas.h"
#include "control/story/text.h"

namespace lapse::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 8;

std::string padded(const std::string& text, size_t size, Align align) {
  const std::string fitting = story::shortened(text, size);
  const std::string space(size - story::width(fitting), ' ');
  return align == Align::kRight ? space + fitting : fitting + space;
}

}  // namespace

Screen screen() {
  Screen result;
  result.terminal = isatty(STDOUT_FILENO) == 1;
  const char* no_colour = std::getenv("NO_COLOR");
  result.colour = result.terminal && (no_colour == nullptr || *no_colour == '\0');
  winsize size{};
  if (result.terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    result.columns = size.ws_col;
  }
  return result;
}

std::vector<size_t> Table::widths(const Screen& screen) const {
  std::vector<size_t> widths;
  for (size_t column = 0; column < columns_.size(); ++column) {
    size_t widest = story::width(columns_[column].title);
    for (const auto& row : rows_) {
      widest = std::max(widest, story::width(row[column]));
    }
    widths.push_back(widest);
  }
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), size_t{0}) + kGap * (widths.size() - 1);
  };
  while (screen.terminal && total() > screen.columns) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrowest) {
      break;
    }
    --*widest;
  }
  return widths;
}

std::string Table::text(const Screen& screen) const {
  const std::vector<size_t> sizes = widths(screen);
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t column = 0; column < columns_.size(); ++column) {
      text += column == 0 ? "" : std::string(kGap, ' ');
      text += padded(cell_of(column), sizes[column], columns_[column].align);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
  };
  const std::string head = line([&](size_t column) { return columns_[column].title; });
  std::string text = story::inked(head, story::Ink::kBold, screen.colour) + "\n";
  for (const auto& row : rows_) {
    text += line([&](size_t column) { return row[column]; }) + "\n";
  }
  return text;
}

}  // namespace lapse::cli
