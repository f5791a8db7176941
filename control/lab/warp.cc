#include "control/lab/warp.h"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <glob.h>
#include <semaphore.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include "control/lab/files.h"
#include "control/lab/unique_fd.h"

namespace lapse::lab {
namespace {

constexpr const char* kFaketimeLibrary = "libfaketimeMT.so.1";
constexpr const char* kPreloadLibrary = "liblapse_warp.so";

std::string find_faketime() {
  for (const char* folder : {"/usr/lib/*/faketime/", "/usr/lib/faketime/", "/usr/lib64/faketime/",
                             "/usr/local/lib/faketime/", "/usr/local/lib/*/faketime/"}) {
    glob_t found{};
    const std::string pattern = absl::StrCat(folder, kFaketimeLibrary);
    std::string path;
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0 && found.gl_pathc > 0) {
      path = found.gl_pathv[0];
    }
    globfree(&found);
    if (!path.empty()) {
      return path;
    }
  }
  return "";
}

// Beside the program where it was built, or where it was installed.
std::string find_preload() {
  std::error_code error;
  const auto folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"../lab/preload", "../../control/lab/preload", ".", "../lib/lapse"}) {
    const auto path = folder / place / kPreloadLibrary;
    if (access(path.c_str(), R_OK) == 0) {
      return std::filesystem::canonical(path, error).string();
    }
  }
  glob_t found{};
  std::string path;
  const std::string pattern = (folder / "../lib/*/lapse" / kPreloadLibrary).string();
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0 && found.gl_pathc > 0) {
    path = found.gl_pathv[0];
  }
  globfree(&found);
  return path;
}

// What libfaketime shares between processes: two counters, then the start of each clock, where a negative fraction
// means that the first process sets it.
struct SharedClock {
  uint64_t ticks = 0;
  uint64_t file_index = 0;
  struct {
    int64_t seconds = 0;
    int64_t nanoseconds = -1;
  } starts[4];
};
static_assert(sizeof(SharedClock) == 80);

absl::Status make_file(const std::string& path, const void* content, size_t size) {
  UniqueFd file(open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (!file.valid() || fchmod(file.get(), 0666) != 0 ||
      (size > 0 && write(file.get(), content, size) != static_cast<ssize_t>(size))) {
    return errno_status(errno, path);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WarpLibraries> find_warp_libraries() {
  const WarpLibraries libraries{find_faketime(), find_preload()};
  if (libraries.faketime.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("--warp needs ", kFaketimeLibrary, ": sudo apt-get install faketime"));
  }
  if (libraries.preload.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("--warp needs ", kPreloadLibrary, ", which is built and installed with lapse: ./dev demo"));
  }
  if (absl::StrCat(libraries.faketime, libraries.preload).find_first_of(": ") != std::string::npos) {
    return absl::FailedPreconditionError(
        absl::StrCat(libraries.preload, ": the dynamic linker takes no library from a ",
                     "folder with a blank or a colon in its name; move lapse to another"));
  }
  return libraries;
}

std::vector<std::string> WarpFiles::paths() const {
  return {absl::StrCat("/dev/shm/sem.", semaphore.substr(1)), absl::StrCat("/dev/shm", clock), report};
}

WarpFiles plan_warp_files(const std::string& lab) {
  std::array<unsigned char, 6> random{};
  while (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
  }
  std::string token;
  for (const unsigned char byte : random) {
    absl::StrAppendFormat(&token, "%02x", byte);
  }
  const std::string base = absl::StrCat("lapse-", lab, "-", token);
  return {absl::StrCat("/", base), absl::StrCat("/", base, "-clock"), absl::StrCat("/dev/shm/", base, "-report")};
}

absl::Status make_warp_files(const WarpFiles& files) {
  const SharedClock clock;
  if (auto status = make_file(absl::StrCat("/dev/shm", files.clock), &clock, sizeof(clock)); !status.ok()) {
    return status;
  }
  if (auto status = make_file(files.report, nullptr, 0); !status.ok()) {
    return status;
  }
  sem_t* semaphore = sem_open(files.semaphore.c_str(), O_CREAT | O_EXCL, 0666, 1);
  if (semaphore == SEM_FAILED) {
    return errno_status(errno, files.semaphore);
  }
  sem_close(semaphore);
  chmod(files.paths().front().c_str(), 0666);
  return absl::OkStatus();
}

Environment warp_environment(const WarpLibraries& libraries, const WarpFiles& files, unsigned factor) {
  return {
      {"LD_PRELOAD", absl::StrCat(libraries.preload, ":", libraries.faketime)},
      {"FAKETIME", absl::StrCat("+0 x", factor)},
      {"FAKETIME_SHARED", absl::StrCat(files.semaphore, " ", files.clock)},
      // File times stay; faking them would take the shared semaphore for every stat().
      {"NO_FAKE_STAT", "1"},
      {"LAPSE_WARP", std::to_string(factor)},
      {"LAPSE_WARP_REPORT", files.report},
  };
}

std::string first_program(const std::string& command_line) {
  for (const absl::string_view word : absl::StrSplit(command_line, absl::ByAnyChar(" \t\n"), absl::SkipEmpty())) {
    if (word.find_first_of("$`\"'(){};&|<>*?\\") != absl::string_view::npos) {
      return "";
    }
    if (word != "exec" && word.find('=') == absl::string_view::npos) {
      return std::string(word);
    }
  }
  return "";
}

}  // namespace lapse::lab
