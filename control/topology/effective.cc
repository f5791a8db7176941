#include "control/topology/effective.h"

#include <utility>

#include "control/topology/schema.h"
#include "control/topology/text.h"

namespace lapse::topology {
namespace {

using From = EffectiveSetting::From;

std::string value_text(const Node& node) {
  if (node.kind != Node::Kind::kList) {
    return node.text;
  }
  std::string text;
  for (const Node& item : node.items) {
    text += concat(text.empty() ? "" : ", ", item.text);
  }
  return concat("[", text, "]");
}

class Walk {
 public:
  std::vector<EffectiveSetting> take() { return std::move(settings_); }

  // 'node' is nothing where the object is absent: its defaults hold then as well.
  void object(const Node* node, const Object& table, const std::string& path) {
    const bool is_replaced = node != nullptr && !table.instead.empty() && node->find(table.instead) != nullptr;
    for (const Object* one = &table; one != nullptr; one = is_replaced ? nullptr : one->includes) {
      for (const Key& key : one->keys) {
        const Entry* entry = node == nullptr ? nullptr : node->find(key.name);
        const std::string its_path = path.empty() ? std::string(key.name) : concat(path, ".", key.name);
        if (entry == nullptr) {
          absent(key, its_path);
        } else {
          present(entry->value, key, its_path);
        }
      }
    }
    for (const Fact& fact : table.facts) {
      add_default(concat(path, ".", fact.name), fact.value, From::kFixed);
    }
  }

 private:
  void add_default(std::string path, const Default& value, From from) {
    settings_.push_back({std::move(path), std::string(value.shown()), from, {}, value.row, value.confidence});
  }

  void add_said(std::string path, const Node& value) {
    const From from = value.place.line > 0 ? From::kFile : From::kSetting;
    settings_.push_back({std::move(path), value_text(value), from, value.place, {}, {}});
  }

  void absent(const Key& key, const std::string& path) {
    if (key.otherwise.is_known()) {
      add_default(path, key.otherwise, From::kDefault);
    } else if (key.shape == Shape::kObject || key.shape == Shape::kChoiceBySide) {
      object(nullptr, *key.object, path);
    }
  }

  void present(const Node& value, const Key& key, const std::string& path) {
    switch (key.shape) {
      case Shape::kObject:
        object(&value, *key.object, path);
        return;
      case Shape::kChoiceBySide:
        by_side(value, *key.object, path);
        return;
      case Shape::kObjectByName:
        for (const Entry& entry : value.entries) {
          object(&entry.value, *key.object, concat(path, ".", entry.key));
        }
        return;
      case Shape::kObjectList:
        for (size_t number = 0; number < value.items.size(); ++number) {
          object(&value.items[number], *key.object, concat(path, ".", std::to_string(number)));
        }
        return;
      case Shape::kSysctls:
      case Shape::kMacByAddress:
        for (const Entry& entry : value.entries) {
          add_said(concat(path, ".", entry.key), entry.value);
        }
        return;
      default:
        add_said(path, value);
    }
  }

  // One choice is that of every side.
  void by_side(const Node& value, const Object& sides, const std::string& path) {
    if (value.kind == Node::Kind::kMap) {
      object(&value, sides, path);
      return;
    }
    for (const Key& side : sides.keys) {
      add_said(concat(path, ".", side.name), value);
    }
  }

  std::vector<EffectiveSetting> settings_;
};

}  // namespace

std::vector<EffectiveSetting> effective_settings(const Node& root, const Topology& topology) {
  Walk walk;
  walk.object(&root, kTopologyObject, "");
  std::vector<EffectiveSetting> settings = walk.take();
  for (EffectiveSetting& setting : settings) {
    if (setting.key == "name") {
      setting.value = topology.name;  // without one, that of the file
    }
  }
  return settings;
}

}  // namespace lapse::topology
