// ctl_print.h - tables, colours and widths for what `lapse ctl` prints.
//
// Owner:    the command.
// Memory:   ordinary.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "Control"; https://no-color.org.
#pragma once

#include <string>
#include <vector>

namespace lapse::cli {

// What standard output is.
struct Screen {
  bool terminal = false;
  bool colour = false;   // a terminal, and NO_COLOR is not set
  size_t columns = 100;  // of the terminal; 100 elsewhere
};
Screen screen();

enum class Align : unsigned char { kLeft, kRight };

class Table {
 public:
  struct Column {
    std::string title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  // On a terminal no line is wider than it is: the widest columns give way.
  std::string text(const Screen& screen) const;

 private:
  std::vector<size_t> widths(const Screen& screen) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace lapse::cli
