#include "control/cli/lab_options.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/cli/topology_argument.h"
#include "control/lab/caller.h"
#include "control/lab/messages.h"
#include "control/report/escape.h"
#include "control/topology/text.h"
#include "control/topology/values.h"

namespace lapse::cli {
namespace {

std::vector<std::string_view> host_names(const topology::Topology& topology) {
  std::vector<std::string_view> names;
  for (const topology::Host& host : topology.hosts) {
    names.emplace_back(host.name);
  }
  return names;
}

// The command line again, but for where its report goes.
std::string command_of(const LabWords& words, const std::vector<std::string>& program) {
  std::string command = absl::StrCat("lapse lab ", report::quote_shell(words.topology));
  const auto add = [&command](const char* option, const std::string& value) {
    if (!value.empty()) {
      absl::StrAppend(&command, " ", option, " ", report::quote_shell(value));
    }
  };
  add("--at", words.at);
  add("--name", words.name);
  add("--warp", words.factor > 1 ? std::to_string(words.factor) : "");
  add("--workers", words.workers > 1 ? std::to_string(words.workers) : "");
  add("--limit", words.limit);
  for (const std::string& setting : words.settings) {
    add("--set", setting);
  }
  for (size_t word = 0; word < program.size(); ++word) {
    absl::StrAppend(&command, word == 0 ? " -- " : " ", report::quote_shell(program[word]));
  }
  return command;
}

// Makes the folder; what keeps it from being written to, or nothing.
std::string prepare_folder(const std::string& folder) {
  std::error_code error;
  const bool is_new = std::filesystem::create_directories(folder, error);
  if (error || !std::filesystem::is_directory(folder, error)) {
    return absl::StrCat("--report ", folder, ": cannot be made: ", error ? error.message() : "it is no folder");
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return absl::StrCat("--report ", folder, ": cannot be written to: ", std::strerror(errno));
  }
  const lab::Caller caller = lab::find_caller();
  if (is_new && caller.kind == lab::Caller::Kind::kSudo && lchown(folder.c_str(), caller.uid, caller.gid) != 0) {
    return absl::StrCat("--report ", folder, ": ", std::strerror(errno));
  }
  return "";
}

// The first thing that is wrong with the words; empty when all is well.
std::string mistake(const LabToRun& lab, const LabWords& words) {
  const std::vector<std::string_view> hosts = host_names(lab.topology);
  if (hosts.empty()) {
    return absl::StrCat(lab.topology.file, " has no hosts, and a lab needs some");
  }
  if (!lab.options.at.empty() && lab.topology.find_host(lab.options.at) == nullptr) {
    return absl::StrCat(lab.topology.name, " has no host ", lab.options.at, topology::suggestion(lab.options.at, hosts),
                        "it has ", topology::listed(hosts));
  }
  if (lab.options.at.empty() && !lab.options.program.empty()) {
    return absl::StrCat("where? ", lab.topology.name, " has no start_at: --at HOST, one of ", topology::listed(hosts));
  }
  if (!lab::is_valid_name(lab.options.name)) {
    return absl::StrCat("--name ", lab.options.name, ": letters, digits, '-', '_' and '.', at most 64");
  }
  if (!words.limit.empty() && !lab.options.limit) {
    return absl::StrCat("--limit ", words.limit, ": a time with its unit, as 30s, 2m or 500ms");
  }
  if (!words.expectations.empty() && lab.options.program.empty()) {
    return "--expect is about the run of a program: put -- CMD... behind it";
  }
  return "";
}

// Messages on standard error when one of the words says nothing that this topology can meet.
bool read_expectations(const LabWords& words, LabToRun& lab) {
  topology::Findings findings;
  for (const std::string& word : words.expectations) {
    expect::read(word, lab.topology, lab.options.expectations, findings);
  }
  for (const std::string& error : findings.errors) {
    std::fprintf(stderr, "%s\n", error.c_str());
  }
  return findings.errors.empty();
}

}  // namespace

void add_lab_options(CLI::App& command, LabWords& words) {
  command.add_option("--name", words.name, "of the instance (the topology's own name)")->type_name("NAME");
  command
      .add_option("--warp", words.factor, "programs and boxes live N times as fast, 1 to 1000; needs package faketime")
      ->type_name("N")
      ->check(CLI::Range(1U, lab::kLargestFactor));
  command.add_option("--set", words.settings, "a value of the topology, as natgw.timeouts.udp=60s; may be repeated")
      ->type_name("P=V")
      ->allow_extra_args(false);
  command.add_option("--limit", words.limit, "end after this much real time, as 30s or 5m, with status 124")
      ->type_name("T");
  command.add_option("--workers", words.workers, "threads that carry packets, 1 to 4")
      ->type_name("N")
      ->check(CLI::Range(1U, lab::kMostWorkers));
  command.add_flag("-v,--verbose", words.verbose, "show what the data plane prints");
}

std::optional<LabToRun> prepare_lab(const LabWords& words, const std::vector<std::string>& program) {
  auto topology = load_topology(words.topology, words.settings);
  if (!topology) {
    return std::nullopt;
  }
  LabToRun lab{std::move(*topology), {}};
  lab.options.name = words.name.empty() ? lab.topology.name : words.name;
  lab.options.at = words.at.empty() ? lab.topology.start_at : words.at;
  lab.options.program = program;
  lab.options.factor = words.factor;
  lab.options.workers = words.workers;
  lab.options.verbose = words.verbose;
  if (const auto limit = topology::parse_duration(words.limit); limit.ok()) {
    lab.options.limit = std::chrono::ceil<std::chrono::milliseconds>(*limit);
  }
  std::string wrong = mistake(lab, words);
  if (wrong.empty() && !words.report.empty()) {
    wrong = prepare_folder(words.report);
    lab.options.report_folder = std::filesystem::absolute(words.report);
    lab.options.command = command_of(words, program);
  }
  if (!wrong.empty()) {
    lab::say(wrong);
    return std::nullopt;
  }
  if (!read_expectations(words, lab)) {
    return std::nullopt;
  }
  return lab;
}

}  // namespace lapse::cli
