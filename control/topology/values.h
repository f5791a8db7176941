// values.h - the values of a topology file: durations, addresses, names, numbers.
//
// Owner:    none; pure functions.
// Memory:   allocates messages.
// Time:     durations are virtual.
// Bytes:    addresses in wire order.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "durations carry a unit", "addresses takes ranges"; RFC 1123 for host names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "dataplane/net/impairments.h"
#include "dataplane/time.h"
#include "dataplane/wire/address.h"

namespace lapse::topology {

inline constexpr size_t kMostAddressesInRange = 4096;

// "350s", "5d", "120ms", "1m30s". A status' message says what is wrong, with the value: "a unit is missing (350)".
absl::StatusOr<Duration> parse_duration(std::string_view text);

// The units of durations and rates, the largest first.
std::vector<std::string_view> duration_units();
std::vector<std::string_view> rate_units();

// The shortest text that parse_duration() reads back: "350s" stays "350s", 432000 s is "5d".
std::string duration_text(Duration duration);

// "1%", "0.5%", "0.01". A number without a percent sign has a point, so that nobody's 1 is taken for 100%.
absl::StatusOr<Probability> parse_probability(std::string_view text);

// "64kbit", "10mbit", "1gbit", as tc(8) writes bits a second.
absl::StatusOr<uint64_t> parse_rate(std::string_view text);

absl::StatusOr<uint64_t> parse_count(std::string_view text);
absl::StatusOr<Ipv4Address> parse_address(std::string_view text);

// One address or a range, "10.0.1.10-10.0.1.59", both ends included.
absl::StatusOr<std::vector<Ipv4Address>> parse_address_range(std::string_view text);

// A prefix whose host bits are zero.
absl::StatusOr<Ipv4Prefix> parse_subnet(std::string_view text);

// An address that one station can have: unicast, and not its own machine's loopback.
absl::StatusOr<MacAddress> parse_station_mac(std::string_view text);

// "0000:3b:00.0", as the kernel writes it; the domain may be left out, which is 0000 then.
absl::StatusOr<std::string> parse_pci_address(std::string_view text);

// Lower-case letters, digits and hyphens between them.
absl::Status check_name(std::string_view name, size_t longest);

// A name that programs resolve: "api.example.com".
absl::Status check_dns_name(std::string_view name);

// "net.ipv4.tcp_keepalive_time".
absl::Status check_sysctl_name(std::string_view name);

}  // namespace lapse::topology
