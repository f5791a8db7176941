#include "sim/sweep/sweep.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "CLI/CLI.hpp"
#include "control/cli/command.h"
#include "control/cli/sweep_output.h"
#include "control/report/write.h"
#include "sim/scenario/scenario.h"

namespace lapse::cli {
namespace {

constexpr const char* kExample =
    "VALUES is a list of values and ranges FROM..TO/STEP, of durations, whole numbers or percent. NAME is a path as "
    "--set takes\n"
    "it (natgw.late_packet.inside, steps.1.after, timer_step), or a knob:\n"
    "  keepalive   of every connection that clients open: off, or the silence before the first probe\n"
    "  idle        how long the answers take; without such, the longest silence before somebody speaks again\n"
    "  timeout     after how much silence the story's box forgets\n"
    "\n"
    "Examples:\n"
    "  lapse sweep S1.1 --vary keepalive=off,60s..600s/30s --vary idle=60s..900s/30s --html map.html\n"
    "  lapse sweep S1.4 --vary idle=340s..360s/1s --vary natgw.late_packet.inside=rst,drop\n"
    "  lapse sweep S0.1 --vary timeout=60s..1h/60s --csv timeouts.csv\n"
    "\n"
    "Exit status: 0 when the grid was played, whatever came of it; 2 for input that cannot be played.";
constexpr size_t kColumns = 100;
constexpr size_t kMostJobs = 1024;
constexpr size_t kMostReasons = 5;

struct Options {
  std::string name;
  sim::SweepRequest request;
  size_t jobs = 0;
  bool json = false;
  std::string svg;
  std::string html;
  std::string csv;
};

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// On a terminal only: a log wants none.
class ProgressBar {
 public:
  explicit ProgressBar(size_t runs) : runs_(runs), shown_(isatty(STDERR_FILENO) == 1) {}
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    if (shown_) {
      std::fprintf(stderr, "\r\033[K");
    }
  }

  void show(size_t played) {
    constexpr size_t kWidth = 40;
    const size_t percent = played * 100 / runs_;
    if (!shown_ || percent == percent_) {
      return;
    }
    percent_ = percent;
    const std::string done(percent * kWidth / 100, '#');
    std::fprintf(stderr, "\r[%-*s] %3zu %%  %zu of %zu runs", static_cast<int>(kWidth), done.c_str(), percent, played,
                 runs_);
    std::fflush(stderr);
  }

 private:
  size_t runs_;
  bool shown_;
  size_t percent_ = 101;
};

void complain(Context& context, absl::string_view message) {
  std::fprintf(stderr, "lapse sweep: %.*s\n", static_cast<int>(message.size()), message.data());
  context.status = kBadInput;
}

std::vector<sim::Cell> play(const sim::Sweep& sweep, size_t jobs) {
  interrupted = false;
  const auto before = std::signal(SIGINT, [](int) { interrupted = true; });
  const size_t threads = jobs != 0 ? jobs : std::max(1U, std::thread::hardware_concurrency());
  std::vector<sim::Cell> cells;
  {
    ProgressBar bar(sweep.runs());
    cells = sim::play_sweep(sweep, threads, interrupted, [&bar](size_t played) { bar.show(played); });
  }
  std::signal(SIGINT, before);
  return cells;
}

void write_files(const Options& options, const Swept& swept, Context& context) {
  const auto write = [&context](const std::string& file, const auto& make) {
    if (file.empty()) {
      return;
    }
    if (const absl::Status written = report::write_file(file, make()); !written.ok()) {
      complain(context, written.message());
    }
  };
  write(options.svg, [&] { return report::svg_of(heat_map(swept), true); });
  write(options.html, [&] { return report::html_of(sweep_page(swept)); });
  write(options.csv, [&] { return to_csv(swept); });
}

// What could not be played; false when that is everything, and there is no map to draw.
bool tell_of_errors(const Swept& swept, Context& context) {
  const std::vector<std::string> all = reasons(swept.cells);
  const bool hopeless = std::all_of(swept.cells.begin(), swept.cells.end(),
                                    [](const sim::Cell& cell) { return cell.verdict.fate == sim::Fate::kError; });
  if (hopeless) {
    complain(context, "no run of the grid can be played:");
  } else if (!all.empty()) {
    std::fprintf(stderr, "lapse sweep: some runs cannot be played:\n");
  }
  for (size_t at = 0; at < std::min(all.size(), kMostReasons); ++at) {
    std::fprintf(stderr, "  %s\n", all[at].c_str());
  }
  if (all.size() > kMostReasons) {
    std::fprintf(stderr, "  and %zu more reasons\n", all.size() - kMostReasons);
  }
  return !hopeless;
}

void run(Options options, Context& context) {
  if (context.has_program) {
    return complain(context, "starts no program; `lapse lab TOPOLOGY -- CMD` does");
  }
  const auto file = sim::locate_scenario(options.name);
  if (!file.ok()) {
    return complain(context, file.status().message());
  }
  options.request.file = *file;
  auto sweep = sim::plan_sweep(options.request);
  if (!sweep.ok()) {
    return complain(context, sweep.status().message());
  }
  Swept swept{.name = options.name, .sweep = *std::move(sweep), .cells = {}};
  swept.cells = play(swept.sweep, options.jobs);
  if (interrupted) {
    std::fprintf(stderr, "lapse sweep: stopped; nothing was written\n");
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);  // so that a shell's loop stops, too
    return;
  }
  if (!tell_of_errors(swept, context)) {
    return;
  }
  const std::string text = options.json
                               ? to_json(swept).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"
                               : text_map(heat_map(swept), kColumns);
  std::fputs(text.c_str(), stdout);
  write_files(options, swept, context);
}

}  // namespace

void add_sweep(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("sweep", "Play a scenario over a grid of settings, and draw what comes of each.");
  const auto options = std::make_shared<Options>();
  command->add_option("SCENARIO", options->name, "a scenario file, or the name of a shipped one")
      ->type_name("")
      ->required();
  command->add_option("--vary", options->request.vary, "what varies, once or twice: down, and across")
      ->type_name("NAME=VALUES")
      ->allow_extra_args(false);
  command->add_option("--set", options->request.settings, "change one value of every run")
      ->type_name("P=V")
      ->allow_extra_args(false);
  command->add_option("--seed", options->request.seed, "where chance begins (1)")->type_name("N");
  command->add_option("--jobs", options->jobs, "how many runs at a time (as many as there are cores)")
      ->type_name("N")
      ->check(CLI::Range(size_t{1}, kMostJobs));
  command->add_option("--svg", options->svg, "write the map as an SVG image")->type_name("FILE");
  command->add_option("--html", options->html, "write a page with the map and every run; it needs nothing else")
      ->type_name("FILE");
  command->add_option("--csv", options->csv, "write a line for each run")->type_name("FILE");
  command->add_flag("--json", options->json, "print the grid as JSON in place of the map");
  command->footer(kExample);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace lapse::cli
