// sim_pictures.h - the options of `lapse sim` that write pictures of what was played, and the files themselves.
//
// Owner:    the command.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: CLI11 writes into it while it parses.
// Spec:     design, section 8: sim.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "CLI/CLI.hpp"
#include "control/report/report.h"

namespace lapse::cli {

struct Pictures {
  std::string svg;
  std::string html;
  std::string markdown;
  std::string pcap;
  std::vector<std::string> beside;  // settings under which each scenario is played once more, for the page

  bool any() const { return !svg.empty() || !html.empty() || !markdown.empty() || !pcap.empty(); }
  bool need_frames() const { return !pcap.empty(); }
};

void add_picture_options(CLI::App& command, Pictures& pictures);

// Why so many scenarios cannot be drawn so; empty when they can.
std::string mistake(const Pictures& pictures, size_t scenarios);

// The command line that plays it again.
std::string sim_command(const std::string& name, uint64_t seed, const std::vector<std::string>& settings);

// In the order of 'runs'; the first that cannot be written ends it.
absl::Status write_pictures(const Pictures& pictures, const std::vector<report::ReportedRun>& runs);

}  // namespace lapse::cli
