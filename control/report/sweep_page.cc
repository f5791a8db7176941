#include <algorithm>

#include "absl/strings/str_cat.h"

#include "control/report/escape.h"
#include "control/report/heat_map.h"
#include "control/report/page.h"
#include "control/story/text.h"

namespace lapse::report {
namespace {

std::string paragraph(const std::string& text) {
  return absl::StrCat("<p>", escape_xml(text), "</p>\n");
}

std::string counts_table(const HeatMap& map) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [kind, count] : map.counts()) {
    const double share = 100.0 * static_cast<double>(count) / static_cast<double>(map.cells.size());
    rows.push_back({kind->name, story::count_text(count), absl::StrCat(number(share), " %"), kind->meaning});
  }
  return table("What came of the runs",
               {{"outcome"}, {"runs", Align::kNumber}, {"share", Align::kNumber}, {"which means"}}, rows);
}

// Folded: whoever needs one run looks for it.
std::string runs_table(const SweepPage& page) {
  std::vector<TableColumn> columns;
  for (const std::string& title : page.columns) {
    columns.push_back({title});
  }
  std::vector<std::vector<std::string>> rows(
      page.runs.begin(), page.runs.begin() + static_cast<ptrdiff_t>(std::min(page.runs.size(), kMostRunsOnPage)));
  std::string caption = story::counted(page.map.cells.size(), "run");
  if (rows.size() < page.map.cells.size()) {
    absl::StrAppend(&caption, ", of which the first ", story::count_text(rows.size()),
                    " are here; `--csv` writes them all");
  }
  return absl::StrCat("<details>\n<summary>Every run, and the command that plays it alone</summary>\n",
                      table(caption, columns, rows), "</details>\n");
}

}  // namespace

std::string html_of(const SweepPage& sweep) {
  std::string body = absl::StrCat("<h1>", escape_xml(sweep.map.title), "</h1>\n<p class=\"verdict\">",
                                  escape_xml(sweep.map.summary), "</p>\n");
  // The page says in larger letters what a picture alone has to say itself.
  HeatMap map = sweep.map;
  map.title = "";
  map.summary = "";
  const HeatMapDrawing drawn = draw_heat_map(map);
  body += drawn.drawing.svg({.width = drawn.width,
                             .height = drawn.height,
                             .title = sweep.map.title,
                             .description = sweep.map.summary,
                             .id = "heat",
                             .css_class = "heat"},
                            false);
  body += "<h3>What was played</h3>\n";
  for (const std::string& text : sweep.explanation) {
    body += paragraph(text);
  }
  body += counts_table(sweep.map);
  body += runs_table(sweep);
  return page(sweep.map.title,
              absl::StrCat(body, "<h3>To see it again</h3>\n<pre>", escape_xml(sweep.command), "</pre>\n"));
}

}  // namespace lapse::report
