#include "sim/live/socket_table.h"

#include <array>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "control/lab/files.h"
#include "dataplane/wire/address.h"

namespace lapse::live {
namespace {

using nlohmann::json;

constexpr std::array kStates{"",           "ESTABLISHED", "SYN-SENT",    "SYN-RECEIVED", "FIN-WAIT-1",
                             "FIN-WAIT-2", "TIME-WAIT",   "CLOSED",      "CLOSE-WAIT",   "LAST-ACK",
                             "LISTEN",     "CLOSING",     "SYN-RECEIVED"};
constexpr std::array kTimers{"none", "retransmission", "keepalive", "time-wait", "window-probe"};

uint32_t hexadecimal(absl::string_view text) {
  uint32_t number = 0;
  return absl::SimpleHexAtoi(text, &number) ? number : 0;
}

// "0A01000A:1F90": the address as it stands in memory, the port as a number.
std::string endpoint(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  return parts.size() == 2
             ? absl::StrCat(to_string(Ipv4Address::from_raw(hexadecimal(parts[0]))), ":", hexadecimal(parts[1]))
             : "";
}

template <size_t N>
std::string name_of(const std::array<const char*, N>& names, uint32_t number) {
  return number < N ? names[number] : "unknown";
}

}  // namespace

json parse_socket_table(std::string_view table) {
  json sockets = json::array();
  for (const absl::string_view line : absl::StrSplit(absl::string_view(table.data(), table.size()), '\n')) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ' ', absl::SkipEmpty());
    if (fields.size() < 6 || fields[0] == "sl") {
      continue;
    }
    const std::vector<absl::string_view> timer = absl::StrSplit(fields[5], ':');
    sockets.push_back({{"local", endpoint(fields[1])},
                       {"remote", endpoint(fields[2])},
                       {"state", name_of(kStates, hexadecimal(fields[3]))},
                       {"timer", name_of(kTimers, hexadecimal(timer[0]))}});
  }
  return sockets;
}

json socket_table() {
  return parse_socket_table(lab::read_file("/proc/self/net/tcp").value_or(""));
}

}  // namespace lapse::live
