#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "nlohmann/json.hpp"

#include "CLI/CLI.hpp"
#include "control/cli/command.h"
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
    "\n"
    "Exit status: 0 when every expectation is met, 1 when one is not, 2 for a file that cannot be played.";

struct Options {
  std::vector<std::string> names;
  std::vector<std::string> settings;
  uint64_t seed = 1;
  bool list = false;
  bool ladder = false;
  bool json = false;
  bool live = false;
};

struct Played {
  std::string name;
  std::string file;
  std::string title;
  std::vector<std::string> errors;
  bool cannot = false;  // be played here: nothing is wrong with the file
  sim::Outcome outcome;
  std::vector<std::string> differences;  // of a live ladder from the simulated one

  bool ok() const { return errors.empty() && outcome.misses.empty() && differences.empty(); }
};

void play_live(const sim::Scenario& scenario, const Options& options, Played& played) {
  auto outcome = live::play_live(scenario, options.seed);
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

Played play(const std::string& name, const Options& options) {
  Played played{.name = name};
  const auto path = sim::locate_scenario(name);
  if (!path.ok()) {
    played.errors.emplace_back(path.status().message());
    return played;
  }
  played.file = *path;
  topology::Findings findings;
  const auto scenario = sim::load_scenario(*path, options.settings, findings);
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
  auto outcome = sim::play(*scenario, options.seed);
  if (outcome.ok()) {
    played.outcome = *std::move(outcome);
  } else {
    played.errors.emplace_back(outcome.status().message());
  }
  return played;
}

std::vector<Played> play_all(const Options& options) {
  std::vector<Played> all(options.names.size());
  std::atomic<size_t> next{0};
  const auto work = [&] {
    for (size_t mine = next++; mine < all.size(); mine = next++) {
      all[mine] = play(options.names[mine], options);
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

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
}

void print(const Played& played, const Options& options) {
  using topology::concat;
  if (!played.errors.empty()) {
    for (const std::string& error : played.errors) {
      std::fprintf(stderr, "%s\n", error.c_str());
    }
    return;
  }
  print_line(concat(played.ok() ? "ok    " : "FAIL  ", played.name, played.title.empty() ? "" : "  ", played.title));
  for (const sim::Miss& miss : played.outcome.misses) {
    print_line(concat("      ", miss.place.file, ":", std::to_string(miss.place.line), ": expected {", miss.text, "}"));
    print_line(concat("        found: ", miss.found));
  }
  for (const std::string& difference : played.differences) {
    print_line(concat("      the live ladder is not the simulated one: ", difference));
  }
  if (options.ladder) {
    for (const std::string& ladder : played.outcome.ladders) {
      print_line(concat("\n", ladder));
    }
  }
}

nlohmann::json to_json(const Played& played, uint64_t seed) {
  nlohmann::json misses = nlohmann::json::array();
  for (const sim::Miss& miss : played.outcome.misses) {
    misses.push_back(
        {{"file", miss.place.file}, {"line", miss.place.line}, {"expected", miss.text}, {"found", miss.found}});
  }
  return {{"scenario", played.name},
          {"file", played.file},
          {"title", played.title},
          {"seed", seed},
          {"ok", played.ok()},
          {"differences", played.differences},
          {"errors", played.errors},
          {"misses", misses},
          {"events", played.outcome.events}};
}

void list_scenarios() {
  for (const std::string& name : sim::shipped_scenarios()) {
    const auto path = sim::locate_scenario(name);
    topology::Findings findings;
    const auto scenario = path.ok() ? sim::load_scenario(*path, {}, findings) : std::nullopt;
    std::printf("%-8s %s\n", name.c_str(), scenario ? scenario->title.c_str() : "(cannot be loaded)");
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
  nlohmann::json runs = nlohmann::json::array();
  for (const Played& played : play_all(options)) {
    if (!played.errors.empty()) {
      context.status = played.cannot ? kEnvironment : kBadInput;
    } else if (!played.ok() && context.status == kSuccess) {
      context.status = kExpectationFailed;
    }
    if (options.json) {
      runs.push_back(to_json(played, options.seed));
    } else {
      print(played, options);
    }
  }
  if (options.json) {
    print_line(nlohmann::json{{"scenarios", runs}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
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
  command->add_flag("--ladder", options->ladder, "draw what happened");
  command->add_flag("--live", options->live,
                    "the same steps on kernel sockets in a lab, and whether the ladders agree");
  command->add_flag("--json", options->json, "print the outcome as JSON");
  command->footer(kExample);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace lapse::cli
