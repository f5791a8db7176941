// run.cc - `lapse run TOPOLOGY`.
#include "control/run/run.h"

#include <memory>

#include "absl/strings/str_cat.h"

#include "control/cli/command.h"
#include "control/cli/topology_argument.h"
#include "control/lab/lab.h"
#include "control/lab/messages.h"
#include "control/run/cores.h"

namespace lapse::cli {
namespace {

struct Words {
  std::string topology;
  std::string cores;
  std::string name;
  std::vector<std::string> settings;
  bool adaptive = false;
  bool verbose = false;
};

int refuse(const std::string& why) {
  lab::say(why);
  return kBadInput;
}

int run(const Words& words, const Context& context) {
  if (context.has_program) {
    return refuse(absl::StrCat("run is for devices and starts no program; `lapse lab ", words.topology,
                               " -- CMD` builds hosts and runs one there"));
  }
  const auto cores = run::parse_cores(words.cores);
  if (!cores.ok()) {
    return refuse(absl::StrCat("--cores ", words.cores, ": ", cores.status().message(), "; a list like 1-3,6"));
  }
  const auto topology = load_topology(words.topology, words.settings);
  if (!topology) {
    return kBadInput;
  }
  if (topology->ports.empty()) {
    return refuse(absl::StrCat(topology->file,
                               " has no ports, which say what device carries a link; without devices, `", "lapse lab ",
                               words.topology, "` builds its hosts on this machine"));
  }
  const run::RunOptions options{.name = words.name.empty() ? topology->name : words.name,
                                .cores = *cores,
                                .adaptive = words.adaptive,
                                .verbose = words.verbose};
  if (!lab::is_valid_name(options.name)) {
    return refuse(absl::StrCat("--name ", options.name, ": letters, digits, '-', '_' and '.', at most 64"));
  }
  return run::run(*topology, options);
}

}  // namespace

void add_run(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("run", "Run a topology's boxes between the devices that its `ports` name.");
  const auto words = std::make_shared<Words>();
  command->add_option("topology", words->topology, "a file, or the name of a shipped topology")
      ->type_name("TOPOLOGY")
      ->required();
  command->add_option("--cores", words->cores, "a worker on each of these, polling all the time; as 1-3,6")
      ->type_name("LIST");
  command->add_flag("--adaptive", words->adaptive, "workers sleep when there is nothing to do");
  command->add_option("--name", words->name, "of the instance (the topology's own name)")->type_name("NAME");
  command->add_option("--set", words->settings, "a value of the topology, as natgw.timeouts.udp=60s; may be repeated")
      ->type_name("P=V")
      ->allow_extra_args(false);
  command->add_flag("-v,--verbose", words->verbose, "show what DPDK prints");
  command->footer(
      "Without --cores there is a worker for each queue that `ports` asks for, wherever the kernel puts it, asleep\n"
      "when idle. Everything that the machine lacks is told before anything starts. Ctrl-C ends it, with a summary.\n\n"
      "Exit status: 0; 2 bad input; 3 the machine lacks something, and the message says how to get it.\n\n"
      "Example: lapse run bench.yaml --cores 2-3");
  command->callback([words, &context] { context.status = run(*words, context); });
}

}  // namespace lapse::cli
