#include "control/topology/reader.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "control/topology/text.h"

namespace lapse::topology {
namespace {

std::string message_of(const absl::Status& status) {
  return std::string(status.message());
}

}  // namespace

ObjectReader::ObjectReader(const Node& node, const Object& object, std::string path, const Place& declared,
                           Report& report)
    : node_(node), object_(object), path_(std::move(path)), declared_(declared), report_(report) {
  if (!is_map()) {
    report_.error(node.place, path_, concat("a map is needed, found ", describe(node)));
    return;
  }
  for (const Entry& entry : node_.entries) {
    if (object_.find(entry.key) == nullptr) {
      report_unknown(entry);
    }
  }
  for (const Key& key : object_.keys) {
    if (key.need == Need::kRequired && !has(key.name)) {
      report_.error(declared_, path_, concat(key.name, " is missing (", key.doc, "); accepted is ", key.accepted));
    }
  }
}

ObjectReader::~ObjectReader() {
#ifndef NDEBUG
  for (const std::string_view key : object_.key_names()) {
    assert(!is_map() || asked_.contains(key));
  }
#endif
}

std::string ObjectReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : concat(path_, ".", key);
}

void ObjectReader::error(const Place& place, std::string_view key, std::string message) const {
  report_.error(place, path_of(key), std::move(message));
}

void ObjectReader::report_unknown(const Entry& entry) const {
  const std::string key = shown(entry.key);
  if (const Refused* refused = object_.find_refused(entry.key)) {
    error(entry.place, key, std::string(refused->reason));
    return;
  }
  const std::vector<std::string_view> names = object_.key_names();
  error(entry.place, key,
        concat("unknown key (", key, ")", suggestion(entry.key, names), "accepted here: ", listed(names)));
}

const Key& ObjectReader::key_of(std::string_view name, std::initializer_list<Shape> shapes) {
  const Key* key = object_.find(name);
  assert(key != nullptr && std::find(shapes.begin(), shapes.end(), key->shape) != shapes.end());
  (void)shapes;
  asked_.insert(key->name);
  return *key;
}

bool ObjectReader::expect(const Entry& entry, Node::Kind kind, const Key& key) const {
  if (entry.value.kind == kind) {
    return true;
  }
  const std::string_view wanted = kind == Node::Kind::kMap ? "a map" : kind == Node::Kind::kList ? "a list" : "text";
  error(entry.value.place, key.name,
        concat(wanted, " is needed, found ", describe(entry.value), "; accepted is ", key.accepted));
  return false;
}

const Entry* ObjectReader::scalar(const Key& key) {
  const Entry* entry = node_.find(key.name);
  return entry != nullptr && expect(*entry, Node::Kind::kText, key) ? entry : nullptr;
}

template <typename Parse>
auto ObjectReader::parsed(std::string_view name, Shape shape, Parse parse)
    -> std::optional<Said<typename decltype(parse(std::string_view()))::value_type>> {
  using Value = typename decltype(parse(std::string_view()))::value_type;
  const Key& key = key_of(name, {shape});
  const Entry* entry = scalar(key);
  if (entry == nullptr) {
    return std::nullopt;
  }
  auto value = parse(entry->value.text);
  if (!value.ok()) {
    error(entry->value.place, key.name, concat(message_of(value.status()), "; accepted is ", key.accepted));
    return std::nullopt;
  }
  return Said<Value>{*std::move(value), entry->value.place};
}

std::optional<Said<std::string>> ObjectReader::text(std::string_view name) {
  const Key& key = key_of(name, {Shape::kName, Shape::kText, Shape::kDevice});
  const Entry* entry = scalar(key);
  if (entry == nullptr) {
    return std::nullopt;
  }
  if (entry->value.text.empty() || entry->value.text.find('\0') != std::string::npos) {
    error(entry->value.place, key.name,
          concat("empty or with a NUL in it (", shown(entry->value.text), "); accepted is ", key.accepted));
    return std::nullopt;
  }
  return Said<std::string>{entry->value.text, entry->value.place};
}

std::optional<Said<std::string_view>> ObjectReader::choice(std::string_view name) {
  const Key& key = key_of(name, {Shape::kChoice});
  const Entry* entry = scalar(key);
  if (entry == nullptr) {
    return std::nullopt;
  }
  const auto chosen = std::find(key.choices.begin(), key.choices.end(), entry->value.text);
  if (chosen == key.choices.end()) {
    error(entry->value.place, key.name,
          concat("unknown value (", shown(entry->value.text), ")", suggestion(entry->value.text, key.choices),
                 "accepted is ", key.accepted));
    return std::nullopt;
  }
  return Said<std::string_view>{*chosen, entry->value.place};
}

