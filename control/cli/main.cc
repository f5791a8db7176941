// main.cc - the `lapse` program: cuts off the program behind `--`, lets CLI11 parse the rest, answers mistakes.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "control/cli/command.h"
#include "control/topology/text.h"

namespace lapse::cli {
namespace {

constexpr const char* kExamples =
    "Examples:\n"
    "  lapse check my-network.yaml                                every mistake in a file, with its place\n"
    "  lapse lab nat-gateway --warp 50 -- python3 my_client.py    your program behind a NAT gateway that forgets\n"
    "  lapse lab nat-gateway                                      leave it running; then, from elsewhere:\n"
    "  lapse exec app -- curl http://api.example.com:8080/        a program on one of its hosts\n"
    "  lapse ctl clock advance 351s                               let 351 s of silence pass\n"
    "  lapse ctl flows                                            who still remembers what\n"
    "  lapse sim S0.1 --ladder                                    the same story in virtual time, in milliseconds\n"
    "  lapse sweep S1.1 --vary idle=60s..900s/30s                 where it survives, and where it does not\n"
    "  lapse run bench.yaml --cores 2-3                           the boxes between two NICs\n"
    "\n"
    "`lapse COMMAND --help` shows a command's options and an example.";

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  return std::string(topology::nearest(word, views));
}

std::string listed(const std::vector<std::string>& words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  return topology::listed(views);
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      names.push_back("--" + name);
    }
  }
  return names;
}

// The subcommand that the words before a mistake had reached: "ctl clock" for `lapse ctl clock advnce`.
const CLI::App& innermost(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().back();
  }
  return *command;
}

std::string full_name(const CLI::App& command) {
  const CLI::App* parent = command.get_parent();
  return parent == nullptr ? command.get_name() : full_name(*parent) + " " + command.get_name();
}

// A status of 2 could be the program's own where there is one.
int failure_status(const Context& context) {
  return context.has_program ? kLapseFailed : kBadInput;
}

void report_mistake(const CLI::App& app, std::string_view message, std::string_view suggestion) {
  const std::string name = full_name(app);
  std::fprintf(stderr, "%s: %.*s\n", name.c_str(), static_cast<int>(message.size()), message.data());
  if (!suggestion.empty()) {
    std::fprintf(stderr, "  did you mean `%.*s`?\n", static_cast<int>(suggestion.size()), suggestion.data());
  }
  std::fprintf(stderr, "  `%s --help` shows what is accepted.\n", name.c_str());
}

void report_unexpected(const CLI::App& command, const std::string& word) {
  const bool option = word.starts_with('-');
  const std::vector<std::string> known = option ? option_names(command) : command_names(command);
  const std::string name = word.substr(0, word.find('='));
  if (option) {
    report_mistake(command, "unknown option " + name, nearest(name, known));
  } else if (known.empty()) {
    report_mistake(command, "unexpected argument " + word, "");
  } else {
    report_mistake(command, "unknown command " + word, nearest(word, known));
  }
}

int report_parse_error(const CLI::App& app, const Context& context, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  const std::vector<std::string> unexpected = app.remaining(true);
  const bool extras = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  const bool required = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (!unexpected.empty() && (extras || required)) {
    report_unexpected(command, unexpected.front());
  } else if (const std::vector<std::string> known = command_names(command); required && !known.empty()) {
    report_mistake(command, "one of these has to follow: " + listed(known), "");
  } else {
    report_mistake(command, error.what(), "");
  }
  return failure_status(context);
}

// `lapse help lab` is `lapse lab --help`.
void turn_help_around(std::vector<std::string>& words) {
  if (!words.empty() && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
}

std::vector<std::string> cut_program(int argc, char** argv, Context& context) {
  std::vector<std::string> words(std::next(argv), std::next(argv, argc));
  const auto cut = std::find(words.begin(), words.end(), "--");
  if (cut != words.end()) {
    context.has_program = true;
    context.program.assign(std::next(cut), words.end());
    words.erase(cut, words.end());
  }
  return words;
}

int parse_and_run(CLI::App& app, Context& context, std::vector<std::string> words) {
  try {
    std::reverse(words.begin(), words.end());  // the order in which CLI11 takes them from a vector
    app.parse(std::move(words));
    return context.status;
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      return app.exit(error);
    }
    return report_parse_error(app, context, error);
  }
}

int run(int argc, char** argv, Context& context) {
  CLI::App app("A stateful middlebox that forgets idle connections on purpose, between your programs.", "lapse");
  app.set_version_flag("--version", "lapse " LAPSE_VERSION);
  app.require_subcommand(0, 1);
  add_check(app, context);
  add_schema(app, context);
  add_sim(app, context);
  add_sweep(app, context);
  add_live_endpoint(app, context);
  add_lab(app, context);
  add_shell(app, context);
  add_exec(app, context);
  add_run(app, context);
  add_ctl(app, context);
  add_explain(app, context);

  std::vector<std::string> words = cut_program(argc, argv, context);
  turn_help_around(words);
  if (words.empty() && !context.has_program) {
    words.emplace_back("--help");
  }
  // Set last: subcommands inherit the footer that is there when they are added.
  app.footer(kExamples);
  if (!words.empty() && !words.front().starts_with('-')) {
    const std::vector<std::string> known = command_names(app);
    if (std::find(known.begin(), known.end(), words.front()) == known.end()) {
      report_unexpected(app, words.front());
      return failure_status(context);
    }
  }
  return parse_and_run(app, context, std::move(words));
}

}  // namespace
}  // namespace lapse::cli

int main(int argc, char** argv) {
  lapse::cli::Context context;
  try {
    return lapse::cli::run(argc, argv, context);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lapse: internal error: %s\n", error.what());
  }
  return context.has_program ? lapse::kLapseFailed : lapse::kBadInput;
}
