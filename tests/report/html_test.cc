// The page: whole by itself, harmless whatever files say, and the same for the same run.
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "control/report/flow_chart.h"
#include "control/report/page.h"
#include "control/report/write.h"
#include "tests/report/played.h"
#include "tests/report/xml.h"

namespace lapse::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Html, NeedsNothingElseAndRunsNothing) {
  const std::string page = html_report({played("S0.1")});
  EXPECT_THAT(page, HasSubstr("Content-Security-Policy\" content=\"default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<link")));
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  // The only address is the name of SVG's namespace.
  EXPECT_EQ(count_of(page, "://"), count_of(page, "xmlns=\"http://www.w3.org/2000/svg\""));
}

TEST(Html, HasTheLadderTheBoxesAndTheVerdict) {
  const std::string page = html_report({played("S0.1")});
  EXPECT_THAT(page, HasSubstr("natgw forgot tcp app:"));
  EXPECT_THAT(page, HasSubstr("At the end app and api believe in the connection; natgw: no flow"));
  EXPECT_THAT(page, HasSubstr("id=\"run-1-ladder-title\""));
  EXPECT_THAT(page, HasSubstr("forgotten at 350.000 s (tcp_established); nobody was told"));
  EXPECT_THAT(page, HasSubstr("Idle<wbr>Timeout<wbr>Count"));
  EXPECT_THAT(page, HasSubstr("<pre>lapse sim S0.1</pre>"));
  EXPECT_THAT(page, HasSubstr("Every expectation was met."));
}

TEST(Html, ALivingFlowShowsItsStateAndWhenItWasLastSeen) {
  const ReportedRun run = played("S0.1", {"natgw.limits=off", "natgw.timeouts.tcp_established=4000s"});
  ASSERT_EQ(run.living.size(), 1);
  EXPECT_EQ(run.living[0].state, "established");
  const std::string page = html_report({run});
  EXPECT_THAT(page, HasSubstr("<td>established</td>"));
  EXPECT_THAT(page, HasSubstr("<td>4000 s</td><td>in the table at the end</td>"));
}

TEST(Html, TwoRunsStandSideBySideWithIdsOfTheirOwn) {
  const std::string page = html_report({played("S0.1"), played("S0.2")});
  EXPECT_EQ(count_of(page, "<section class=\"run\""), 2);
  EXPECT_EQ(count_of(page, "id=\"run-1-ladder-title\""), 1);
  EXPECT_EQ(count_of(page, "id=\"run-2-ladder-title\""), 1);
  EXPECT_THAT(page, HasSubstr("<title>lapse: S0.1 beside S0.2</title>"));
}

TEST(Html, IsTheSameTwice) {
  EXPECT_EQ(html_report({played("S0.11")}), html_report({played("S0.11")}));
}

TEST(Html, EscapesWhatComesFromFiles) {
  ReportedRun run = played("S0.1");
  run.name = "<script>alert(1)</script>";
  run.title = "\"><img src=x>";
  run.command = "lapse sim '<b>&'";
  run.misses = {"<i>miss</i>"};
  const std::string page = html_report({run});
  for (const char* const hostile : {"<script", "<img", "<b>", "<i>"}) {
    EXPECT_THAT(page, Not(HasSubstr(hostile)));
  }
  EXPECT_THAT(page, HasSubstr("&lt;i&gt;miss&lt;/i&gt;"));
}

TEST(Html, TablesEscapeTheirCells) {
  const std::string text = table("<c>", {{"<t>"}}, {{"<a>", "&"}});
  EXPECT_EQ(xml_errors(text.substr(0, text.find("<wbr>"))), "");
  EXPECT_THAT(text, Not(HasSubstr("<a>")));
}

TEST(FlowChart, IsWellFormedAndItsTextsDoNotOverlap) {
  std::vector<FlowStep> steps;
  for (int64_t step = 0; step < 100'000; ++step) {
    steps.push_back({Instant(std::chrono::milliseconds(step * 4)), static_cast<uint64_t>(step % 5000)});
  }
  const Drawing chart = draw_flow_chart(steps, Instant(std::chrono::seconds(432'000)));
  const std::string svg = chart.svg({.width = kChartWidth, .height = kChartHeight, .title = "t", .id = "x"}, true);
  EXPECT_EQ(xml_errors(svg), "");
  EXPECT_LT(svg.size(), 100'000) << "steps within a pixel are drawn as one";
  const std::vector<TextBox>& texts = chart.texts();
  for (size_t one = 0; one < texts.size(); ++one) {
    for (size_t other = one + 1; other < texts.size(); ++other) {
      EXPECT_FALSE(texts[one].overlaps(texts[other])) << texts[one].text << " | " << texts[other].text;
    }
  }
}

TEST(FlowChart, NothingAtAllIsALineAtZero) {
  EXPECT_EQ(xml_errors(draw_flow_chart({}, Instant()).svg({.width = 1, .height = 1, .id = "x"}, true)), "");
}

TEST(WriteFile, SaysWhichFileAndWhy) {
  const absl::Status status = write_file("/nonexistent/folder/a.svg", "x");
  EXPECT_EQ(status.message(), "cannot write /nonexistent/folder/a.svg: No such file or directory");
  EXPECT_THAT(std::string(write_file("/dev/full", "x").message()), HasSubstr("No space left on device"));
}

}  // namespace
}  // namespace lapse::report