std::optional<Said<uint64_t>> ObjectReader::count(std::string_view name) {
  const Key& key = key_of(name, {Shape::kCount});
  return parsed(name, Shape::kCount, [&](std::string_view text) -> absl::StatusOr<uint64_t> {
    absl::StatusOr<uint64_t> value = parse_count(text);
    if (value.ok() && (*value < key.least || *value > key.most)) {
      return absl::InvalidArgumentError(concat("out of range (", shown(text), ")"));
    }
    return value;
  });
}

std::optional<Said<Duration>> ObjectReader::duration(std::string_view name) {
  return parsed(name, Shape::kDuration, parse_duration);
}

std::optional<Said<Probability>> ObjectReader::probability(std::string_view name) {
  return parsed(name, Shape::kProbability, parse_probability);
}

std::optional<Said<uint64_t>> ObjectReader::rate(std::string_view name) {
  return parsed(name, Shape::kRate, parse_rate);
}

std::optional<Said<Ipv4Address>> ObjectReader::address(std::string_view name) {
  return parsed(name, Shape::kAddress, parse_address);
}

std::optional<Said<std::string>> ObjectReader::pci_address(std::string_view name) {
  return parsed(name, Shape::kPciAddress, parse_pci_address);
}

std::optional<Said<Ipv4Prefix>> ObjectReader::prefix(std::string_view name) {
  return parsed(name, Shape::kPrefix, parse_subnet);
}

std::vector<Said<std::string>> ObjectReader::texts(std::string_view name) {
  const Key& key = key_of(name, {Shape::kTextList, Shape::kHostNames, Shape::kAddresses});
  const Entry* entry = node_.find(key.name);
  std::vector<Said<std::string>> values;
  if (entry == nullptr) {
    return values;
  }
  if (entry->value.kind == Node::Kind::kText) {
    values.push_back({entry->value.text, entry->value.place});
    return values;
  }
  if (!expect(*entry, Node::Kind::kList, key)) {
    return values;
  }
  if (entry->value.items.empty()) {
    error(entry->value.place, key.name, concat("an empty list; accepted is ", key.accepted));
  }
  for (const Node& item : entry->value.items) {
    if (item.kind == Node::Kind::kText) {
      values.push_back({item.text, item.place});
    } else {
      error(item.place, key.name, concat("text is needed, found ", describe(item), "; accepted is ", key.accepted));
    }
  }
  return values;
}

std::optional<std::vector<Said<Ipv4Address>>> ObjectReader::addresses(std::string_view name) {
  const Key& key = key_of(name, {Shape::kAddresses});
  if (!has(name)) {
    return std::nullopt;
  }
  std::vector<Said<Ipv4Address>> values;
  for (const Said<std::string>& text : texts(name)) {
    const absl::StatusOr<std::vector<Ipv4Address>> range = parse_address_range(text.value);
    if (!range.ok()) {
      error(text.place, key.name, concat(message_of(range.status()), "; accepted is ", key.accepted));
      continue;
    }
    if (values.size() + range->size() > kMostAddressesInRange) {
      error(text.place, key.name,
            concat("more than ", std::to_string(kMostAddressesInRange), " addresses in all (", shown(text.value), ")"));
      break;
    }
    for (const Ipv4Address address : *range) {
      values.push_back({address, text.place});
    }
  }
  return values;
}

const Entry* ObjectReader::entry(std::string_view name) {
  const Key& key = key_of(name, {Shape::kObject, Shape::kObjectByName, Shape::kObjectList, Shape::kSysctls,
                                 Shape::kMacByAddress, Shape::kChoiceBySide});
  const Entry* entry = node_.find(name);
  if (entry == nullptr) {
    return nullptr;
  }
  if (key.shape == Shape::kChoiceBySide && entry->value.kind == Node::Kind::kText) {
    return entry;
  }
  const Node::Kind kind = key.shape == Shape::kObjectList ? Node::Kind::kList : Node::Kind::kMap;
  return expect(*entry, kind, key) ? entry : nullptr;
}

std::vector<const Entry*> ObjectReader::named_entries(std::string_view name) {
  std::vector<const Entry*> entries;
  if (const Entry* map = entry(name)) {
    const Key& key = *object_.find(name);
    if (map->value.entries.size() < key.least) {
      error(map->place, name, concat("an empty map; accepted is ", key.accepted));
    }
    for (const Entry& one : map->value.entries) {
      if (const absl::Status status = check_name(one.key, key.most); !status.ok()) {
        report_.error(one.place, concat(path_of(name), ".", shown(one.key)), message_of(status));
      }
      entries.push_back(&one);
    }
  }
  return entries;
}

std::vector<std::string_view> ObjectReader::alternatives() const {
  const Object& object = object_.alternatives.keys.empty() && object_.includes != nullptr ? *object_.includes : object_;
  std::vector<std::string_view> present;
  std::copy_if(object.alternatives.keys.begin(), object.alternatives.keys.end(), std::back_inserter(present),
               [this](std::string_view key) { return has(key); });
  return present;
}

}  // namespace lapse::topology
