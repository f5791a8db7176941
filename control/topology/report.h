// report.h - collects everything that is wrong with a file, to tell it all at once.
//
// Owner:    one load of one file.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: as the load; deliver() hands everything over.
// Spec:     design, "all errors at once"; topology.h, Findings.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/topology/topology.h"

namespace lapse::topology {

class Report {
 public:
  // 'key' is the path of the key, "boxes.natgw.timeouts.udp", or empty for the file itself.
  void error(const Place& place, std::string_view key, std::string message);
  void warning(const Place& place, std::string_view key, std::string message);

  bool has_errors() const { return !errors_.empty(); }
  size_t error_count() const { return errors_.size(); }

  // Appends to 'findings' in the order of the lines; what came from --set stands last, in the order of its giving.
  void deliver(Findings& findings);

 private:
  std::vector<Finding> errors_;
  std::vector<Finding> warnings_;
};

// "FILE:LINE:COLUMN: KEY: message"; without line and column for a --set, without the key for the file itself.
std::string to_string(const Finding& finding);

}  // namespace lapse::topology
