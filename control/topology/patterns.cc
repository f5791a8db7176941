#include "control/topology/patterns.h"

#include <algorithm>

#include "control/topology/text.h"
#include "control/topology/values.h"

namespace lapse::topology {
namespace {

constexpr std::string_view kByte = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
constexpr std::string_view kHexDigit = "[0-9a-fA-F]";
constexpr std::string_view kLabel = "[0-9a-zA-Z](?:[0-9a-zA-Z-]*[0-9a-zA-Z])?";
constexpr uint64_t kLongestPrefix = 32;

std::string whole(std::string_view pattern) {
  return concat("^(?:", pattern, ")$");
}

std::string ipv4() {
  return concat(kByte, "(?:\\.", kByte, "){3}");
}

}  // namespace

std::string duration_pattern() {
  std::string parts = "(?=[0-9])";
  for (const std::string_view unit : duration_units()) {
    parts += concat("(?:[0-9]+", unit, ")?");
  }
  return whole(parts);
}

std::string probability_pattern() {
  return whole("0*(?:100(?:\\.0+)?|[0-9]{1,2}(?:\\.[0-9]+)?)%|0*(?:1\\.0+|0\\.[0-9]+)|0+");
}

std::string rate_pattern() {
  std::string units;
  for (const std::string_view unit : rate_units()) {
    units += concat(units.empty() ? "" : "|", unit);
  }
  return whole(concat("[0-9]+(?:", units, ")"));
}

std::string address_pattern() {
  return whole(ipv4());
}

std::string address_range_pattern() {
  return whole(concat(ipv4(), "(?:-", ipv4(), ")?"));
}

std::string prefix_pattern(uint64_t shortest, uint64_t longest) {
  std::string lengths;
  for (uint64_t length = shortest; length <= std::min(longest, kLongestPrefix); ++length) {
    lengths += concat(lengths.empty() ? "" : "|", std::to_string(length));
  }
  return whole(concat(ipv4(), "/0*(?:", lengths, ")"));
}

// The lowest bit of the first byte is that of a group.
std::string mac_pattern() {
  return whole(concat(kHexDigit, "[02468aceACE](?::", kHexDigit, "{2}){5}"));
}

std::string pci_address_pattern() {
  return whole(concat("(?:", kHexDigit, "{4}:)?", kHexDigit, "{2}:[01]", kHexDigit, "\\.[0-7]"));
}

std::string device_pattern() {
  return whole("net_[0-9a-zA-Z_]+(?:,[!-~]*)?");
}

std::string count_pattern() {
  return whole("[0-9]+");
}

std::string name_pattern() {
  return whole("[0-9a-z](?:[0-9a-z-]*[0-9a-z])?");
}

std::string dns_name_pattern() {
  return whole(concat(kLabel, "(?:\\.", kLabel, ")*"));
}

std::string sysctl_name_pattern() {
  return whole("net(?:\\.[0-9a-zA-Z_-]+){2,}");
}

}  // namespace lapse::topology
