#include "control/topology/loader.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <utility>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

// Attachments are the same for every kind: those of a box that cannot be built still show who is on which link.
void find_attachments(const Node& node, const std::string& path, const std::string& owner, const std::string& part,
                      Draft& draft, Report& report) {
  if (node.find("link") != nullptr && (node.find("address") != nullptr || node.find("addresses") != nullptr)) {
    ObjectReader reader(node, kAttachmentObject, path, node.place, report);
    load_attachment(reader, owner, part, draft);
    return;
  }
  for (const Entry& entry : node.entries) {
    find_attachments(entry.value, concat(path, ".", shown(entry.key)), owner,
                     part.empty() ? entry.key : concat(part, ".", entry.key), draft, report);
  }
}

void refuse_kind(const Node& kind, const std::string& path, Report& report) {
  const std::string key = concat(path, ".kind");
  if (kind.kind != Node::Kind::kText) {
    report.error(kind.place, key,
                 concat("text is needed, found ", describe(kind), "; accepted is ", listed(available_kinds())));
    return;
  }
  const auto planned = planned_kinds();
  if (std::find(planned.begin(), planned.end(), kind.text) != planned.end()) {
    report.error(kind.place, key, concat("not available yet (", kind.text, "); this version has nat-gateway only"));
    return;
  }
  std::vector<std::string_view> kinds(available_kinds().begin(), available_kinds().end());
  kinds.insert(kinds.end(), planned.begin(), planned.end());
  report.error(kind.place, key,
               concat("unknown kind (", shown(kind.text), ")", suggestion(kind.text, kinds),
                      "accepted is nat-gateway; not available yet: ", listed(planned)));
}

void load_box(const Entry& entry, const std::string& path, Draft& draft, Report& report) {
  Box box;
  box.name = entry.key;
  box.place = entry.place;
  if (entry.value.kind != Node::Kind::kMap) {
    report.error(entry.value.place, path,
                 concat("a map is needed, found ", describe(entry.value),
                        "; accepted is {kind: nat-gateway, inside: ..., outside: ...}"));
    draft.complete = false;
    return;
  }
  const Entry* kind = entry.value.find("kind");
  if (kind != nullptr && kind->value.text == available_kinds().front()) {
    if (auto nat_gateway = load_nat_gateway(entry, path, draft, report)) {
      box.nat_gateway = *std::move(nat_gateway);
      draft.topology.boxes.push_back(std::move(box));
    }
    return;
  }
  draft.complete = false;
  if (kind == nullptr) {
    report.error(entry.place, path, "kind is missing; accepted is kind: nat-gateway");
  } else {
    refuse_kind(kind->value, path, report);
  }
  for (const Entry& part : entry.value.entries) {
    find_attachments(part.value, concat(path, ".", shown(part.key)), entry.key, part.key, draft, report);
  }
}

// The file's name without its folder and ending, as far as it can be a name.
std::string default_name(const std::string& file_name) {
  std::string name;
  for (const char letter : std::filesystem::path(file_name).stem().string()) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(letter)) != 0 && static_cast<unsigned char>(letter) < 0x80;
    if (plain) {
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  name.resize(std::min(name.size(), kLongestTopologyName));
  while (!name.empty() && name.back() == '-') {
    name.pop_back();
  }
  return name.empty() ? "topology" : name;
}

}  // namespace

void load_boxes(ObjectReader& file, Draft& draft) {
  for (const Entry* entry : file.named_entries("boxes")) {
    draft.names.push_back({entry->key, "box", entry->place});
    load_box(*entry, concat("boxes.", shown(entry->key)), draft, file.report());
  }
}

Draft load_draft(const Node& root, const std::string& file_name, Report& report) {
  Draft draft;
  draft.topology.file = file_name;
  draft.topology.name = default_name(file_name);
  ObjectReader file(root, kTopologyObject, "", {file_name}, report);
  if (auto name = file.text("name")) {
    if (const absl::Status status = check_name(name->value, kLongestTopologyName); !status.ok()) {
      file.error(name->place, "name", std::string(status.message()));
    }
    draft.topology.name = std::move(name->value);
  }
  if (auto start_at = file.text("start_at")) {
    draft.topology.start_at = std::move(start_at->value);
    draft.start_at_place = start_at->place;
  }
  load_links(file, draft);
  load_boxes(file, draft);
  load_hosts(file, draft);
  load_ports(file, draft);
  return draft;
}

}  // namespace lapse::topology
