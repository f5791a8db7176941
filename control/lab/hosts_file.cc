#include "control/lab/hosts_file.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace lapse::lab {
namespace {

void add_line(std::string& text, Ipv4Address address, const std::vector<std::string>& names) {
  absl::StrAppend(&text, to_string(address), "\t", absl::StrJoin(names, " "), "\n");
}

}  // namespace

std::string hosts_file(const topology::Topology& topology, const std::string& machines_own) {
  std::string text = absl::StrCat("# the lab ", topology.name, "\n");
  for (const topology::Host& host : topology.hosts) {
    bool first = true;
    for (const auto& [interface, attachment] : host.interfaces) {
      // A host of several interfaces is known by its first address, and by HOST.INTERFACE at each.
      std::vector<std::string> names;
      if (first) {
        names.push_back(host.name);
        names.insert(names.end(), host.names.begin(), host.names.end());
      }
      if (host.interfaces.size() > 1) {
        names.push_back(absl::StrCat(host.name, ".", interface));
      }
      if (!names.empty() && !attachment.addresses.empty()) {
        add_line(text, attachment.addresses.front(), names);
      }
      first = false;
    }
  }
  for (const topology::Box& box : topology.boxes) {
    const auto& nat = box.nat_gateway;
    if (!nat.inside.addresses.empty()) {
      add_line(text, nat.inside.addresses.front(), {box.name, absl::StrCat(box.name, ".inside")});
    }
    if (!nat.outside.addresses.empty()) {
      add_line(text, nat.outside.addresses.front(), {absl::StrCat(box.name, ".outside")});
    }
  }
  absl::StrAppend(&text, "# the machine's own\n", machines_own);
  return text;
}

}  // namespace lapse::lab
