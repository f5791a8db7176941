#include "control/lab/state.h"

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "nlohmann/json.hpp"

#include "control/lab/files.h"

namespace lapse::lab {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

json to_json(const NamespaceRecord& record) {
  return {{"host", record.host},
          {"path", record.path},
          {"device", record.id.device},
          {"inode", record.id.inode},
          {"cookie", record.id.cookie}};
}

NamespaceRecord namespace_from(const json& value) {
  return {value.at("host"), value.at("path"), {value.at("device"), value.at("inode"), value.at("cookie")}};
}

}  // namespace

const NamespaceRecord* LabState::find_host(const std::string& host) const {
  for (const NamespaceRecord& record : namespaces) {
    if (record.host == host && !host.empty()) {
      return &record;
    }
  }
  return nullptr;
}

std::vector<std::string_view> LabState::host_names() const {
  std::vector<std::string_view> hosts;
  for (const NamespaceRecord& record : namespaces) {
    if (!record.host.empty()) {
      hosts.emplace_back(record.host);
    }
  }
  return hosts;
}

std::string state_path(const std::string& directory) {
  return absl::StrCat(directory, "/lab.json");
}

absl::Status write_state(const LabState& state, const std::string& directory) {
  json document{{"format", kFormat},
                {"name", state.name},
                {"topology", state.topology_file},
                {"start_at", state.start_at},
                {"boot_id", state.boot_id},
                {"supervisor", state.supervisor},
                {"supervisor_start", state.supervisor_start},
                {"caller",
                 {{"kind", static_cast<int>(state.caller.kind)},
                  {"uid", state.caller.uid},
                  {"gid", state.caller.gid},
                  {"user", state.caller.user}}},
                {"hosts_file", state.hosts_file},
                {"factor", state.factor},
                {"environment", state.environment},
                {"shared_memory", state.shared_memory},
                {"namespaces", json::array()}};
  for (const NamespaceRecord& record : state.namespaces) {
    document["namespaces"].push_back(to_json(record));
  }
  return replace_file(state_path(directory), document.dump(2) + "\n");
}

absl::StatusOr<LabState> parse_state(const std::string& text) {
  try {
    const json document = json::parse(text);
    LabState state;
    if (document.at("format") != kFormat) {
      return absl::FailedPreconditionError("it was written by another version of lapse");
    }
    state.name = document.at("name");
    state.topology_file = document.at("topology");
    state.start_at = document.at("start_at");
    state.boot_id = document.at("boot_id");
    state.supervisor = document.at("supervisor");
    state.supervisor_start = document.at("supervisor_start");
    const json& caller = document.at("caller");
    state.caller = {static_cast<Caller::Kind>(caller.at("kind").get<int>()), caller.at("uid"), caller.at("gid"),
                    caller.at("user")};
    state.hosts_file = document.at("hosts_file");
    state.factor = document.at("factor");
    state.environment = document.at("environment").get<std::map<std::string, std::string>>();
    state.shared_memory = document.at("shared_memory").get<std::vector<std::string>>();
    for (const json& record : document.at("namespaces")) {
      state.namespaces.push_back(namespace_from(record));
    }
    return state;
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
}

absl::StatusOr<LabState> read_state(const std::string& directory) {
  const auto text = read_file(state_path(directory));
  if (!text.ok()) {
    return text.status();
  }
  auto state = parse_state(*text);
  if (!state.ok()) {
    return absl::Status(state.status().code(), absl::StrCat(state_path(directory), ": ", state.status().message()));
  }
  return state;
}

std::string boot_id() {
  std::string id = read_file("/proc/sys/kernel/random/boot_id").value_or("");
  absl::StripAsciiWhitespace(&id);
  return id;
}

uint64_t parse_start_time(const std::string& stat_line) {
  // The program's name stands in parentheses and may hold anything, so counting starts behind the last one.
  const size_t name_end = stat_line.rfind(')');
  if (name_end == std::string::npos) {
    return 0;
  }
  const std::vector<std::string> fields = absl::StrSplit(stat_line.substr(name_end + 1), ' ', absl::SkipEmpty());
  constexpr size_t kStartTime = 19;  // field 22 of proc(5), the state being field 3
  uint64_t start = 0;
  return fields.size() > kStartTime && absl::SimpleAtoi(fields[kStartTime], &start) ? start : 0;
}

uint64_t start_of_process(int pid) {
  return parse_start_time(read_file(absl::StrCat("/proc/", pid, "/stat")).value_or(""));
}

bool supervisor_lives(const LabState& state) {
  return state.boot_id == boot_id() && state.supervisor_start != 0 &&
         start_of_process(state.supervisor) == state.supervisor_start;
}

}  // namespace lapse::lab
