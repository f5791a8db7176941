#include "control/cli/sweep_output.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/cli/sim_pictures.h"
#include "control/report/escape.h"
#include "control/story/text.h"
#include "sim/sweep/boundary.h"

namespace lapse::cli {
namespace {

using report::Colour;
using report::HeatMap;
using sim::Cell;
using sim::Fate;
using sim::Verdict;

struct Look {
  const char* meaning;
  char mark;
  Colour fill;
  Colour print;
};
constexpr std::array<Look, sim::kFateCount> kLooks{{
    {"everybody got everything on the first connection", ' ', Colour::kAlive, Colour::kPaper},
    {"a connection was lost, and everybody got everything on another", 'o', Colour::kInVain, Colour::kOnBright},
    {"an error told a program that its connection is gone", 'R', Colour::kAlarm, Colour::kPaper},
    {"somebody waits for ever, gave up after silence, or never learns of it", 'H', Colour::kInk, Colour::kPaper},
    {"could not be played; the run says why", '!', Colour::kFaint, Colour::kInk},
}};
constexpr char kBlankMark = '.';  // on a terminal, where nothing has a colour

std::string seconds(Instant time) {
  return story::seconds_text(time.time_since_epoch());
}

// "keepalive 60s, idle 90s".
std::string point_of(const sim::Sweep& sweep, size_t run) {
  const auto values = sweep.values(run);
  std::string text;
  for (size_t axis = 0; axis < values.size(); ++axis) {
    absl::StrAppend(&text, axis == 0 ? "" : ", ", sweep.axes[axis].name, " ", values[axis]->text);
  }
  return text;
}

HeatMap::Axis axis_of(const sim::Axis& axis, const sim::Lever& lever) {
  HeatMap::Axis drawn{.name = axis.name, .detail = absl::StrJoin(lever.paths(), ", "), .values = {}};
  if (drawn.detail == drawn.name) {
    drawn.detail.clear();
  }
  for (const sim::AxisValue& value : axis.values) {
    drawn.values.push_back(value.text);
  }
  return drawn;
}

std::string axis_names(const sim::Sweep& sweep) {
  return absl::StrCat(sweep.axes.front().name,
                      sweep.axes.size() == 2 ? absl::StrCat(" and ", sweep.axes.back().name) : "");
}

std::string command_of(const Swept& swept, size_t run) {
  return sim_command(swept.name, swept.sweep.request.seed, swept.cells[run].settings);
}

}  // namespace

// ---- pictures ----

HeatMap heat_map(const Swept& swept) {
  const sim::Sweep& sweep = swept.sweep;
  HeatMap map{.title = absl::StrCat(sweep.story.name, ": what becomes of it, by ", axis_names(sweep))};
  const bool two = sweep.axes.size() == 2;
  map.down = two ? axis_of(sweep.axes.front(), sweep.levers.front()) : HeatMap::Axis{.values = {""}};
  map.across = axis_of(sweep.axes.back(), sweep.levers.back());
  for (size_t fate = 0; fate < kLooks.size(); ++fate) {
    const Look& look = kLooks[fate];
    map.kinds.push_back({std::string(name(static_cast<Fate>(fate))), look.meaning, look.mark, look.fill, look.print});
  }
  for (size_t run = 0; run < swept.cells.size(); ++run) {
    const Verdict& verdict = swept.cells[run].verdict;
    map.cells.push_back(
        {static_cast<size_t>(verdict.fate), absl::StrCat(point_of(sweep, run), ": ", verdict.sentence())});
  }
  map.summary = boundary(sweep, swept.cells);
  if (map.summary.empty()) {
    map.summary = absl::StrCat(story::counted(sweep.runs(), "run"), ".");
  }
  return map;
}

report::SweepPage sweep_page(const Swept& swept) {
  const sim::Sweep& sweep = swept.sweep;
  report::SweepPage page{.map = heat_map(swept), .command = sweep_command(swept)};
  std::string what =
      absl::StrCat("The story ", sweep.story.name, sweep.story.title.empty() ? "" : " (", sweep.story.title,
                   sweep.story.title.empty() ? "" : ")", ", played ", story::count_text(sweep.runs()),
                   " times in virtual time with seed ", sweep.request.seed,
                   ". Its own expectations are about one point and do not count here.");
  for (size_t axis = 0; axis < sweep.axes.size(); ++axis) {
    absl::StrAppend(&what, " ", sweep.axes[axis].name, " sets ", absl::StrJoin(sweep.levers[axis].paths(), ", "), ".");
  }
  page.explanation.push_back(std::move(what));
  for (const std::string& reason : reasons(swept.cells)) {
    page.explanation.push_back(absl::StrCat("Not played: ", reason));
  }
  for (const sim::Axis& axis : sweep.axes) {
    page.columns.push_back(axis.name);
  }
  page.columns.insert(page.columns.end(), {"what came of it", "command"});
  for (size_t run = 0; run < std::min(swept.cells.size(), report::kMostRunsOnPage + 1); ++run) {
    std::vector<std::string> row;
    for (const sim::AxisValue* const value : sweep.values(run)) {
      row.push_back(value->text);
    }
    row.push_back(swept.cells[run].verdict.sentence());
    row.push_back(command_of(swept, run));
    page.runs.push_back(std::move(row));
  }
  return page;
}

// ---- the terminal ----

namespace {

std::string padded(const std::string& word, size_t width) {
  return std::string(width - std::min(width, story::width(word)), ' ') + word;
}

// Labels at the places of their columns, those without room left out.
std::string label_row(const std::vector<std::string>& values, size_t first, size_t last, size_t cell, size_t columns) {
  std::string row;
  for (size_t at = first; at < last; ++at) {
    const size_t place = (at - first) * cell;
    const bool has_room = place == 0 || place >= row.size() + 2;
    if (has_room && place + values[at].size() <= columns) {
      row.resize(place, ' ');
      row += values[at];
    }
  }
  return row;
}

// Columns from 'first' on, as many as there is room for.
void add_panel(std::string& text, const HeatMap& map, size_t first, size_t last, size_t left, size_t cell,
               size_t room) {
  const size_t columns = map.across.values.size();
  absl::StrAppend(
      &text, "\n", padded("", left), "  ", map.across.name,
      map.across.detail.empty() ? "" : absl::StrCat(" (", story::shortened(map.across.detail, room / 2), ")"), "\n",
      padded(map.down.name, left), "  ", label_row(map.across.values, first, last, cell, room), "\n");
  for (size_t row = 0; row < map.down.values.size(); ++row) {
    std::string line;
    for (size_t column = first; column < last; ++column) {
      const char mark = map.kinds[map.cells[row * columns + column].kind].mark;
      line.resize((column - first) * cell, ' ');
      line += mark == ' ' ? kBlankMark : mark;
    }
    absl::StrAppend(&text, padded(map.down.values[row], left), "  ", line, "\n");
  }
}

}  // namespace

std::string text_map(const HeatMap& map, size_t columns) {
  constexpr size_t kWidestCell = 3;
  std::string text = absl::StrCat(map.title, "\n", map.summary, "\n");
  size_t left = story::width(map.down.name);
  for (const std::string& value : map.down.values) {
    left = std::max(left, story::width(value));
  }
  const size_t room = columns > left + 12 ? columns - left - 2 : 10;
  const size_t across = map.across.values.size();
  const size_t cell = std::clamp<size_t>(room / across, 1, kWidestCell);
  const size_t each = std::min(across, room / cell);
  for (size_t first = 0; first < across; first += each) {
    add_panel(text, map, first, std::min(across, first + each), left, cell, room);
  }
  text += "\n";
  for (const auto& [kind, count] : map.counts()) {
    absl::StrAppend(&text, "  ", std::string(1, kind->mark == ' ' ? kBlankMark : kind->mark), "  ", kind->name, " ",
                    story::count_text(count), ": ", kind->meaning, "\n");
  }
  return text;
}

// ---- for programs ----

namespace {

std::string csv_field(std::string text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  for (size_t at = text.find('"'); at != std::string::npos; at = text.find('"', at + 2)) {
    text.insert(at, 1, '"');
  }
  return absl::StrCat("\"", text, "\"");
}

void add_line(std::string& text, const std::vector<std::string>& fields) {
  for (size_t at = 0; at < fields.size(); ++at) {
    absl::StrAppend(&text, at == 0 ? "" : ",", csv_field(fields[at]));
  }
  text += "\r\n";
}

}  // namespace

std::string to_csv(const Swept& swept) {
  std::vector<std::string> fields;
  for (const sim::Axis& axis : swept.sweep.axes) {
    fields.push_back(axis.name);
  }
  fields.insert(fields.end(),
                {"outcome", "program", "error", "waits", "at_s", "box", "forgot_at_s", "reason", "command"});
  std::string text;
  add_line(text, fields);
  for (size_t run = 0; run < swept.cells.size(); ++run) {
    fields.clear();
    for (const sim::AxisValue* const value : swept.sweep.values(run)) {
      fields.push_back(value->text);
    }
    const Verdict& verdict = swept.cells[run].verdict;
    const bool dated = verdict.waits || !verdict.error.empty();
    fields.insert(fields.end(),
                  {std::string(name(verdict.fate)), verdict.program, verdict.error, verdict.waits ? "yes" : "",
                   dated ? seconds(verdict.at) : "", verdict.box, verdict.box.empty() ? "" : seconds(verdict.forgot_at),
                   verdict.reason, command_of(swept, run)});
    add_line(text, fields);
  }
  return text;
}

nlohmann::json to_json(const Swept& swept) {
  const sim::Sweep& sweep = swept.sweep;
  const auto number = [](Instant time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); };
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? nlohmann::json(nullptr) : nlohmann::json(text);
  };
  nlohmann::json axes = nlohmann::json::array();
  for (size_t axis = 0; axis < sweep.axes.size(); ++axis) {
    nlohmann::json values = nlohmann::json::array();
    for (const sim::AxisValue& value : sweep.axes[axis].values) {
      values.push_back(value.text);
    }
    axes.push_back({{"name", sweep.axes[axis].name}, {"sets", sweep.levers[axis].paths()}, {"values", values}});
  }
  nlohmann::json cells = nlohmann::json::array();
  std::array<size_t, sim::kFateCount> counts{};
  for (size_t run = 0; run < swept.cells.size(); ++run) {
    const Verdict& verdict = swept.cells[run].verdict;
    ++counts[static_cast<size_t>(verdict.fate)];
    nlohmann::json values = nlohmann::json::array();
    for (const sim::AxisValue* const value : sweep.values(run)) {
      values.push_back(value->text);
    }
    const bool dated = verdict.waits || !verdict.error.empty();
    cells.push_back(
        {{"values", values},
         {"outcome", std::string(name(verdict.fate))},
         {"program", text_or_null(verdict.program)},
         {"error", text_or_null(verdict.error)},
         {"waits", verdict.waits},
         {"at", dated ? nlohmann::json(number(verdict.at)) : nlohmann::json(nullptr)},
         {"box", text_or_null(verdict.box)},
         {"forgot_at", verdict.box.empty() ? nlohmann::json(nullptr) : nlohmann::json(number(verdict.forgot_at))},
         {"reason", text_or_null(verdict.reason)},
         {"command", command_of(swept, run)}});
  }
  nlohmann::json numbers;
  for (size_t fate = 0; fate < counts.size(); ++fate) {
    numbers[std::string(name(static_cast<Fate>(fate)))] = counts[fate];
  }
  return {{"scenario", sweep.story.name},
          {"file", sweep.request.file},
          {"seed", sweep.request.seed},
          {"axes", axes},
          {"counts", numbers},
          {"boundary", text_or_null(boundary(sweep, swept.cells))},
          {"command", sweep_command(swept)},
          {"cells", cells}};
}

std::string sweep_command(const Swept& swept) {
  std::string command = absl::StrCat("lapse sweep ", report::quote_shell(swept.name));
  for (const std::string& vary : swept.sweep.request.vary) {
    absl::StrAppend(&command, " --vary ", report::quote_shell(vary));
  }
  for (const std::string& setting : swept.sweep.request.settings) {
    absl::StrAppend(&command, " --set ", report::quote_shell(setting));
  }
  return absl::StrCat(command, " --seed ", swept.sweep.request.seed);
}

std::vector<std::string> reasons(const std::vector<Cell>& cells) {
  std::vector<std::string> all;
  for (const Cell& cell : cells) {
    const std::string& reason = cell.verdict.reason;
    if (cell.verdict.fate == Fate::kError && std::find(all.begin(), all.end(), reason) == all.end()) {
      all.push_back(reason);
    }
  }
  return all;
}

}  // namespace lapse::cli
