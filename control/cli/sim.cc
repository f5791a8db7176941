#include <algorithm>
#include <atomic>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "nlohmann/json.hpp"

#include "CLI/CLI.hpp"
#include "control/cli/command.h"
#include "control/cli/sim_output.h"
#include "control/cli/sim_pictures.h"
#include "control/lab/lab.h"
#include "control/topology/text.h"
#include "sim/live/endpoint.h"
#include "sim/live/live.h"
#include "sim/scenario/runner.h"
#include "sim/scenario/scenario.h"

namespace lapse::cli {
namespace {

constexpr const char* kExample =
    "Examples:\n"
    "  lapse sim --list\n"
    "  lapse sim S0.1 --ladder\n"
    "  lapse sim S0.1 --set natgw.late_packet.outside=rst\n"
    "  lapse sim my-stories/*.yaml --junit report.xml\n"
    "  lapse sim S0.1 S0.2 --html side-by-side.html\n"
    "  lapse sim S0.1 --beside steps.0.keepalive.time=60s --html fix.html\n"
    "\n"
    "Exit status: 0 when every expectation is met, 1 when one is not, 2 for a file that cannot be played.";

struct Options {
  std::vector<std::string> names;
  std::vector<std::string> settings;
  uint64_t seed = 1;
  std::string junit;
  bool list = false;
  bool ladder = false;
  bool json = false;
  bool must_fail = false;
  bool live = false;
  unsigned workers = 1;
  Pictures pictures;
};

void play_live(const sim::Scenario& scenario, const Options& options, Played& played) {
  auto outcome = live::play_live(scenario, {.seed = options.seed, .workers = options.workers});
  if (!outcome.ok()) {
    played.cannot = true;
    const absl::string_view why = outcome.status().message();
    played.errors.push_back(topology::concat(scenario.name, ": ", std::string_view(why.data(), why.size())));
    return;
  }
  played.outcome.misses = std::move(outcome->misses);
  played.differences = std::move(outcome->differences);
  played.outcome.ladders = std::move(outcome->ladders);
}

Played play(const Job& job, const Options& options) {
  Played played{.job = job, .name = job.name};
  const auto path = sim::locate_scenario(job.name);
  if (!path.ok()) {
    played.errors.emplace_back(path.status().message());
    return played;
  }
  played.file = *path;
  topology::Findings findings;
  const auto scenario = sim::load_scenario(*path, job.settings, findings);
  played.errors = findings.errors;
  if (!scenario) {
    return played;
  }
  played.name = scenario->name;
  played.title = scenario->title;
  if (options.live) {
    play_live(*scenario, options, played);
    return played;
  }
  auto outcome =
      sim::play(*scenario, options.seed, options.pictures.need_frames() ? sim::Frames::kKept : sim::Frames::kNone);
  if (!outcome.ok()) {
    played.errors.emplace_back(outcome.status().message());
    return played;
  }
  played.outcome = *std::move(outcome);
  if (options.must_fail) {
    for (sim::Miss& line : sim::lines_that_change_nothing(*path, options.seed)) {
      line.text = topology::concat("to fail with ", line.text);
      played.outcome.misses.push_back(std::move(line));
    }
  }
  return played;
}

std::vector<Job> jobs_of(const Options& options) {
  std::vector<Job> jobs;
  for (const std::string& name : options.names) {
    jobs.push_back({.name = name, .settings = options.settings});
    if (!options.pictures.beside.empty()) {
      Job other{.name = name, .settings = options.settings, .beside = true};
      other.settings.insert(other.settings.end(), options.pictures.beside.begin(), options.pictures.beside.end());
      jobs.push_back(std::move(other));
    }
  }
  return jobs;
}

std::vector<Played> play_all(const std::vector<Job>& jobs, const Options& options) {
  std::vector<Played> all(jobs.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t mine = next++; mine < all.size(); mine = next++) {
      all[mine] = play(jobs[mine], options);
    }
  };
  std::vector<std::thread> threads;
  // Labs are processes that fork, and their kernels share this machine: one after the other.
  const size_t most = options.live ? 1 : std::max(1U, std::thread::hardware_concurrency());
  const size_t count = std::min<size_t>(all.size(), most);
  for (size_t thread = 1; thread < count; ++thread) {
    threads.emplace_back(work);
  }
  work();
  for (std::thread& thread : threads) {
    thread.join();
  }
  return all;
}

report::ReportedRun run_of(const Played& played, const Options& options) {
  report::ReportedRun run{.name = played.name,
                          // What a scenario is called need not be true of it with something changed.
                          .title = played.job.settings.empty() ? played.title : "",
                          .command = sim_command(played.job.name, options.seed, played.job.settings),
                          .record = played.outcome.record,
                          .living = played.outcome.living,
                          .end = played.outcome.end};
  for (const std::string& setting : played.job.settings) {
    run.name += (&setting == &played.job.settings.front() ? " with " : ", ") + setting;
  }
  for (const sim::Experience& experience : played.outcome.experiences) {
    run.experiences.push_back(sim::to_string(experience));
  }
  for (const sim::AccessLog& log : played.outcome.logs) {
    for (const sim::Proxy::Line& line : log.lines) {
      run.experiences.push_back(topology::concat(log.proxy, " logs ", sim::to_string(line)));
    }
  }
  if (!played.job.beside) {
    run.misses.emplace();
    for (const sim::Miss& miss : played.outcome.misses) {
      run.misses->push_back(topology::concat("line ", std::to_string(miss.place.line), ": expected {", miss.text,
                                             "}, found: ", miss.found));
    }
  }
  return run;
}

void write_pictures(const std::vector<Played>& all, const Options& options, Context& context) {
  std::vector<report::ReportedRun> runs;
  for (const Played& played : all) {
    if (played.errors.empty()) {
      runs.push_back(run_of(played, options));
    }
  }
  if (const absl::Status written = write_pictures(options.pictures, runs); !written.ok()) {
    std::fprintf(stderr, "lapse sim: %s\n", std::string(written.message()).c_str());
    context.status = kBadInput;
  }
}

void list_scenarios() {
  for (const std::string& name : sim::shipped_scenarios()) {
    const auto path = sim::locate_scenario(name);
    topology::Findings findings;
    const auto scenario = path.ok() ? sim::load_scenario(*path, {}, findings) : std::nullopt;
    std::printf("%-20s %s\n", name.c_str(), scenario ? scenario->title.c_str() : "(cannot be loaded)");
  }
}

void run(const Options& options, Context& context) {
  if (context.has_program) {
    std::fprintf(stderr, "lapse sim: starts no program; `lapse lab TOPOLOGY -- CMD` does\n");
    context.status = kBadInput;
    return;
  }
  if (options.list) {
    list_scenarios();
    return;
  }
  if (options.names.empty()) {
    std::fprintf(stderr, "lapse sim: a scenario is needed: a file, or a name that `lapse sim --list` shows\n");
    context.status = kBadInput;
    return;
  }
  if (const std::string wrong = mistake(options.pictures, options.names.size()); !wrong.empty()) {
    std::fprintf(stderr, "lapse sim: %s\n", wrong.c_str());
    context.status = kBadInput;
    return;
  }
  if (!options.live && options.workers > 1) {
    std::fprintf(stderr, "lapse sim: --workers is about --live; a simulation has no threads\n");
    context.status = kBadInput;
    return;
  }
  if (options.live && (options.must_fail || options.pictures.any())) {
    std::fprintf(stderr, "lapse sim: --live compares ladders; %s without it\n",
                 options.must_fail ? "--must-fail is" : "pictures are drawn");
    context.status = kBadInput;
    return;
  }
  nlohmann::json runs = nlohmann::json::array();
  const std::vector<Played> all = play_all(jobs_of(options), options);
  for (const Played& played : all) {
    if (!played.errors.empty()) {
      context.status = played.cannot ? kEnvironment : kBadInput;
    } else if (played.job.beside) {
      continue;
    } else if (!played.ok() && context.status == kSuccess) {
      context.status = kExpectationFailed;
    }
    if (options.json) {
      runs.push_back(to_json(played, options.seed));
    } else {
      print(played, options.ladder);
    }
  }
  write_pictures(all, options, context);
  if (options.json) {
    const nlohmann::json document{{"scenarios", runs}};
    std::printf("%s\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  }
  if (!options.junit.empty() && !write_junit(options.junit, all)) {
    context.status = kBadInput;
  }
}

}  // namespace

// What `--live` runs on each host; hidden, because nobody else has a use for it.
void add_live_endpoint(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("live-endpoint", "A host of a live story.")->group("");
  const auto words = std::make_shared<std::pair<std::string, std::string>>();
  command->add_option("socket", words->first)->required();
  command->add_option("host", words->second)->required();
  command->callback([words, &context] { context.status = live::run_endpoint(words->first, words->second); });
}

void add_sim(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("sim", "Play scenarios in virtual time, and say which expectations fail.");
  const auto options = std::make_shared<Options>();
  command->add_option("SCENARIO", options->names, "scenario files, or names of shipped ones")->type_name("");
  command->add_option("--set", options->settings, "change one value of the scenario or its topology")
      ->type_name("P=V")
      ->allow_extra_args(false);
  command->add_option("--seed", options->seed, "where chance begins (1)")->type_name("N");
  command->add_flag("--list", options->list, "show the shipped scenarios");
  command->add_flag("--must-fail", options->must_fail,
                    "play each line of must_fail_with, too: it has to break the story");
  command->add_flag("--ladder", options->ladder, "draw what happened");
  command->add_flag("--live", options->live,
                    "the same steps on kernel sockets in a lab, and whether the ladders agree");
  command->add_option("--workers", options->workers, "of --live: threads that carry packets, 1 to 4 (1)")
      ->type_name("N")
      ->check(CLI::Range(1U, lab::kMostWorkers));
  command->add_flag("--json", options->json, "print the outcome as JSON");
  command->add_option("--junit", options->junit, "write the outcome as JUnit XML, for CI")->type_name("FILE");
  add_picture_options(*command, options->pictures);
  command->footer(kExample);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace lapse::cli
