#include "control/story/canvas.h"

#include "control/story/text.h"

namespace lapse::story {
namespace {

std::string_view escape(Ink ink) {
  switch (ink) {
    case Ink::kBold:
      return "\x1b[1m";
    case Ink::kDim:
      return "\x1b[2m";
    case Ink::kRed:
      return "\x1b[1;31m";
    case Ink::kGreen:
      return "\x1b[32m";
    case Ink::kYellow:
      return "\x1b[1;33m";
    case Ink::kCyan:
      return "\x1b[36m";
    case Ink::kPlain:
      break;
  }
  return "";
}

}  // namespace

void Line::put(size_t column, std::string_view text, Ink ink) {
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const size_t columns = width(point.value);
    if (columns == 0 && column > 0 && column <= cells_.size()) {
      cells_[column - 1].glyph.append(text.substr(0, point.size));
    } else if (columns > 0) {
      if (column + columns > cells_.size()) {
        return;
      }
      cells_[column] = {std::string(text.substr(0, point.size)), ink};
      if (columns == 2) {
        cells_[column + 1] = {"", ink};
      }
      column += columns;
    }
    text.remove_prefix(point.size);
  }
}

void Line::fill(size_t first, size_t last, std::string_view glyph, Ink ink) {
  for (size_t column = first; column < last && column < cells_.size(); ++column) {
    cells_[column] = {std::string(glyph), ink};
  }
}

std::string Line::text(bool colour) const {
  size_t end = cells_.size();
  while (end > 0 && cells_[end - 1].glyph == " ") {
    --end;
  }
  std::string result;
  Ink current = Ink::kPlain;
  for (size_t column = 0; column < end; ++column) {
    const Cell& cell = cells_[column];
    if (colour && cell.ink != current && cell.glyph != " ") {
      result += current == Ink::kPlain ? "" : "\x1b[0m";
      result += escape(cell.ink);
      current = cell.ink;
    }
    result += cell.glyph;
  }
  return current == Ink::kPlain ? result : result + "\x1b[0m";
}

std::string inked(std::string_view text, Ink ink, bool colour) {
  if (!colour || ink == Ink::kPlain) {
    return std::string(text);
  }
  return std::string(escape(ink)) + std::string(text) + "\x1b[0m";
}

}  // namespace lapse::story
