// patterns.h - the values of a topology file as regular expressions, for a JSON Schema.
//
// Owner:    none; pure functions.
// Memory:   allocates strings.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     ECMA 262, the part of it that other languages share. Each matches every text that its parser in values.h
//           takes, so that an editor never complains about a good file; a few match more.
#pragma once

#include <cstdint>
#include <string>

namespace lapse::topology {

std::string duration_pattern();
std::string probability_pattern();
std::string rate_pattern();
std::string address_pattern();
std::string address_range_pattern();
std::string prefix_pattern(uint64_t shortest, uint64_t longest);
std::string mac_pattern();
std::string pci_address_pattern();
std::string device_pattern();
std::string count_pattern();
std::string name_pattern();
std::string dns_name_pattern();
std::string sysctl_name_pattern();

}  // namespace lapse::topology
