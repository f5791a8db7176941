#include "control/cli/lab_options.h"

#include <cstdio>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/cli/topology_argument.h"
#include "control/lab/messages.h"
#include "control/topology/values.h"

namespace lapse::cli {
namespace {

std::string hosts_of(const topology::Topology& topology) {
  std::vector<std::string> names;
  for (const topology::Host& host : topology.hosts) {
    names.push_back(host.name);
  }
  return absl::StrJoin(names, ", ");
}

// The first thing that is wrong with the words; empty when all is well.
std::string mistake(const LabToRun& lab, const LabWords& words) {
  if (lab.topology.hosts.empty()) {
    return absl::StrCat(lab.topology.file, " has no hosts, and a lab needs some");
  }
  if (!lab.options.at.empty() && lab.topology.find_host(lab.options.at) == nullptr) {
    return absl::StrCat(lab.topology.name, " has no host ", lab.options.at, "; it has ", hosts_of(lab.topology));
  }
  if (lab.options.at.empty() && !lab.options.program.empty()) {
    return absl::StrCat("where? ", lab.topology.name, " has no start_at: --at HOST, one of ", hosts_of(lab.topology));
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
  if (const std::string wrong = mistake(lab, words); !wrong.empty()) {
    lab::say(wrong);
    return std::nullopt;
  }
  if (!read_expectations(words, lab)) {
    return std::nullopt;
  }
  return lab;
}

}  // namespace lapse::cli
