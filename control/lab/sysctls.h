// sysctls.h - kernel settings of one host, and what a warp makes of those that are times.
//
// Owner:    the supervisor.
// Memory:   ordinary.
// Time:     values are seconds or milliseconds of the program's own time until scaled.
// Bytes:    none.
// Cost:     one file of /proc/sys each.
// Lifetime: they die with the host's namespace.
// Spec:     design, "Time": scale; ip-sysctl in the kernel's documentation.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace lapse::lab {

// A dotted key's file; a dot inside an interface's name is written as a slash, as sysctl(8) has it.
std::string sysctl_path(const std::string& key);

// In the calling thread's namespace. Only net.* belongs to a host; another key, or one that this kernel lacks, is
// named.
absl::Status write_sysctl(const std::string& key, const std::string& value);
absl::StatusOr<std::string> read_sysctl(const std::string& key);

struct TimeSysctl {
  std::string_view key;
  std::string_view unit;  // "s" or "ms"
  long smallest;          // that the kernel takes
};

// The settings that a warp divides.
const std::vector<TimeSysctl>& time_sysctls();

// One value that was divided by the factor.
struct Scaled {
  std::string host;
  std::string what;  // the sysctl, or the socket option
  std::string who;   // the program; empty for a sysctl
  std::string unit;
  double wanted = 0;
  double given = 0;  // what the kernel got
  double exact = 0;  // wanted / factor

  bool rounded() const { return given != exact; }
};

// wanted / factor in whole units, down, but not below 'smallest'.
long divide(long wanted, unsigned factor, long smallest);

// Divides every time setting of the calling thread's namespace, the topology's values having been written before.
absl::StatusOr<std::vector<Scaled>> warp_sysctls(const std::string& host, unsigned factor);

}  // namespace lapse::lab
