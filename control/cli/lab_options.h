// lab_options.h - the options that lab and shell share, from words to a lab that can be run.
//
// Owner:    the command.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: CLI11 writes into it while it parses.
// Spec:     design, section 8.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "control/lab/lab.h"
#include "control/lab/resolution.h"
#include "control/topology/topology.h"

namespace lapse::cli {

struct LabWords {
  std::string topology;
  std::string at;
  std::string name;
  std::string limit;
  unsigned factor = 1;
  unsigned workers = 1;
  std::vector<std::string> settings;
  std::string report;
  std::vector<std::string> expectations;
  bool verbose = false;
};

// --name, --warp, --set, --limit, --workers and -v.
void add_lab_options(CLI::App& command, LabWords& words);

struct LabToRun {
  topology::Topology topology;
  lab::LabOptions options;
};

// Loads the topology and checks the words against it; nothing, and messages on standard error, when that fails.
std::optional<LabToRun> prepare_lab(const LabWords& words, const std::vector<std::string>& program);

}  // namespace lapse::cli
