// command.h - how a command joins the `lapse` program: one file and one add_ function each.
//
// Owner:    main.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: the context outlives parsing and the command.
// Spec:     design, "Control": commands.
#pragma once

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "control/exit_status.h"

namespace lapse::cli {

struct Context {
  std::vector<std::string> program;  // what stands behind `--`; main cuts it off before CLI11 parses the rest
  bool has_program = false;          // there was a `--`
  int status = kSuccess;             // set by the command's callback
};

void add_check(CLI::App& app, Context& context);
void add_schema(CLI::App& app, Context& context);
void add_lab(CLI::App& app, Context& context);
void add_sim(CLI::App& app, Context& context);
void add_sweep(CLI::App& app, Context& context);
void add_live_endpoint(CLI::App& app, Context& context);
void add_shell(CLI::App& app, Context& context);
void add_exec(CLI::App& app, Context& context);
void add_run(CLI::App& app, Context& context);
void add_ctl(CLI::App& app, Context& context);
void add_explain(CLI::App& app, Context& context);

}  // namespace lapse::cli
