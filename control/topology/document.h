// document.h - a YAML text as a tree in which every key and value knows its place.
//
// Owner:    one load of one file.
// Memory:   ordinary; at most kMostNodes nodes, aliases counted as what they stand for.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: a Node is a value; pointers into it last until it is changed.
// Spec:     YAML 1.2 core, aliases and the merge key `<<` resolved; tags of one's own, several documents and keys that
//           are not plain text are errors.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/topology/report.h"
#include "control/topology/topology.h"

namespace lapse::topology {

inline constexpr size_t kMostNodes = 20'000;
inline constexpr size_t kLargestFileBytes = size_t{1} << 20;

struct Entry;

struct Node {
  enum class Kind { kNothing, kText, kList, kMap };

  Kind kind = Kind::kNothing;
  Place place;
  std::string text;            // of kText: every scalar is text until a loader asks for more
  std::vector<Node> items;     // of kList
  std::vector<Entry> entries;  // of kMap, in the order of the file, no key twice

  const Entry* find(std::string_view key) const;
  Entry* find(std::string_view key);
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Node value;
};

// "a map", "a list", "nothing", "text (foo)".
std::string describe(const Node& node);

// Nothing when the text is not YAML at all; a tree with duplicate keys and the like is returned, and reported.
std::optional<Node> parse_document(const std::string& text, const std::string& file_name, Report& report);

}  // namespace lapse::topology
