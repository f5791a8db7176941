#include "control/cli/topology_argument.h"

#include <cstdio>

#include "control/lab/messages.h"

namespace lapse::cli {

std::optional<topology::Topology> load_topology(const std::string& name, const std::vector<std::string>& settings) {
  const auto path = topology::locate(name);
  if (!path.ok()) {
    lab::say(std::string(path.status().message()));
    return std::nullopt;
  }
  topology::Findings findings;
  auto topology = topology::load_with(*path, settings, findings);
  for (const std::string& warning : findings.warnings) {
    std::fprintf(stderr, "%s\n", warning.c_str());
  }
  for (const std::string& error : findings.errors) {
    std::fprintf(stderr, "%s\n", error.c_str());
  }
  return topology;
}

}  // namespace lapse::cli
