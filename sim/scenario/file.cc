// Where scenarios are, and how one is read.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "control/topology/document.h"
#include "control/topology/text.h"
#include "control/topology/values.h"
#include "sim/scenario/load.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/schema.h"

namespace lapse::sim {
namespace {

using topology::concat;
using topology::Entry;
using topology::Node;
using topology::Report;

constexpr std::string_view kFolder = "scenarios";
constexpr std::string_view kEnding = ".yaml";

bool is_of_scenario(std::string_view setting) {
  const std::string_view first = setting.substr(0, setting.find_first_of(".="));
  return kScenarioObject.find(first) != nullptr;
}

// One step of a path: a key of a map, or a position in a list.
absl::StatusOr<Node*> child(Node& node, std::string_view part, const topology::Place& place) {
  if (node.kind == Node::Kind::kList) {
    const auto number = topology::parse_count(part);
    if (!number.ok() || *number >= node.items.size()) {
      return absl::NotFoundError(concat("no such position (", topology::shown(part), "); the list has ",
                                        topology::counted(node.items.size(), "item"), ", counted from 0"));
    }
    return &node.items[*number];
  }
  if (node.kind == Node::Kind::kText) {
    return absl::NotFoundError(
        concat(topology::shown(part), " cannot be set in ", topology::describe(node), "; accepted is a map there"));
  }
  node.kind = Node::Kind::kMap;  // one that is new so far
  if (Entry* const entry = node.find(part); entry != nullptr) {
    return &entry->value;
  }
  node.entries.push_back({std::string(part), place, {}});
  node.entries.back().value.place = place;
  return &node.entries.back().value;
}

void apply_setting(Node& root, const std::string& setting, Report& report) {
  const topology::Place place{concat("--set ", topology::shown(setting))};
  const size_t equals = setting.find('=');
  if (equals == std::string::npos) {
    report.error(place, "", "leads nowhere; accepted is PATH=VALUE like steps.0.keepalive.time=60s");
    return;
  }
  Node* at = &root;
  std::string_view path = std::string_view(setting).substr(0, equals);
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const absl::StatusOr<Node*> next = child(*at, path.substr(0, dot), place);
    if (!next.ok()) {
      report.error(place, "", concat("leads nowhere: ", std::string(next.status().message())));
      return;
    }
    at = *next;
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  std::optional<Node> value = topology::parse_document(setting.substr(equals + 1), place.file, report);
  if (value) {
    *at = *std::move(value);
    at->place = place;
  }
}

std::optional<std::string> read(const std::string& path, Report& report) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.str().size() > topology::kLargestFileBytes) {
    report.error({path}, "", file ? "larger than 1 MiB; that is no scenario" : "cannot be read");
    return std::nullopt;
  }
  return text.str();
}

struct Setting {
  std::string text;
  topology::Place place;
};

// What the scenario itself sets in its topology.
std::vector<Setting> settings_of(const Node& root, Report& report) {
  std::vector<Setting> settings;
  const Entry* const entry = root.find("set");
  if (entry == nullptr) {
    return settings;
  }
  const std::vector<Node> one{entry->value};
  for (const Node& item : entry->value.kind == Node::Kind::kList ? entry->value.items : one) {
    if (item.kind == Node::Kind::kText) {
      settings.push_back({item.text, item.place});
    } else {
      report.error(item.place, "set",
                   concat("text is needed, found ", topology::describe(item),
                          "; accepted is a list of PATH=VALUE like natgw.late_packet=drop"));
    }
  }
  return settings;
}

// A topology tells of a setting as of the command line's; here its place is known.
void find_places(const std::vector<Setting>& settings, topology::Findings& findings) {
  findings.errors.clear();
  for (topology::Finding& finding : findings.error_details) {
    for (const Setting& setting : settings) {
      if (finding.place.file == concat("--set ", topology::shown(setting.text))) {
        finding.place = setting.place;
      }
    }
    findings.errors.push_back(topology::to_string(finding));
  }
}

