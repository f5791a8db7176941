#include "control/topology/settings.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "control/topology/schema.h"
#include "control/topology/text.h"
#include "control/topology/values.h"

namespace lapse::topology {
namespace {

// What the schema says about the node that a path has reached.
struct Position {
  Node* node = nullptr;
  const Object* object = nullptr;  // of a map with keys of a table
  const Key* key = nullptr;        // of a map by name, a list, or a value
};

struct Group {
  std::string_view key;
  const Object* object;
};
constexpr std::array<Group, 3> kGroups{
    {{"boxes", &kNatGatewayObject}, {"hosts", &kHostObject}, {"links", &kLinkObject}}};

class Setting {
 public:
  Setting(Node& root, const std::string& text, Report& report)
      : root_(root), report_(report), place_{concat("--set ", shown(text))} {
    const size_t equals = text.find('=');
    path_ = text.substr(0, equals);
    if (equals != std::string::npos) {
      value_ = text.substr(equals + 1);
    }
  }

  void apply() {
    if (!value_ || path_.empty()) {
      error("accepted is PATH=VALUE like natgw.timeouts.icmp=60s");
      return;
    }
    std::optional<Node> value = parse_value();
    if (!value) {
      return;
    }
    std::string_view rest = path_;
    Position position = start(rest);
    while (position.node != nullptr && !rest.empty()) {
      position = descend(position, rest);
    }
    if (position.node != nullptr) {
      *position.node = *std::move(value);
    }
  }

 private:
  void error(std::string message) { report_.error(place_, "", std::move(message)); }

  std::optional<Node> parse_value() {
    Report problems;
    std::optional<Node> value;
    if (value_->find_first_not_of(" \t\r\n") == std::string::npos) {
      value = Node{};
    } else {
      value = parse_document(*value_, place_.file, problems);
    }
    Findings findings;
    problems.deliver(findings);
    for (const Finding& finding : findings.error_details) {
      error(concat("the value ", shown(*value_), ": ", finding.message));
    }
    if (!value || !findings.errors.empty()) {
      return std::nullopt;
    }
    set_place(*value);
    return value;
  }

  void set_place(Node& node) {
    node.place = place_;
    for (Node& item : node.items) {
      set_place(item);
    }
    for (Entry& entry : node.entries) {
      entry.place = place_;
      set_place(entry.value);
    }
  }

  static std::string_view take_part(std::string_view& rest) {
    const size_t dot = rest.find('.');
    const std::string_view part = rest.substr(0, dot);
    rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
    return part;
  }

  Position start(std::string_view& rest) {
    const std::string_view whole = rest;
    const std::string_view first = take_part(rest);
    std::vector<std::string_view> names;
    for (const Group& group : kGroups) {
      Entry* entries = root_.find(group.key);
      if (entries == nullptr || entries->value.kind != Node::Kind::kMap) {
        continue;
      }
      if (Entry* entry = entries->value.find(first); entry != nullptr && !rest.empty()) {
        return {&entry->value, group.object, nullptr};
      }
      if (entries->value.find(first) != nullptr && kTopologyObject.find(first) == nullptr) {
        error(concat("a key of ", shown(first), " is missing; accepted is ", shown(first),
                     ".KEY=VALUE with one of the keys ", listed(group.object->key_names())));
        return {};
      }
      for (const Entry& entry : entries->value.entries) {
        names.push_back(entry.key);
      }
    }
    if (kTopologyObject.find(first) != nullptr || kTopologyObject.find_refused(first) != nullptr) {
      rest = whole;
      return {&root_, &kTopologyObject, nullptr};
    }
    for (const std::string_view key : kTopologyObject.key_names()) {
      names.push_back(key);
    }
    error(concat("no box, host, link or key of the file is called ", shown(first), suggestion(first, names),
                 "accepted is NAME.KEY=VALUE with one of ", listed(names)));
    return {};
  }

  Position descend(const Position& at, std::string_view& rest) {
    if (at.key != nullptr && at.key->shape == Shape::kObjectList) {
      return descend_list(at, rest);
    }
    const bool dotted_keys =
        at.key != nullptr && (at.key->shape == Shape::kSysctls || at.key->shape == Shape::kMacByAddress);
    const std::string_view part = dotted_keys ? std::exchange(rest, {}) : take_part(rest);
    if (at.key != nullptr && at.key->shape == Shape::kObjectByName && !rest.empty() && is_misspelt(at, part)) {
      return {};
    }
    Node* child = child_of(*at.node, part);
    if (child == nullptr) {
      return {};
    }
    if (at.key != nullptr && at.key->shape == Shape::kObjectByName) {
      return {child, at.key->object, nullptr};
    }
    const Key* key = at.object != nullptr ? at.object->find(part) : nullptr;
    const bool is_object = key != nullptr && (key->shape == Shape::kObject || key->shape == Shape::kChoiceBySide);
    return {child, is_object ? key->object : nullptr, is_object ? nullptr : key};
  }

  // A name that is nobody's and near to somebody's. One that is new may be built up key by key.
  bool is_misspelt(const Position& at, std::string_view name) {
    std::vector<std::string_view> names;
    for (const Entry& entry : at.node->entries) {
      names.push_back(entry.key);
    }
    if (at.node->find(name) != nullptr || nearest(name, names).empty()) {
      return false;
    }
    error(concat("nothing in ", at.key->name, " is called ", shown(name), suggestion(name, names), "there are ",
                 listed(names)));
    return true;
  }

  Position descend_list(const Position& at, std::string_view& rest) {
    const std::string_view part = take_part(rest);
    const absl::StatusOr<uint64_t> number = parse_count(part);
    std::vector<Node>& items = at.node->items;
    if (!number.ok() || *number >= items.size()) {
      error(concat("no such position in the list of ", at.key->name, " (", shown(part), "); it has ",
                   counted(items.size(), "item"), ", counted from 0"));
      return {};
    }
    return {&items[*number], at.key->object, nullptr};
  }

  // The value of a key, added where it is not there yet. Only maps have keys, and an absent value may become one.
  Node* child_of(Node& node, std::string_view part) {
    if (node.kind == Node::Kind::kNothing) {
      node.kind = Node::Kind::kMap;
      node.place = place_;
    }
    if (node.kind != Node::Kind::kMap) {
      error(concat(shown(part), " cannot be set in ", describe(node), "; accepted is a map there"));
      return nullptr;
    }
    if (Entry* entry = node.find(part)) {
      entry->place = place_;
      return &entry->value;
    }
    node.entries.push_back({std::string(part), place_, Node{.place = place_}});
    return &node.entries.back().value;
  }

  Node& root_;
  Report& report_;
  Place place_;
  std::string path_;
  std::optional<std::string> value_;
};

}  // namespace

void apply_settings(Node& root, const std::vector<std::string>& settings, Report& report) {
  for (const std::string& text : settings) {
    Setting(root, text, report).apply();
  }
}

}  // namespace lapse::topology
