// lab.cc - `lapse lab TOPOLOGY [-- CMD...]`.
#include <memory>

#include "control/cli/command.h"
#include "control/cli/lab_options.h"

namespace lapse::cli {

void add_lab(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "lab", "Run a topology as real hosts on this machine, and a program in one: lapse lab TOPOLOGY -- CMD...");
  const auto words = std::make_shared<LabWords>();
  command->add_option("topology", words->topology, "a file, or the name of a shipped topology")
      ->type_name("TOPOLOGY")
      ->required();
  command->add_option("--at", words->at, "where CMD runs (the topology's start_at)")->type_name("HOST");
  add_lab_options(*command, *words);
  command
      ->add_option("--report", words->report,
                   "write the run into this folder at its end: report.svg, .html, .md and .pcapng")
      ->type_name("DIR");
  command
      ->add_option("--expect", words->expectations,
                   "what CMD's run has to leave, as 'natgw.IdleTimeoutCount == 0', or a file; may be repeated")
      ->type_name("E")
      ->allow_extra_args(false);
  command->footer(
      "With `-- CMD...`, CMD runs as you, in this directory, and its status is the result; the end says which box\n"
      "forgot what. Without it the lab stays until Ctrl-C. A range of user ids in /etc/subuid lets services change\n"
      "users when you are not root.\n\n"
      "--expect takes BOX.METRIC OP NUMBER with the provider's metrics and == != < <= > >=, or a file like\n"
      "  expect:\n"
      "    - { never: { event: rst_sent, to: app } }\n"
      "    - { box: natgw, metric: IdleTimeoutCount, at_most: 1 }\n"
      "Status 120: CMD succeeded, and an expectation is not met.\n\n"
      "Examples: lapse lab nat-gateway --warp 50 -- curl http://api.example.com:8080/\n"
      "          lapse lab nat-gateway --expect 'natgw.IdleTimeoutCount == 0' -- ./client");
  command->callback([words, &context] {
    if (context.has_program && context.program.empty()) {
      throw CLI::ValidationError("--", "a program has to follow");
    }
    const auto lab = prepare_lab(*words, context.program);
    context.status = lab ? lab::run_lab(lab->topology, lab->options) : kLapseFailed;
  });
}

}  // namespace lapse::cli
