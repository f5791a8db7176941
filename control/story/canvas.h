// canvas.h - lines of characters that know their width and their colour.
//
// Owner:    the caller.
// Memory:   a cell for each column.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     none.
// Lifetime: none.
// Spec:     ECMA-48 for the colours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lapse::story {

enum class Ink : uint8_t { kPlain, kBold, kDim, kRed, kGreen, kYellow, kCyan };

class Line {
 public:
  explicit Line(size_t columns) : cells_(columns) {}

  // Writes over what is there; what would stand outside of the line is cut off.
  void put(size_t column, std::string_view text, Ink ink = Ink::kPlain);
  // 'glyph' is one column wide.
  void fill(size_t first, size_t last, std::string_view glyph, Ink ink = Ink::kPlain);

  // Without spaces at its end.
  std::string text(bool colour) const;

 private:
  struct Cell {
    std::string glyph = " ";  // empty: covered by the wide character before it
    Ink ink = Ink::kPlain;
  };
  std::vector<Cell> cells_;
};

// 'text' in the colour, or as it is.
std::string inked(std::string_view text, Ink ink, bool colour);

}  // namespace lapse::story
