// shell.cc - `lapse shell TOPOLOGY [HOST]`.
#include <memory>

#include "control/api/registry.h"
#include "control/cli/command.h"
#include "control/cli/lab_options.h"
#include "control/lab/join.h"
#include "control/lab/messages.h"
#include "control/lab/prompt.h"

namespace lapse::cli {
namespace {

bool runs(const std::string& name) {
  const auto root = api::instances_root();
  return root.ok() && api::find_instance(*root, name).ok();
}

int run_shell(const LabWords& words, bool as_root) {
  const std::vector<std::string> shell{lab::own_shell()};
  auto lab = prepare_lab(words, shell);
  if (!lab) {
    return kLapseFailed;
  }
  if (runs(lab->options.name)) {
    return lab::join_lab({.instance = lab->options.name,
                          .host = lab->options.at,
                          .program = shell,
                          .as_root = as_root,
                          .prompt_hint = true});
  }
  if (as_root) {
    lab::say("--root is for a lab that runs already: start it with `lapse lab` first");
    return kLapseFailed;
  }
  lab->options.prompt_hint = true;
  return lab::run_lab(lab->topology, lab->options);
}

}  // namespace

void add_shell(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("shell", "Open a shell in a host of a lab, which is started if it does not run.");
  const auto words = std::make_shared<LabWords>();
  const auto as_root = std::make_shared<bool>(false);
  command->add_option("topology", words->topology, "a file, or the name of a shipped topology")
      ->type_name("TOPOLOGY")
      ->required();
  command->add_option("host", words->at, "where (the topology's start_at)")->type_name("HOST");
  add_lab_options(*command, *words);
  command->add_flag("--root", *as_root, "as root of a running lab: to capture packets, to bind low ports");
  command->footer("Example: lapse shell nat-gateway app");
  command->callback([words, as_root, &context] { context.status = run_shell(*words, *as_root); });
}

}  // namespace lapse::cli
