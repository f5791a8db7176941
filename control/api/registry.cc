#include "control/api/registry.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lapse::api {
namespace {

constexpr std::string_view kHowToStart = "start one with: lapse lab TOPOLOGY -- CMD";

std::string default_root() {
  if (const char* folder = std::getenv("LAPSE_RUNTIME_DIR"); folder != nullptr && *folder != '\0') {
    return folder;
  }
  if (geteuid() == 0) {
    return "/run/lapse";
  }
  if (const char* folder = std::getenv("XDG_RUNTIME_DIR"); folder != nullptr && *folder != '\0') {
    return absl::StrCat(folder, "/lapse");
  }
  return absl::StrCat("/tmp/lapse-", geteuid());
}

// Reading the lock takes it for a moment in shared mode, which does not disturb a second reader.
bool is_locked(const std::string& lock) {
  const int file = open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    return false;
  }
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(file);
  return held;
}

std::string names_of(const std::vector<InstanceEntry>& entries) {
  return absl::StrJoin(entries, ", ", [](std::string* out, const InstanceEntry& entry) { out->append(entry.name); });
}

}  // namespace

absl::StatusOr<std::string> instances_root() {
  std::string root = default_root();
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(root).parent_path(), error);
  if (mkdir(root.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
    return absl::UnavailableError(absl::StrCat("cannot make the folder of running instances, ", root, ": ",
                                               std::strerror(errno),
                                               "; set LAPSE_RUNTIME_DIR to one that you may write"));
  }
  struct stat found {};
  if (lstat(root.c_str(), &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid()) {
    return absl::PermissionDeniedError(
        absl::StrCat(root, " is no folder of yours; remove it, or set LAPSE_RUNTIME_DIR to a folder of your own"));
  }
  if ((found.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::PermissionDeniedError(absl::StrCat("others may write to ", root, "; run: chmod 700 ", root));
  }
  return root;
}

std::vector<InstanceEntry> list_instances(const std::string& root) {
  std::vector<InstanceEntry> entries;
  std::error_code error;
  for (const auto& folder : std::filesystem::directory_iterator(root, error)) {
    if (!folder.is_directory(error)) {
      continue;
    }
    const std::string directory = folder.path();
    entries.push_back({.name = folder.path().filename(),
                       .directory = directory,
                       .socket = directory + "/control.sock",
                       .alive = is_locked(directory + "/lock")});
  }
  std::sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) { return left.name < right.name; });
  return entries;
}

absl::StatusOr<InstanceEntry> find_instance(const std::string& root, const std::optional<std::string>& name) {
  std::vector<InstanceEntry> entries = list_instances(root);
  std::erase_if(entries, [](const InstanceEntry& entry) { return !entry.alive; });
  if (entries.empty()) {
    return absl::UnavailableError(absl::StrCat("no instance is running", name ? " (asked for " + *name + ")" : "", "; ",
                                               std::string(kHowToStart)));
  }
  if (!name) {
    if (entries.size() == 1) {
      return entries.front();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("several instances are running: ", names_of(entries), "; choose one with -t NAME"));
  }
  const auto found =
      std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.name == *name; });
  if (found == entries.end()) {
    return absl::NotFoundError(absl::StrCat("no instance is called ", *name, "; running: ", names_of(entries)));
  }
  return *found;
}

}  // namespace lapse::api
