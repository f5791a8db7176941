#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <system_error>
#include <vector>

#include "absl/status/status.h"

#include "control/topology/text.h"
#include "control/topology/topology.h"

namespace lapse::topology {
namespace {

constexpr std::string_view kEnding = ".yaml";

bool is_file(const std::filesystem::path& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) && !std::filesystem::is_directory(path, error);
}

std::set<std::string> shipped_names() {
  std::set<std::string> names;
  for (const std::filesystem::path& folder : shipped_folders()) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (entry.path().extension() == kEnding && is_file(entry.path())) {
        names.insert(entry.path().stem().string());
      }
    }
  }
  return names;
}

}  // namespace

std::vector<std::filesystem::path> shipped_folders() {
  std::vector<std::filesystem::path> folders;
  if (const char* given = std::getenv("LAPSE_TOPOLOGIES")) {
    std::string_view rest = given;
    while (!rest.empty()) {
      const size_t colon = rest.find(':');
      if (colon != 0) {
        folders.emplace_back(rest.substr(0, colon));
      }
      rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    }
  }
  folders.emplace_back(LAPSE_SOURCE_TOPOLOGIES);
  folders.emplace_back(LAPSE_INSTALLED_TOPOLOGIES);
  return folders;
}

absl::StatusOr<std::string> locate(const std::string& name) {
  if (name.empty()) {
    return absl::InvalidArgumentError("a topology is needed: a file, or the name of a shipped one");
  }
  if (is_file(name)) {
    return name;
  }
  const bool has_ending = name.size() > kEnding.size() && name.ends_with(kEnding);
  const std::string stem = has_ending ? name.substr(0, name.size() - kEnding.size()) : name;
  if (stem.find('/') == std::string::npos) {
    for (const std::filesystem::path& folder : shipped_folders()) {
      const std::filesystem::path candidate = folder / (stem + std::string(kEnding));
      if (is_file(candidate)) {
        return candidate.string();
      }
    }
  }
  const std::set<std::string> shipped = shipped_names();
  const std::vector<std::string_view> names(shipped.begin(), shipped.end());
  const std::string choice =
      names.empty()
          ? concat("; none is shipped either (looked into $LAPSE_TOPOLOGIES and ", LAPSE_INSTALLED_TOPOLOGIES, ")")
          : concat(suggestion(stem, names), "the shipped topologies are ", listed(names));
  return absl::NotFoundError(concat("no file and no shipped topology is called ", shown(name), choice));
}

}  // namespace lapse::topology
