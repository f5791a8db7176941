#include "control/lab/sysctls.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "control/lab/files.h"

namespace lapse::lab {

std::string sysctl_path(const std::string& key) {
  std::string path = key;
  for (char& c : path) {
    c = c == '.' ? '/' : c == '/' ? '.' : c;
  }
  return absl::StrCat("/proc/sys/", path);
}

absl::Status write_sysctl(const std::string& key, const std::string& value) {
  if (!absl::StartsWith(key, "net.")) {
    return absl::InvalidArgumentError(
        absl::StrCat("sysctl ", key, ": only net.* belongs to a host; this one is the whole machine's"));
  }
  const auto status = write_existing(sysctl_path(key), value);
  if (absl::IsNotFound(status)) {
    return absl::NotFoundError(absl::StrCat("sysctl ", key, ": this kernel has none of that name for a host"));
  }
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat("sysctl ", key, " = ", value, ": ", status.message()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> read_sysctl(const std::string& key) {
  auto text = read_file(sysctl_path(key));
  if (!text.ok()) {
    return text.status();
  }
  absl::StripAsciiWhitespace(&*text);
  return text;
}

const std::vector<TimeSysctl>& time_sysctls() {
  static const std::vector<TimeSysctl> settings{
      {"net.ipv4.tcp_keepalive_time", "s", 1},
      {"net.ipv4.tcp_keepalive_intvl", "s", 1},
      {"net.ipv4.tcp_fin_timeout", "s", 1},
      {"net.ipv4.tcp_rto_max_ms", "ms", 1000},
  };
  return settings;
}

long divide(long wanted, unsigned factor, long smallest) {
  return std::max(wanted / static_cast<long>(factor), std::min(wanted, smallest));
}

absl::StatusOr<std::vector<Scaled>> warp_sysctls(const std::string& host, unsigned factor) {
  std::vector<Scaled> done;
  for (const TimeSysctl& setting : time_sysctls()) {
    const std::string key(setting.key);
    const auto text = read_sysctl(key);
    if (absl::IsNotFound(text.status())) {
      continue;
    }
    long wanted = 0;
    if (!text.ok() || !absl::SimpleAtoi(*text, &wanted)) {
      return absl::InternalError(absl::StrCat("sysctl ", key, " of ", host, " cannot be read"));
    }
    const long given = divide(wanted, factor, setting.smallest);
    if (auto status = write_sysctl(key, std::to_string(given)); !status.ok()) {
      return status;
    }
    done.push_back({host, key, "", std::string(setting.unit), static_cast<double>(wanted), static_cast<double>(given),
                    static_cast<double>(wanted) / factor});
  }
  return done;
}

}  // namespace lapse::lab
