// lab.h - `lapse lab` from the loaded command line to the exit status.
//
// Owner:    the command; the process is single-threaded and stays in the lab's namespace.
// Memory:   ordinary.
// Time:     real; `limit` is real time.
// Bytes:    none.
// Cost:     a lab starts in well under a second, the services' own start aside.
// Lifetime: everything that it makes is gone when it returns.
// Spec:     design, sections 1, 7 and 8.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "control/expect/expectation.h"
#include "control/topology/topology.h"

namespace lapse::lab {

class Director;

inline constexpr unsigned kMostWorkers = 4;

struct LabOptions {
  std::string name;                  // of the instance
  std::string at;                    // the host for the program; empty without one
  std::vector<std::string> program;  // empty: stay until a signal comes
  bool prompt_hint = false;          // the program is a shell for a person
  unsigned factor = 1;               // of the warp
  unsigned scale = 1;                // of the boxes' clock besides, for hosts that are told how to keep up
  unsigned workers = 1;              // threads of the data plane, each with a queue of every tap
  std::optional<std::chrono::milliseconds> limit;
  bool verbose = false;
  std::string report_folder;                      // absolute, exists; empty: no files
  std::string command;                            // that makes the run again, for the report
  std::vector<expect::Expectation> expectations;  // of what the program's run leaves in the boxes
};

// A lab without a program: 'director' tells the hosts what to do, and its line is returned. The calling process stays in
// the lab's namespace.
absl::StatusOr<std::string> run_directed_lab(const topology::Topology& topology, const LabOptions& options,
                                             Director& director);

// Returns an exit status as of commands that start a program. 'topology' is valid and has the host 'at'.
int run_lab(const topology::Topology& topology, const LabOptions& options);

// An instance name that is fit for a folder and for /run/netns.
bool is_valid_name(const std::string& name);

}  // namespace lapse::lab
