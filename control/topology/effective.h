// effective.h - every setting in force, where it was said, or where its default comes from.
//
// Owner:    one load of one file.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: a Setting is a value; its views are the tables'.
// Spec:     design, `lapse check --effective`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/topology/default.h"
#include "control/topology/document.h"
#include "control/topology/topology.h"

namespace lapse::topology {

struct EffectiveSetting {
  enum class From { kFile, kSetting, kDefault, kFixed };  // the last: no key changes it

  std::string key;    // "boxes.natgw.timeouts.udp"
  std::string value;  // as a file would say it, or in words where none can
  From from = From::kDefault;
  Place place;           // of kFile and kSetting
  std::string_view row;  // of the reference, of the others; empty: the choice is ours
  Confidence confidence = Confidence::kOwn;
};

// Of a document without errors, in the order of the tables: every key that it has, and every absent one that has a
// default. What is neither there nor has a default is not in force.
std::vector<EffectiveSetting> effective_settings(const Node& root, const Topology& topology);

}  // namespace lapse::topology
