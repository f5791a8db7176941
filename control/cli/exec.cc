// exec.cc - `lapse exec HOST -- CMD...`.
#include <memory>

#include "control/cli/command.h"
#include "control/lab/join.h"

namespace lapse::cli {

void add_exec(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("exec", "Run a program in a host of a running lab: lapse exec HOST -- CMD...");
  struct Words {
    std::string host;
    std::string instance;
    bool as_root = false;
  };
  const auto words = std::make_shared<Words>();
  command->add_option("host", words->host, "a host of the lab's topology")->type_name("HOST")->required();
  command->add_option("-t,--instance", words->instance, "which lab, where several are running")->type_name("NAME");
  command->add_flag("--root", words->as_root, "as root of the lab: to capture packets, to bind low ports");
  command->footer(
      "Example: lapse exec app -- curl http://api.example.com:8080/\n"
      "         lapse exec --root api -- tcpdump -ni eth0");
  command->callback([words, &context] {
    if (context.program.empty()) {
      throw CLI::ValidationError("exec", "a program has to follow: lapse exec HOST -- CMD...");
    }
    context.status = lab::join_lab({.instance = words->instance.empty() ? std::nullopt : std::optional(words->instance),
                                    .host = words->host,
                                    .program = context.program,
                                    .as_root = words->as_root,
                                    .prompt_hint = false});
  });
}

}  // namespace lapse::cli
