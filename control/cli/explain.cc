#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "CLI/CLI.hpp"
#include "control/cli/command.h"
#include "control/explain/codes.h"
#include "control/topology/text.h"

namespace lapse::cli {
namespace {

constexpr const char* kExample =
    "Examples:\n"
    "  lapse explain LATE-RST PORTS-EXHAUSTED\n"
    "  lapse explain              all codes, a line each\n"
    "\n"
    "Codes stand in events, in ladders and in `lapse ctl status`.";

struct Options {
  std::vector<std::string> codes;
  bool json = false;
};

nlohmann::json to_json(const explain::Entry& entry) {
  return {{"code", std::string(entry.code)},
          {"kind", std::string(entry.kind)},
          {"meaning", std::string(entry.explanation.meaning)},
          {"seen", std::string(entry.explanation.seen)},
          {"remedy", std::string(entry.explanation.remedy)}};
}

void report_unknown(const std::string& code) {
  std::vector<std::string_view> known;
  for (const explain::Entry& entry : explain::all()) {
    known.push_back(entry.code);
  }
  std::fprintf(stderr, "lapse explain: no event and no reason of a drop is called %s%s`lapse explain` lists them\n",
               topology::shown(code).c_str(), topology::suggestion(code, known).c_str());
}

void run(const Options& options, Context& context) {
  if (context.has_program) {
    std::fprintf(stderr, "lapse explain: starts no program; `lapse lab TOPOLOGY -- CMD` does\n");
    context.status = kBadInput;
    return;
  }
  std::vector<explain::Entry> entries;
  for (const std::string& code : options.codes) {
    if (const auto entry = explain::find(code)) {
      entries.push_back(*entry);
    } else {
      report_unknown(code);
      context.status = kBadInput;
    }
  }
  if (context.status != kSuccess) {
    return;
  }
  const bool whole_list = options.codes.empty();
  if (whole_list) {
    entries = explain::all();
  }
  nlohmann::json list = nlohmann::json::array();
  for (const explain::Entry& entry : entries) {
    if (options.json) {
      list.push_back(to_json(entry));
    } else if (whole_list) {
      std::printf("%-22s %s\n", std::string(entry.code).c_str(), std::string(entry.explanation.meaning).c_str());
    } else {
      std::printf("%s", explain::text(entry).c_str());
    }
  }
  if (options.json) {
    std::printf("%s\n", nlohmann::json{{"codes", list}}.dump(2).c_str());
  }
}

}  // namespace

void add_explain(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("explain", "Say what a code means, who notices, and what helps.");
  const auto options = std::make_shared<Options>();
  command->add_option("CODE", options->codes, "of an event or of a drop, as LATE-RST")->type_name("");
  command->add_flag("--json", options->json, "print it as JSON");
  command->footer(kExample);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace lapse::cli
