#include "control/lab/warp_report.h"

#include <map>
#include <set>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace lapse::lab {
namespace {

constexpr std::string_view kKeepaliveTime = "net.ipv4.tcp_keepalive_time";

Duration from_seconds(long long seconds) {
  return std::chrono::seconds(seconds);
}

void add_checks(std::vector<Check>& checks, const topology::Topology& topology, const std::string& whose,
                Duration keepalive, unsigned factor, unsigned hertz) {
  for (const topology::Box& box : topology.boxes) {
    const Duration timeout = box.nat_gateway.timeouts[static_cast<size_t>(TimeoutClass::kTcpEstablished)];
    checks.push_back({whose, absl::StrCat(box.name, "'s tcp_established"), resolve(keepalive, timeout, factor, hertz)});
  }
}

std::string number(double value) {
  return absl::StrFormat("%.6g", value);
}

// "60 s -> 1 s (1.2 s rounded down: as if 50 s)"
std::string division(double wanted, double given, const std::string& unit, unsigned factor) {
  const double exact = wanted / factor;
  std::string text = absl::StrCat(number(wanted), " ", unit, " -> ", number(given), " ", unit);
  if (given < exact) {
    absl::StrAppend(&text, " (", number(exact), " ", unit, " rounded down: as if ", number(given * factor), " ", unit,
                    ")");
  } else if (given > exact) {
    absl::StrAppend(&text, " (", number(exact), " ", unit, " is less than the kernel takes: as if ",
                    number(given * factor), " ", unit, ")");
  }
  return text;
}

std::string sysctl_lines(const std::vector<Scaled>& sysctls, unsigned factor) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lines;
  for (const Scaled& scaled : sysctls) {
    const std::string text = absl::StrCat(scaled.what, " ", division(scaled.wanted, scaled.given, scaled.unit, factor));
    auto line = lines.begin();
    while (line != lines.end() && line->first != text) {
      ++line;
    }
    if (line == lines.end()) {
      line = lines.insert(lines.end(), {text, {}});
    }
    line->second.push_back(scaled.host);
  }
  std::string text;
  for (const auto& [what, hosts] : lines) {
    absl::StrAppend(&text, "  ", absl::StrJoin(hosts, ", "), ": ", what, "\n");
  }
  return text;
}

std::string option_lines(const std::vector<SeenOption>& seen, unsigned factor) {
  std::set<std::string> said;
  std::string text;
  for (const SeenOption& option : seen) {
    if (option.unit.empty()) {
      continue;
    }
    const bool micro = option.unit == "us";
    const double scale = micro ? 1e6 : 1;
    const std::string line =
        absl::StrCat("  ", option.program, " on ", option.host, ": ", option.option, " ",
                     division(static_cast<double>(option.wanted) / scale, static_cast<double>(option.given) / scale,
                              micro ? "s" : option.unit, factor),
                     "\n");
    if (said.insert(line).second) {
      absl::StrAppend(&text, line);
    }
  }
  return text;
}

}  // namespace

std::vector<SeenOption> parse_seen_options(std::string_view report) {
  std::vector<SeenOption> seen;
  for (const absl::string_view line : absl::StrSplit(absl::string_view(report.data(), report.size()), '\n')) {
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    SeenOption option;
    if (fields.size() == 7 && absl::SimpleAtoi(fields[1], &option.pid) && absl::SimpleAtoi(fields[5], &option.wanted) &&
        absl::SimpleAtoi(fields[6], &option.given) && !fields[3].empty()) {
      option.host = fields[0];
      option.program = fields[2];
      option.option = fields[3];
      option.unit = fields[4];
      seen.push_back(option);
    }
  }
  return seen;
}

std::vector<Check> checks_before(const topology::Topology& topology, unsigned factor, unsigned hertz) {
  std::vector<Check> checks;
  for (const topology::Host& host : topology.hosts) {
    const auto own = host.sysctls.find(std::string(kKeepaliveTime));
    long long keepalive = 0;
    if (own != host.sysctls.end() && absl::SimpleAtoi(own->second, &keepalive) && keepalive > 0) {
      add_checks(checks, topology, absl::StrCat(host.name, "'s programs"), from_seconds(keepalive), factor, hertz);
    }
  }
  return checks;
}

std::vector<Check> checks_after(const topology::Topology& topology, const std::vector<Scaled>& sysctls,
                                const std::vector<SeenOption>& seen, unsigned factor, unsigned hertz) {
  std::map<std::string, long long> defaults;
  for (const Scaled& scaled : sysctls) {
    if (scaled.what == kKeepaliveTime) {
      defaults[scaled.host] = static_cast<long long>(scaled.wanted);
    }
  }
  std::set<std::pair<std::string, int>> with_own_time;
  for (const SeenOption& option : seen) {
    if (option.option == "TCP_KEEPIDLE") {
      with_own_time.insert({option.host, option.pid});
    }
  }
  std::set<std::tuple<std::string, std::string, long long>> said;
  std::vector<Check> checks;
  for (const SeenOption& option : seen) {
    const bool default_time = option.option == "SO_KEEPALIVE" && !with_own_time.contains({option.host, option.pid});
    if (option.option != "TCP_KEEPIDLE" && !(default_time && defaults.contains(option.host))) {
      continue;
    }
    const long long keepalive = default_time ? defaults[option.host] : option.wanted;
    if (said.insert({option.host, option.program, keepalive}).second) {
      add_checks(checks, topology, absl::StrCat(option.program, " on ", option.host), from_seconds(keepalive), factor,
                 hertz);
    }
  }
  return checks;
}

std::string scaled_text(const std::vector<Scaled>& sysctls, const std::vector<SeenOption>& seen, unsigned factor) {
  std::string text = absl::StrCat("warp ", factor, ": programs and boxes ran ", factor,
                                  " times as fast as the kernels between them; the kernels' own times were divided:\n");
  absl::StrAppend(&text, sysctl_lines(sysctls, factor), option_lines(seen, factor),
                  "  not divided: the first retransmission (0.2 s, seen as ", number(0.2 * factor),
                  " s), delayed acknowledgements, network delay\n");
  return text;
}

}  // namespace lapse::lab
