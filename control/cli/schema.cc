// schema.cc - `lapse schema [topology|scenario|expectations]`.
#include "control/expect/schema.h"

#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "CLI/CLI.hpp"
#include "control/cli/command.h"
#include "control/topology/json_schema.h"
#include "control/topology/text.h"
#include "sim/scenario/schema.h"

namespace lapse::cli {
namespace {

constexpr const char* kExample =
    "Example:\n"
    "  lapse schema > lapse.schema.json\n"
    "and as the first line of a topology, for an editor with yaml-language-server:\n"
    "  # yaml-language-server: $schema=lapse.schema.json";

struct Kind {
  std::string_view name;
  std::string_view title;
  const topology::Object* table;
};
constexpr std::array<Kind, 3> kKinds{{{"topology", "A topology of lapse", &topology::kTopologyObject},
                                      {"scenario", "A scenario of lapse sim", &sim::kScenarioObject},
                                      {"expectations", "A file for lapse lab --expect", &expect::kFileObject}}};

int print_schema(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Kind& kind : kKinds) {
    if (kind.name == name) {
      std::printf("%s\n", topology::json_schema(*kind.table, kind.title).c_str());
      return kSuccess;
    }
    names.push_back(kind.name);
  }
  std::fprintf(stderr, "lapse schema: no file of this sort (%s)%saccepted is one of %s\n",
               topology::shown(name).c_str(), topology::suggestion(name, names).c_str(),
               topology::listed(names).c_str());
  return kBadInput;
}

}  // namespace

void add_schema(CLI::App& app, Context& context) {
  CLI::App* command =
      app.add_subcommand("schema", "Print the JSON Schema of a file, for editors, made of what the loader accepts.");
  const auto name = std::make_shared<std::string>("topology");
  command->add_option("FILE", *name, "which file: topology, scenario or expectations (topology)")->type_name("KIND");
  command->footer(kExample);
  command->callback([name, &context] { context.status = print_schema(*name); });
}

}  // namespace lapse::cli
