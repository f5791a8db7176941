// warp.h - programs that live faster: libfaketime, one clock for all of a lab's programs, and the preload library.
//
// Owner:    the supervisor.
// Memory:   a page of shared memory for the clock, a file in memory for reports.
// Time:     programs see real time from the first start on, times the factor.
// Bytes:    none.
// Cost:     none when not warped.
// Lifetime: the files under /dev/shm go with the lab.
// Spec:     design, section 6: scale.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/lab/caller.h"
#include "control/lab/process.h"

namespace lapse::lab {

struct WarpLibraries {
  std::string faketime;
  std::string preload;
};

// The error names the package and the command that installs it.
absl::StatusOr<WarpLibraries> find_warp_libraries();

struct WarpFiles {
  std::string semaphore;  // names as sem_open() and shm_open() take them
  std::string clock;
  std::string report;  // a path

  std::vector<std::string> paths() const;  // under /dev/shm
};

// Names that nobody else has; nothing is made yet.
WarpFiles plan_warp_files(const std::string& lab);

// Open to every user of the lab, as services change theirs.
absl::Status make_warp_files(const WarpFiles& files);

// For every program of the lab. The preload library stands first: it does alarm() better than libfaketime.
Environment warp_environment(const WarpLibraries& libraries, const WarpFiles& files, unsigned factor);

// The program that a shell command line starts with, "python3" of "LANG=C exec python3 x.py"; empty when unclear.
std::string first_program(const std::string& command_line);

}  // namespace lapse::lab