// The same for what the settings have changed.
void find_places(const std::vector<Setting>& settings, topology::Topology& topology) {
  const auto correct = [&settings](topology::Place& place) {
    for (const Setting& setting : settings) {
      if (place.file == concat("--set ", topology::shown(setting.text))) {
        place = setting.place;
        return;
      }
    }
  };
  for (topology::Box& box : topology.boxes) {
    std::for_each(box.nat_gateway.timeout_places.begin(), box.nat_gateway.timeout_places.end(), correct);
    correct(box.nat_gateway.late_inside_place);
    correct(box.nat_gateway.late_outside_place);
  }
  for (topology::Host& host : topology.hosts) {
    for (auto& [name, place] : host.sysctl_places) {
      correct(place);
    }
  }
}

template <typename Value>
void append(std::vector<Value>& to, std::vector<Value>& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

// The topology that the scenario names, with the settings that are its own.
bool load_its_topology(const Node& root, const std::vector<std::string>& settings, Scenario& scenario,
                       topology::Findings& findings, Report& report) {
  const Entry* const entry = root.find("topology");
  if (entry == nullptr || entry->value.kind != Node::Kind::kText) {
    report.error(entry == nullptr ? topology::Place{scenario.file} : entry->value.place, "topology",
                 "the path of a topology file is needed, like ../nat-gateway.yaml");
    return false;
  }
  const std::filesystem::path path = std::filesystem::path(scenario.file).parent_path() / entry->value.text;
  const std::vector<Setting> its_own = settings_of(root, report);
  std::vector<std::string> all;
  for (const Setting& setting : its_own) {
    all.push_back(setting.text);
  }
  std::copy_if(settings.begin(), settings.end(), std::back_inserter(all),
               [](const std::string& setting) { return !is_of_scenario(setting); });
  topology::Findings found;
  auto topology = topology::load_with(path.lexically_normal().string(), all, found);
  find_places(its_own, found);
  append(findings.errors, found.errors);
  append(findings.warnings, found.warnings);
  append(findings.error_details, found.error_details);
  append(findings.warning_details, found.warning_details);
  if (!topology) {
    return false;
  }
  find_places(its_own, *topology);
  scenario.topology = *std::move(topology);
  return true;
}

std::vector<std::filesystem::path> folders() {
  std::vector<std::filesystem::path> all;
  for (const std::filesystem::path& folder : topology::shipped_folders()) {
    all.push_back(folder / kFolder);
  }
  return all;
}

}  // namespace

std::optional<Scenario> load_scenario(const std::string& path, const std::vector<std::string>& settings,
                                      topology::Findings& findings) {
  Report report;
  Scenario scenario;
  scenario.file = path;
  bool loaded = false;
  if (const auto text = read(path, report)) {
    if (auto root = topology::parse_document(*text, path, report)) {
      for (const std::string& setting : settings) {
        if (is_of_scenario(setting)) {
          apply_setting(*root, setting, report);
        }
      }
      loaded = load_its_topology(*root, settings, scenario, findings, report);
      if (loaded) {
        read_scenario(*root, scenario, report);
      }
    }
  }
  const bool in_order = loaded && !report.has_errors();
  report.deliver(findings);
  return in_order ? std::optional(std::move(scenario)) : std::nullopt;
}

std::vector<std::string> shipped_scenarios() {
  std::vector<std::string> names;
  for (const std::filesystem::path& folder : folders()) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      if (entry.path().extension() == kEnding) {
        names.push_back(entry.path().stem().string());
      }
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

absl::StatusOr<std::string> locate_scenario(const std::string& name) {
  std::error_code error;
  if (std::filesystem::is_regular_file(name, error)) {
    return name;
  }
  for (const std::filesystem::path& folder : folders()) {
    const std::filesystem::path candidate = folder / concat(name, kEnding);
    if (name.find('/') == std::string::npos && std::filesystem::is_regular_file(candidate, error)) {
      return candidate.string();
    }
  }
  const std::vector<std::string> shipped = shipped_scenarios();
  const std::vector<std::string_view> names(shipped.begin(), shipped.end());
  return absl::NotFoundError(concat("no file and no shipped scenario is called ", topology::shown(name),
                                    topology::suggestion(name, names), "`lapse sim --list` shows those there are"));
}

}  // namespace lapse::sim
