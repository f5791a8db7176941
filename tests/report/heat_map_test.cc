// The heat map: well-formed, nothing over anything else whatever the size of the grid, and no run left out.
#include "control/report/heat_map.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/report/played.h"
#include "tests/report/xml.h"

namespace lapse::report {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

HeatMap grid(size_t rows, size_t columns) {
  HeatMap map{.title = "A title that is long enough to be broken in two where the map is narrow, and then some",
              .summary =
                  "It survives exactly where the first is at most 330s (next tried: 360s), or the second is at most "
                  "330s (next tried: 360s); everywhere else it is reset or hangs."};
  map.down = {
      .name = rows == 1 ? "" : "keepalive", .detail = "steps.0.keepalive.on, steps.0.keepalive.time", .values = {}};
  map.across = {.name = "natgw.timeouts.tcp_established", .detail = "", .values = {}};
  for (size_t row = 0; row < rows; ++row) {
    map.down.values.push_back(rows == 1 ? "" : std::to_string(row * 1000) + "s");
  }
  for (size_t column = 0; column < columns; ++column) {
    map.across.values.push_back(std::to_string(column * 1000) + "s");
  }
  map.kinds = {{"survives", "everybody got everything", ' ', Colour::kAlive, Colour::kPaper},
               {"recovers", "on another connection", 'o', Colour::kInVain, Colour::kOnBright},
               {"reset", "an error said so", 'R', Colour::kAlarm, Colour::kPaper},
               {"hangs", std::string(300, 'w'), 'H', Colour::kInk, Colour::kPaper}};
  for (size_t cell = 0; cell < rows * columns; ++cell) {
    map.cells.push_back({cell % 4, "cell " + std::to_string(cell)});
  }
  return map;
}

struct Size {
  size_t rows;
  size_t columns;
};
class EveryGrid : public testing::TestWithParam<Size> {};

TEST_P(EveryGrid, IsWellFormedWholeAndNothingOverlaps) {
  const HeatMap map = grid(GetParam().rows, GetParam().columns);
  const std::string svg = svg_of(map, true);
  EXPECT_EQ(xml_errors(svg), "");
  EXPECT_EQ(count_of(svg, "<g class=\"cell\">"), static_cast<int>(map.cells.size()));
  EXPECT_EQ(svg, svg_of(map, true));
  const HeatMapDrawing drawn = draw_heat_map(map);
  const std::vector<TextBox>& texts = drawn.drawing.texts();
  for (size_t one = 0; one < texts.size(); ++one) {
    EXPECT_GE(texts[one].x, 0) << texts[one].text;
    EXPECT_LE(texts[one].x + texts[one].width, drawn.width) << texts[one].text;
    EXPECT_LE(texts[one].y + texts[one].height, drawn.height) << texts[one].text;
    for (size_t other = one + 1; other < texts.size(); ++other) {
      EXPECT_FALSE(texts[one].overlaps(texts[other])) << texts[one].text << " | " << texts[other].text;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Sizes, EveryGrid,
                         testing::Values(Size{1, 1}, Size{1, 4}, Size{2, 2}, Size{20, 29}, Size{40, 30}, Size{3, 90},
                                         Size{100, 3}, Size{1, 1000}),
                         [](const auto& size) {
                           return std::to_string(size.param.rows) + "x" + std::to_string(size.param.columns);
                         });

TEST(HeatMap, CountsItsKindsAndLeavesOutThoseThatDoNotOccur) {
  HeatMap map = grid(1, 3);
  const auto counts = map.counts();
  ASSERT_EQ(counts.size(), 3);
  EXPECT_EQ(counts[0].first->name, "survives");
  EXPECT_EQ(counts[0].second, 1);
  EXPECT_THAT(xml_texts(svg_of(map, true), "text"), Contains("reset 1"));
  EXPECT_THAT(xml_texts(svg_of(map, true), "text"), Not(Contains("hangs 0")));
}

TEST(HeatMap, CarriesEachKindByALetterToo) {
  const std::vector<std::string> texts = xml_texts(svg_of(grid(4, 4), true), "text");
  for (const char* const mark : {"o", "R", "H"}) {
    EXPECT_EQ(std::count(texts.begin(), texts.end(), mark), 5) << mark;  // four cells and the legend
  }
}

TEST(HeatMap, TellsEachRunUnderThePointer) {
  EXPECT_THAT(xml_texts(svg_of(grid(2, 2), true), "title"), Contains("cell 3"));
}

SweepPage page_of(HeatMap map) {
  SweepPage page{.map = std::move(map), .command = "lapse sweep S1.1", .explanation = {"What was varied."}};
  page.columns = {"idle", "what came of it", "command"};
  for (size_t run = 0; run < page.map.cells.size(); ++run) {
    page.runs.push_back({std::to_string(run), "survives", "lapse sim number-" + std::to_string(run) + ";"});
  }
  return page;
}

TEST(SweepPage, HasTheMapTheCountsEveryRunAndTheCommand) {
  const std::string page = html_of(page_of(grid(2, 4)));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, HasSubstr("<td class=\"number\">2</td><td class=\"number\">25 %</td>"));
  EXPECT_THAT(page, HasSubstr("lapse sim number-7;"));
  EXPECT_THAT(page, HasSubstr("<pre>lapse sweep S1.1</pre>"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_EQ(count_of(page, "://"), count_of(page, "xmlns=\"http://www.w3.org/2000/svg\""));
}

TEST(SweepPage, SaysHowManyRunsItLeavesOutOfItsTable) {
  const std::string page = html_of(page_of(grid(3, 700)));
  EXPECT_THAT(page, HasSubstr("2,100 runs, of which the first 2,000 are here"));
  EXPECT_THAT(page, HasSubstr("number-1999;"));
  EXPECT_THAT(page, Not(HasSubstr("number-2000;")));
}

TEST(SweepPage, EscapesWhatComesFromFiles) {
  HeatMap map = grid(2, 2);
  map.title = "<script>alert(1)</script>";
  map.summary = "\"><img src=x>";
  map.across.name = "<b>";
  map.across.values[0] = "<i>";
  map.cells[0].tooltip = "</title><u>";
  const std::string page = html_of(page_of(std::move(map)));
  for (const char* const hostile : {"<script", "<img", "<b>", "<i>", "<u>"}) {
    EXPECT_THAT(page, Not(HasSubstr(hostile)));
  }
}

}  // namespace
}  // namespace lapse::report
