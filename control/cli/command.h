// command.h - how a command joins the `lapse` program: one file and one add_ function each.
//
// Owner:    main.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: the context outlives parsing and the command.
// Spec:     design, "Control": commands and exit status.
#pragma once

#include <string>
#include <vector>

#include "CLI/CLI.hpp"

namespace lapse::cli {

// Exit status of commands that do not start a program.
inline constexpr int kSuccess = 0;
inline constexpr int kExpectationFailed = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kEnvironment = 3;  // the machine lacks something; the message says what and how to get it
// Of commands that do: its own status, 128+N for a signal, and
inline constexpr int kVerdictFailed = 120;
inline constexpr int kTimeLimit = 124;
inline constexpr int kLapseFailed = 125;
inline constexpr int kCannotExecute = 126;
inline constexpr int kNotFound = 127;

struct Context {
  std::vector<std::string> program;  // what stands behind `--`; main cuts it off before CLI11 parses the rest
  bool has_program = false;          // there was a `--`
  int status = kSuccess;             // set by the command's callback
};

void add_check(CLI::App& app, Context& context);
void add_lab(CLI::App& app, Context& context);
void add_shell(CLI::App& app, Context& context);
void add_exec(CLI::App& app, Context& context);
void add_ctl(CLI::App& app, Context& context);

}  // namespace lapse::cli
