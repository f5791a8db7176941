// page.h - the frame of a self-contained HTML page, and its tables.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     none.
// Bytes:    UTF-8; cells are escaped here, bodies are HTML already.
// Cost:     none.
// Lifetime: none.
// Spec:     HTML; CSP level 3: the page may load nothing and run nothing, whatever is in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lapse::report {

// A whole document, in the colours of palette.h for light and dark.
std::string page(std::string_view title, std::string_view body);

enum class Align : uint8_t { kText, kNumber };
struct TableColumn {
  std::string title;
  Align align = Align::kText;
};

// Scrolls sideways by itself where it is wider than its place. The first cell of a row is its heading.
std::string table(std::string_view caption, const std::vector<TableColumn>& columns,
                  const std::vector<std::vector<std::string>>& rows);

}  // namespace lapse::report
