// The report as a page: for each run the verdict, the ladder, who believes what, and each box's own account.
#include <algorithm>
#include <unordered_map>

#include "absl/strings/str_cat.h"

#include "control/report/escape.h"
#include "control/report/flow_chart.h"
#include "control/report/ladder_svg.h"
#include "control/report/page.h"
#include "control/report/report.h"
#include "control/story/names.h"
#include "control/story/report.h"
#include "control/story/text.h"

namespace lapse::report {
namespace {

constexpr size_t kMostRows = 120;  // of a table; the middle of a longer one is left out

using Rows = std::vector<std::vector<std::string>>;

std::string moment(Instant time) {
  return story::seconds_text(time.time_since_epoch()) + " s";
}

// Leaves the middle out of what nobody would read to its end.
void shorten(Rows& rows, std::string_view noun) {
  if (rows.size() <= kMostRows) {
    return;
  }
  const size_t left_out = rows.size() - kMostRows;
  const auto first = rows.begin() + kMostRows / 2;
  rows.erase(first, first + static_cast<ptrdiff_t>(left_out));
  rows.insert(rows.begin() + kMostRows / 2, {absl::StrCat("⋯ ", story::counted(left_out, noun), " left out ⋯")});
}

// ---- one box ----

std::vector<std::string> flow_row(const FlowLine& line, const LivingFlow* living,
                                  const topology::Directory& directory) {
  std::vector<std::string> row{story::flow_name(line.key, directory), story::tuple_name(line.original, directory),
                               story::endpoint_address(line.reply.destination, line.reply.destination_port),
                               moment(line.opened)};
  const auto timeout_of = [](Duration timeout) { return story::exact(timeout); };
  if (living != nullptr) {
    row.insert(row.end(), {living->state, moment(living->last_seen), timeout_of(living->timeout),
                           line.closed ? absl::StrCat("closed at ", moment(*line.closed)) : "in the table at the end"});
  } else if (line.forgotten()) {
    const Duration timeout = std::chrono::milliseconds(line.timeout_ms);
    row.insert(row.end(), {"forgotten", moment(*line.expired - timeout), timeout_of(timeout),
                           absl::StrCat("forgotten at ", moment(*line.expired), " (",
                                        std::string(name(static_cast<TimeoutClass>(line.timeout_class))), "); ",
                                        line.told == Told::kNobody ? "nobody was told" : "told")});
  } else if (line.closed) {
    row.insert(row.end(), {"closed", "", "", absl::StrCat("closed at ", moment(*line.closed))});
  } else {
    row.insert(row.end(), {"over", "", "", "replaced by a newer flow"});
  }
  return row;
}

std::string flow_table(const BoxLedger& box, const ReportedRun& run) {
  const topology::Directory& directory = run.record->directory();
  std::unordered_map<uint64_t, const LivingFlow*> living;
  const auto number = [](const story::FlowKey& key) { return uint64_t{key.id} << 32 | key.generation; };
  for (const LivingFlow& flow : run.living) {
    if (flow.key.box == box.box) {
      living[number(flow.key)] = &flow;
    }
  }
  Rows rows;
  for (const FlowLine& line : box.flows) {
    const auto found = living.find(number(line.key));
    rows.push_back(flow_row(line, found == living.end() ? nullptr : found->second, directory));
  }
  shorten(rows, "flow");
  std::string caption = story::counted(box.flows.size() + box.flows_left_out, "flow");
  if (box.flows_left_out > 0) {
    absl::StrAppend(&caption, ", of which the last ", story::count_text(box.flows_left_out), " were only counted");
  }
  return table(
      caption,
      {{"flow"}, {"connection"}, {"seen as"}, {"opened"}, {"state"}, {"last seen"}, {"timeout"}, {"what became of it"}},
      rows);
}

// A gauge has no sum; what is zero throughout is left out.
std::string metric_table(const BoxLedger& box, std::string_view kind) {
  std::vector<TableColumn> columns{{"minute from"}};
  std::vector<const metrics::Metric*> shown;
  std::vector<uint64_t> total;
  for (const metrics::Metric& metric : metrics::metrics_of(kind)) {
    uint64_t sum = 0;
    for (const auto& [minute, totals] : box.minutes) {
      sum += metric.of(totals);
    }
    if (!metric.gauge && sum > 0) {
      columns.push_back({std::string(metric.name), Align::kNumber});
      shown.push_back(&metric);
      total.push_back(sum);
    }
  }
  Rows rows;
  for (const auto& [minute, totals] : box.minutes) {
    std::vector<std::string> row{story::exact(std::chrono::minutes(minute))};
    for (const metrics::Metric* metric : shown) {
      row.push_back(story::count_text(metric->of(totals)));
    }
    rows.push_back(std::move(row));
  }
  shorten(rows, "minute");
  rows.push_back({"total"});
  for (const uint64_t sum : total) {
    rows.back().push_back(story::count_text(sum));
  }
  return table("The provider's metrics, sums a minute of virtual time; what is zero throughout is left out", columns,
               rows);
}

std::string box_section(const BoxLedger& box, const ReportedRun& run, const std::string& id) {
  const std::string name = story::box_name(box.box, run.record->directory());
  std::string text = absl::StrCat("<h3>", escape_xml(name), ": flows over time</h3>\n");
  const Drawing chart = draw_flow_chart(box.steps(), std::max(run.end, run.record->ledger().last()));
  text += chart.svg({.width = kChartWidth,
                     .height = kChartHeight,
                     .title = absl::StrCat("Flows of ", name, " over virtual time"),
                     .description = absl::StrCat(story::counted(box.flows.size(), "flow"), " in all"),
                     .id = absl::StrCat(id, "-chart-", index(box.box)),
                     .css_class = "chart"},
                    false);
  text += flow_table(box, run);
  const std::string& kind = run.record->directory().boxes[index(box.box)].kind;
  if (!metrics::metrics_of(kind).empty()) {
    text += metric_table(box, kind);
  }
  return text;
}

// ---- one run ----

std::string believer_table(const story::Picture& picture) {
  Rows rows;
  for (const story::Believer& believer : picture.believers) {
    rows.push_back({believer.name, believer.text, believer.believes ? "yes" : "no"});
  }
  return table(absl::StrCat("At the end of ", picture.title), {{"who"}, {"what it knows"}, {"believes"}}, rows);
}

std::string list(const std::vector<std::string>& lines) {
  std::string text = "<ul class=\"lines\">\n";
  for (const std::string& line : lines) {
    absl::StrAppend(&text, "<li>", escape_xml(line), "</li>\n");
  }
  return text + "</ul>\n";
}

std::string expectation_list(const std::vector<std::string>& misses) {
  return misses.empty() ? "<p>Every expectation was met.</p>\n" : "<p>Not as expected:</p>\n" + list(misses);
}

std::string run_section(const ReportedRun& run, size_t number) {
  const RunRecord& record = *run.record;
  const std::string id = absl::StrCat("run-", number);
  const bool forgot = story::verdict(record.recorder(), record.directory()).forgot;
  const std::string verdict = verdict_text(run);
  const std::vector<story::Picture> pictures = pictures_of(run);
  std::string text = absl::StrCat("<section class=\"run\" id=\"", id, "\">\n<h2>", escape_xml(run.name),
                                  run.title.empty() ? "" : ": ", escape_xml(run.title), "</h2>\n<p class=\"verdict",
                                  forgot ? "" : " quiet", "\">", escape_xml(verdict), "</p>\n");
  if (run.misses) {
    text += expectation_list(*run.misses);
  }
  const LadderDrawing ladder = draw_ladders(pictures);
  text += ladder.drawing.svg({.width = ladder.width,
                              .height = ladder.height,
                              .title = absl::StrCat("Ladder of ", run.name),
                              .description = verdict,
                              .id = id + "-ladder",
                              .css_class = "ladder"},
                             false);
  if (!run.experiences.empty()) {
    text += "<h3>What the programs experienced</h3>\n" + list(run.experiences);
  }
  text += "<h3>Who believes what</h3>\n";
  for (const story::Picture& picture : pictures) {
    text += believer_table(picture);
  }
  for (const BoxLedger& box : record.ledger().boxes()) {
    text += box_section(box, run, id);
  }
  return absl::StrCat(text, "<h3>To see it again</h3>\n<pre>", escape_xml(run.command), "</pre>\n</section>\n");
}

}  // namespace

std::string html_report(const std::vector<ReportedRun>& runs) {
  std::string title = "lapse";
  std::string body = "<div class=\"runs\">\n";
  for (size_t number = 0; number < runs.size(); ++number) {
    absl::StrAppend(&title, number == 0 ? ": " : " beside ", runs[number].name);
    body += run_section(runs[number], number + 1);
  }
  return page(title, absl::StrCat("<h1>", escape_xml(title), "</h1>\n", body, "</div>\n"));
}

}  // namespace lapse::report
