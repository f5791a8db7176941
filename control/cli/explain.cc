#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "CLI/CLI.hpp"
#include "control/cli/command.h"
#include "control/cli/explain_runs.h"
#include "control/explain/codes.h"

namespace lapse::cli {
namespace {

using nlohmann::json;

constexpr const char* kExample =
    "WHAT is the file or name of a scenario, the folder or run.json of `lapse lab --report`, a flow of a running\n"
    "instance (natgw/17.3, app:40000, \"app:40000 > api:8080\", #1, last, all), or a code.\n"
    "\n"
    "Examples:\n"
    "  lapse explain S0.1                            which box, which timer, who was told, and what helps\n"
    "  lapse explain S0.1 --set steps.0.keepalive.time=349s --set timer_step=hz250\n"
    "  lapse explain report/                         a run of `lapse lab --report report`\n"
    "  lapse explain app:40000                       a connection of the lab that is running\n"
    "  lapse explain LATE-RST PORTS                  codes; all that begin so\n"
    "  lapse explain                                 all codes, a line each\n"
    "\n"
    "Codes stand in events, in ladders and in `lapse ctl status`.";

json to_json(const explain::Entry& entry) {
  return {{"code", std::string(entry.code)},
          {"kind", std::string(entry.kind)},
          {"meaning", std::string(entry.explanation.meaning)},
          {"seen", std::string(entry.explanation.seen)},
          {"remedy", std::string(entry.explanation.remedy)}};
}

json to_json(const ExplainedRun& run) {
  json explanations = json::array();
  for (const explain::Explanation& explanation : run.explanations) {
    explanations.push_back(explain::to_json(explanation));
  }
  return {{"argument", run.argument}, {"source", run.source}, {"explanations", explanations}};
}

// The answer to one argument: as text, and as JSON.
struct Answer {
  std::string name;
  Meant meant = Meant::kCodes;
  std::string text;
  json codes = json::array();
  json run;
};

void fail(const absl::Status& status, Context& context) {
  const std::string message(status.message());
  std::fprintf(stderr, "lapse explain: %s\n", message.c_str());
  const bool environment = absl::IsUnavailable(status) || absl::IsInternal(status);
  context.status = environment ? kEnvironment : kBadInput;
}

Answer codes(const std::string& name) {
  Answer answer{.name = name};
  std::vector<explain::Entry> entries = explain::with_prefix(name);
  if (const auto entry = explain::find(name)) {
    entries = {*entry};
  }
  for (const explain::Entry& entry : entries) {
    answer.text += explain::text(entry);
    answer.codes.push_back(to_json(entry));
  }
  return answer;
}

absl::StatusOr<Answer> answer_to(const std::string& name, Meant meant, const ExplainOptions& options) {
  if (meant == Meant::kCodes) {
    return codes(name);
  }
  const auto run = meant == Meant::kScenario ? explain_scenario(name, options)
                   : meant == Meant::kRecord ? explain_record(name)
                                             : explain_flow(name, options);
  if (!run.ok()) {
    return run.status();
  }
  return Answer{.name = name, .meant = meant, .text = text(*run), .run = to_json(*run)};
}

void print_all_codes(bool as_json) {
  json list = json::array();
  for (const explain::Entry& entry : explain::all()) {
    if (as_json) {
      list.push_back(to_json(entry));
    } else {
      std::printf("%-22s %s\n", std::string(entry.code).c_str(), std::string(entry.explanation.meaning).c_str());
    }
  }
  if (as_json) {
    std::printf("%s\n", json{{"codes", list}, {"runs", json::array()}}.dump(2).c_str());
  }
}

// Options that are about nothing that was given.
absl::Status check(const ExplainOptions& options, const std::vector<Meant>& meant) {
  const auto has = [&](Meant one) { return std::find(meant.begin(), meant.end(), one) != meant.end(); };
  if ((!options.settings.empty() || options.seed) && !has(Meant::kScenario)) {
    return absl::InvalidArgumentError("--set and --seed are for scenarios, and none was given");
  }
  if (!options.instance.empty() && !has(Meant::kFlow)) {
    return absl::InvalidArgumentError("--instance is for flows, and none was given");
  }
  return absl::OkStatus();
}

void print(const std::vector<Answer>& answers, bool as_json) {
  json codes = json::array();
  json runs = json::array();
  for (const Answer& answer : answers) {
    if (as_json) {
      codes.insert(codes.end(), answer.codes.begin(), answer.codes.end());
      if (!answer.run.is_null()) {
        runs.push_back(answer.run);
      }
      continue;
    }
    const bool titled = answers.size() > 1 && answer.meant != Meant::kCodes;
    const bool first = &answer == &answers.front();
    std::printf("%s%s%s%s", titled && !first ? "\n" : "", titled ? answer.name.c_str() : "", titled ? ":\n" : "",
                answer.text.c_str());
  }
  if (as_json) {
    const json document{{"codes", codes}, {"runs", runs}};
    std::printf("%s\n", document.dump(2, ' ', false, json::error_handler_t::replace).c_str());
  }
}

void run(const ExplainOptions& options, Context& context) {
  if (context.has_program) {
    std::fprintf(stderr, "lapse explain: starts no program; `lapse lab TOPOLOGY -- CMD` does\n");
    context.status = kBadInput;
    return;
  }
  std::vector<Meant> meant;
  for (const std::string& name : options.names) {
    const auto one = what_is_meant(name);
    if (!one.ok()) {
      fail(one.status(), context);
      continue;
    }
    meant.push_back(*one);
  }
  if (context.status != kSuccess) {
    return;
  }
  if (const absl::Status status = check(options, meant); !status.ok()) {
    fail(status, context);
    return;
  }
  if (options.names.empty()) {
    print_all_codes(options.json);
    return;
  }
  std::vector<Answer> answers;
  for (size_t at = 0; at < meant.size(); ++at) {
    auto answer = answer_to(options.names[at], meant[at], options);
    if (answer.ok()) {
      answers.push_back(*std::move(answer));
    } else {
      fail(answer.status(), context);
    }
  }
  if (context.status == kSuccess) {
    print(answers, options.json);
  }
}

}  // namespace

void add_explain(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "explain", "Say in plain words what happened to a connection and what would fix it, or what a code means.");
  const auto options = std::make_shared<ExplainOptions>();
  command->add_option("WHAT", options->names, "scenarios, recorded runs, flows of a running instance, codes")
      ->type_name("");
  command->add_option("--set", options->settings, "change one value of a scenario or its topology")
      ->type_name("P=V")
      ->allow_extra_args(false);
  command->add_option("--seed", options->seed, "where a scenario's chance begins (1)")->type_name("N");
  command->add_option("-t,--instance", options->instance, "whose flow it is, where several are running")
      ->type_name("NAME");
  command->add_flag("--json", options->json, "print it as JSON");
  command->footer(kExample);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace lapse::cli
