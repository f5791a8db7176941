// heat_map.h - a grid of runs as a drawing: a square for each, by what came of it.
//
// Owner:    the caller; plain values.
// Memory:   grows with the grid.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     a group with a tooltip for each run.
// Lifetime: none.
// Spec:     WCAG 2.1, 1.4.1: colour is not the only carrier; each kind of cell has a mark of its own as well.
//
// Where there is no room for a label at each value, every second one, every fifth and so on has one; each run is drawn whatever
// the size of the grid.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/report/drawing.h"

namespace lapse::report {

struct HeatMap {
  struct Axis {
    std::string name;
    std::string detail;  // what it stands for; may be empty
    std::vector<std::string> values;
  };
  struct Kind {
    std::string name;
    std::string meaning;  // for the legend
    char mark = ' ';      // in its cells; a blank: none
    Colour fill = Colour::kPanel;
    Colour print = Colour::kPaper;  // of the mark
  };
  struct Cell {
    size_t kind = 0;
    std::string tooltip;
  };

  std::string title;
  std::string summary;  // sentences
  Axis down;            // with one value that is empty where nothing goes down
  Axis across;
  std::vector<Kind> kinds;
  std::vector<Cell> cells;  // row by row

  // "survives 391, hangs 189": kinds that occur, in their order.
  std::vector<std::pair<const Kind*, size_t>> counts() const;
};

struct HeatMapDrawing {
  Drawing drawing;
  double width = 0;
  double height = 0;
};
HeatMapDrawing draw_heat_map(const HeatMap& map);

std::string svg_of(const HeatMap& map, bool standalone);

// A page around the map that needs nothing else: its table of runs, and how to see each of them again.
struct SweepPage {
  HeatMap map;
  std::string command;                         // that makes the page again
  std::vector<std::string> explanation;        // paragraphs: what was varied, what is not seen
  std::vector<std::string> columns;            // of the runs
  std::vector<std::vector<std::string>> runs;  // as the cells; more than kMostRunsOnPage need not be here
};
inline constexpr size_t kMostRunsOnPage = 2000;
std::string html_of(const SweepPage& page);

}  // namespace lapse::report
