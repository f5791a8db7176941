#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "CLI/CLI.hpp"
#include "control/cli/check_output.h"
#include "control/cli/command.h"
#include "control/topology/inspect.h"
#include "control/topology/text.h"
#include "control/topology/topology.h"

namespace lapse::cli {
namespace {

constexpr const char* kExample =
    "Example:\n"
    "  lapse check my-network.yaml nat-gateway\n"
    "  lapse check nat-gateway --effective --set natgw.capacity=1000\n"
    "\n"
    "Exit status: 0 when every file is in order, 2 otherwise. Warnings alone do not count.";

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> settings;
  bool effective = false;
  bool paths = false;
  bool json = false;
};

struct Checked {
  std::string file;
  std::optional<topology::Topology> topology;
  topology::Findings findings;
  topology::Inspection inspection;
};

Checked check(const std::string& name, const std::vector<std::string>& settings) {
  Checked checked{.file = name};
  const absl::StatusOr<std::string> path = topology::locate(name);
  if (!path.ok()) {
    const topology::Finding finding{{name}, "", std::string(path.status().message())};
    checked.findings.errors.push_back(topology::concat(name, ": ", finding.message));
    checked.findings.error_details.push_back(finding);
    return checked;
  }
  checked.file = *path;
  checked.topology = topology::inspect(*path, settings, checked.findings, checked.inspection);
  return checked;
}

nlohmann::json to_json(const std::vector<topology::Finding>& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (const topology::Finding& finding : findings) {
    list.push_back({{"file", finding.place.file},
                    {"line", finding.place.line},
                    {"column", finding.place.column},
                    {"key", finding.key},
                    {"message", finding.message}});
  }
  return list;
}

nlohmann::json to_json(const Checked& checked, const Options& options) {
  nlohmann::json json{{"file", checked.file},
                      {"ok", checked.topology.has_value()},
                      {"errors", to_json(checked.findings.error_details)},
                      {"warnings", to_json(checked.findings.warning_details)}};
  if (checked.topology) {
    json["name"] = checked.topology->name;
    json["boxes"] = checked.topology->boxes.size();
    json["hosts"] = checked.topology->hosts.size();
    json["links"] = checked.topology->links.size();
    json["ports"] = checked.topology->ports.size();
  }
  if (options.effective) {
    json["effective"] = settings_json(checked.inspection.settings);
  }
  if (options.paths) {
    json["paths"] = paths_json(checked.inspection.paths);
  }
  return json;
}

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
}

void print(const Checked& checked, const Options& options) {
  using topology::concat;
  using topology::counted;
  for (const std::string& error : checked.findings.errors) {
    print_line(error);
  }
  for (const std::string& warning : checked.findings.warnings) {
    print_line(concat(warning, " [warning]"));
  }
  const size_t warnings = checked.findings.warnings.size();
  const std::string also = warnings == 0 ? "" : concat(", ", counted(warnings, "warning"));
  if (checked.topology) {
    print_line(
        concat(checked.file, ": ok (", counted(checked.topology->boxes.size(), "box"), ", ",
               counted(checked.topology->hosts.size(), "host"), ", ", counted(checked.topology->links.size(), "link"),
               checked.topology->ports.empty() ? "" : concat(", ", counted(checked.topology->ports.size(), "port")),
               ")", also));
  } else {
    print_line(concat(checked.file, ": ", counted(checked.findings.errors.size(), "error"), also));
  }
  if (options.effective && !checked.inspection.settings.empty()) {
    std::printf("\n%s", settings_text(checked.inspection.settings).c_str());
  }
  if (options.paths && !checked.inspection.paths.empty()) {
    std::printf("\n%s", paths_text(checked.inspection.paths).c_str());
  }
}

void run(const Options& options, Context& context) {
  if (context.has_program) {
    std::fprintf(stderr, "lapse check: starts no program; `lapse lab TOPOLOGY -- CMD` does\n");
    context.status = kBadInput;
    return;
  }
  nlohmann::json files = nlohmann::json::array();
  for (const std::string& file : options.files) {
    const Checked checked = check(file, options.settings);
    if (!checked.topology) {
      context.status = kBadInput;
    }
    if (options.json) {
      files.push_back(to_json(checked, options));
    } else {
      print(checked, options);
    }
  }
  if (options.json) {
    // A file may hold any bytes, and messages quote them; JSON is UTF-8.
    print_line(nlohmann::json{{"files", files}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  }
}

}  // namespace

void add_check(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("check", "Read topology files and tell everything that is wrong with them.");
  const auto options = std::make_shared<Options>();
  command->add_option("FILE", options->files, "topology files, or names of shipped ones")->required();
  command->add_flag("--effective", options->effective, "every setting in force, and who says so");
  command->add_flag("--paths", options->paths, "the way from every host to every other one, and back");
  command
      ->add_option("--set", options->settings, "a value of the topologies, as natgw.timeouts.udp=60s; may be repeated")
      ->type_name("P=V")
      ->allow_extra_args(false);
  command->add_flag("--json", options->json, "print it all as JSON");
  command->footer(kExample);
  command->callback([options, &context] { run(*options, context); });
}

}  // namespace lapse::cli
