#include "control/topology/topology.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "control/topology/checks.h"
#include "control/topology/document.h"
#include "control/topology/inspect.h"
#include "control/topology/loader.h"
#include "control/topology/reachability.h"
#include "control/topology/report.h"
#include "control/topology/schema.h"
#include "control/topology/settings.h"
#include "control/topology/text.h"

namespace lapse::topology {
namespace {

template <typename Item>
const Item* find_by_name(const std::vector<Item>& items, std::string_view name) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  return found == items.end() ? nullptr : &*found;
}

std::optional<Topology> load_checked(const std::string& text, const std::string& file_name,
                                     const std::vector<std::string>& settings, Report& report,
                                     Inspection* inspection = nullptr) {
  std::optional<Node> root = parse_document(text, file_name, report);
  if (!root) {
    return std::nullopt;
  }
  if (const Entry* scenario = root->find("scenario"); scenario != nullptr && root->find("links") == nullptr) {
    report.error(scenario->place, scenario->key, std::string(kTopologyObject.find_refused("scenario")->reason));
    return std::nullopt;
  }
  apply_settings(*root, settings, report);
  Draft draft = load_draft(*root, file_name, report);
  check_draft(draft, report);
  if (!report.has_errors()) {
    const std::vector<Conversation> conversations = walk_pairs(draft.topology);
    check_reachability(draft.topology, conversations, report);
    if (inspection != nullptr) {
      *inspection = {effective_settings(*root, draft.topology), draw(conversations)};
    }
  }
  if (report.has_errors()) {
    return std::nullopt;
  }
  return std::move(draft.topology);
}

std::optional<std::string> read_file(const std::string& path, Report& report) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::string chunk(size_t{64} * 1024, '\0');
  // A pipe or a device need not end: reading stops where the file is too large anyway.
  while (file && text.size() <= kLargestFileBytes) {
    file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    text.append(chunk, 0, static_cast<size_t>(file.gcount()));
  }
  if (!file.eof() && text.size() <= kLargestFileBytes) {
    report.error({path}, "", concat("cannot be read: ", std::generic_category().message(errno == 0 ? EIO : errno)));
    return std::nullopt;
  }
  if (text.size() > kLargestFileBytes) {
    report.error({path}, "", "larger than 1 MiB; that is no topology");
    return std::nullopt;
  }
  return text;
}

std::optional<Topology> load_and_keep(const std::string& path, const std::vector<std::string>& settings,
                                      Findings& findings, Inspection* inspection) {
  Report report;
  std::optional<Topology> topology;
  if (const std::optional<std::string> text = read_file(path, report)) {
    topology = load_checked(*text, path, settings, report, inspection);
  }
  report.deliver(findings);
  return topology;
}

}  // namespace

const Link* Topology::find_link(std::string_view link) const {
  return find_by_name(links, link);
}
const Box* Topology::find_box(std::string_view box) const {
  return find_by_name(boxes, box);
}
const Host* Topology::find_host(std::string_view host) const {
  return find_by_name(hosts, host);
}

const Port* Topology::find_port(std::string_view link) const {
  const auto found = std::find_if(ports.begin(), ports.end(), [&](const Port& port) { return port.link == link; });
  return found == ports.end() ? nullptr : &*found;
}

std::string Port::argument(std::string_view key) const {
  std::istringstream arguments(device);
  for (std::string argument; std::getline(arguments, argument, ',');) {
    if (argument.size() > key.size() && argument[key.size()] == '=' && argument.starts_with(key)) {
      return argument.substr(key.size() + 1);
    }
  }
  return "";
}

std::optional<Topology> load(const std::string& path, Findings& findings) {
  return load_with(path, {}, findings);
}

std::optional<Topology> load_text(const std::string& text, const std::string& file_name, Findings& findings) {
  Report report;
  std::optional<Topology> topology = load_checked(text, file_name, {}, report);
  report.deliver(findings);
  return topology;
}

std::optional<Topology> load_with(const std::string& path, const std::vector<std::string>& settings,
                                  Findings& findings) {
  return load_and_keep(path, settings, findings, nullptr);
}

std::optional<Topology> inspect(const std::string& path, const std::vector<std::string>& settings, Findings& findings,
                                Inspection& inspection) {
  return load_and_keep(path, settings, findings, &inspection);
}

}  // namespace lapse::topology
