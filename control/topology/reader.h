// reader.h - reads one map of the file through its table of keys, and reports what the table does not allow.
//
// Owner:    the loader of one object.
// Memory:   none of its own.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: shorter than the node and the report.
// Spec:     schema.h. Every key of the table must have been asked for when the reader goes (asserted), so that no key
//           can be accepted and ignored.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "control/topology/document.h"
#include "control/topology/report.h"
#include "control/topology/schema.h"
#include "control/topology/values.h"

namespace lapse::topology {

// A value with the place where it was said.
template <typename Value>
struct Said {
  Value value{};
  Place place;
};

class ObjectReader {
 public:
  // Reports unknown, refused and missing keys at once. 'declared' is where the object was named: there required keys
  // are missing. 'path' is the way to it: "boxes.natgw".
  ObjectReader(const Node& node, const Object& object, std::string path, const Place& declared, Report& report);
  ~ObjectReader();
  ObjectReader(const ObjectReader&) = delete;
  ObjectReader& operator=(const ObjectReader&) = delete;

  bool is_map() const { return node_.kind == Node::Kind::kMap; }
  bool has(std::string_view key) const { return node_.find(key) != nullptr; }
  const Place& declared() const { return declared_; }
  const std::string& path() const { return path_; }
  std::string path_of(std::string_view key) const;
  Report& report() const { return report_; }

  // Nothing when the key is absent; also when its value is wrong, which is reported then.
  std::optional<Said<std::string>> text(std::string_view key);  // kName, kText, kDevice
  std::optional<Said<std::string>> pci_address(std::string_view key);
  std::optional<Said<std::string_view>> choice(std::string_view key);  // kChoice; the view is the table's
  std::optional<Said<uint64_t>> count(std::string_view key);
  std::optional<Said<Duration>> duration(std::string_view key);
  std::optional<Said<Probability>> probability(std::string_view key);
  std::optional<Said<uint64_t>> rate(std::string_view key);  // bits a second
  std::optional<Said<Ipv4Address>> address(std::string_view key);
  std::optional<Said<Ipv4Prefix>> prefix(std::string_view key);
  std::vector<Said<std::string>> texts(std::string_view key);
  std::optional<std::vector<Said<Ipv4Address>>> addresses(std::string_view key);

  // The entry of the key, unread; its shape (map, list or text) is checked.
  const Entry* entry(std::string_view key);
  // The entries of a map by name; their number and the names are checked.
  std::vector<const Entry*> named_entries(std::string_view key);

  // Those of the object's alternatives that stand there, in the order of the table.
  std::vector<std::string_view> alternatives() const;

  bool was_asked(std::string_view key) const { return asked_.contains(key); }
  const Place& place_of(std::string_view key) const { return node_.find(key)->place; }
  // Says that the caller deals with this key in another way.
  void set_aside(std::string_view key) { asked_.insert(key); }

  void error(const Place& place, std::string_view key, std::string message) const;

 private:
  const Key& key_of(std::string_view key, std::initializer_list<Shape> shapes);
  void report_unknown(const Entry& entry) const;
  const Entry* scalar(const Key& key);
  bool expect(const Entry& entry, Node::Kind kind, const Key& key) const;

  // Reads the text of a scalar by 'parse', which returns a StatusOr; its message and what is accepted are reported.
  template <typename Parse>
  auto parsed(std::string_view name, Shape shape, Parse parse)
      -> std::optional<Said<typename decltype(parse(std::string_view()))::value_type>>;

  const Node& node_;
  const Object& object_;
  std::string path_;
  Place declared_;
  Report& report_;
  std::set<std::string_view> asked_;
};

}  // namespace lapse::topology
