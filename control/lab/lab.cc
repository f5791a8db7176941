#include "control/lab/lab.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "absl/strings/str_cat.h"

#include "control/exit_status.h"
#include "control/lab/caller.h"
#include "control/lab/files.h"
#include "control/lab/messages.h"
#include "control/lab/program_file.h"
#include "control/lab/supervisor.h"

namespace lapse::lab {
namespace {

constexpr size_t kLongestName = 64;

// 0, or the status with which a program is refused that could not run: before anything is made.
int check_program(const LabOptions& options) {
  if (options.program.empty()) {
    return 0;
  }
  const std::string& program = options.program.front();
  const char* path = std::getenv("PATH");
  const std::string search_path = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  const auto found = find_program(program, search_path);
  if (!found.ok()) {
    say(std::string(found.status().message()));
    return absl::IsNotFound(found.status()) ? kNotFound : kCannotExecute;
  }
  if (options.factor == 1) {
    return 0;
  }
  const auto why = why_not_warpable(program, search_path, find_caller().uid);
  if (!why.ok()) {
    say(absl::StrCat(program, ": its interpreter cannot be started: ", why.status().message()));
    return kCannotExecute;
  }
  if (*why) {
    say(absl::StrCat("`", program, "` cannot be warped: ", **why, "; leave out --warp, and let time pass with ",
                     "`lapse ctl clock advance`"));
    return kCannotExecute;
  }
  return 0;
}

}  // namespace

bool is_valid_name(const std::string& name) {
  return !name.empty() && name.size() <= kLongestName && std::isalnum(static_cast<unsigned char>(name[0])) != 0 &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; });
}

int run_lab(const topology::Topology& topology, const LabOptions& options) {
  if (const int refused = check_program(options); refused != 0) {
    return refused;
  }
  return Supervisor(topology, options).run();
}

absl::StatusOr<std::string> run_directed_lab(const topology::Topology& topology, const LabOptions& options,
                                             Director& director) {
  return Supervisor(topology, options, &director).direct();
}

}  // namespace lapse::lab
