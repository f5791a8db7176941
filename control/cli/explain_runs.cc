#include "control/cli/explain_runs.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/api/client.h"
#include "control/api/registry.h"
#include "control/cli/sim_pictures.h"
#include "control/explain/codes.h"
#include "control/explain/record.h"
#include "control/story/names.h"
#include "control/story/text.h"
#include "control/topology/text.h"
#include "sim/scenario/explained.h"

namespace lapse::cli {
namespace {

using explain::Explanation;
using nlohmann::json;

constexpr size_t kMostExplanations = 20;
constexpr size_t kFewExplanations = 4;

bool is_record(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored) || path.ends_with(".json")) {
    return true;
  }
  std::ifstream stream(path, std::ios::binary);
  return (stream >> std::ws).peek() == '{';
}

bool looks_like_file(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json") || name.starts_with(".") ||
         name.starts_with("/") || name.ends_with("/");
}

bool is_shipped_scenario(const std::string& name) {
  const auto shipped = sim::shipped_scenarios();
  return std::find(shipped.begin(), shipped.end(), name) != shipped.end();
}

// What each kind of argument would have had to look like.
std::string unknown(const std::string& name, const std::string& about_flows) {
  const std::vector<std::string> scenarios = sim::shipped_scenarios();
  std::vector<std::string_view> known(scenarios.begin(), scenarios.end());
  for (const explain::Entry& entry : explain::all()) {
    known.push_back(entry.code);
  }
  const std::string_view near = topology::nearest(name, known);
  return absl::StrCat(topology::shown(name), " is nothing that can be explained",
                      near.empty() ? "" : absl::StrCat("; did you mean ", std::string(near), "?"),
                      "\n  no file of a scenario, and no folder or run.json of `lapse lab --report`"
                      "\n  no shipped scenario: `lapse sim --list` shows them"
                      "\n  no code, and no beginning of codes in capitals: `lapse explain` shows them"
                      "\n  no flow: ",
                      about_flows);
}

absl::Status no_instance(const std::string& flow, const absl::Status& why) {
  return absl::InvalidArgumentError(
      unknown(flow, absl::StrCat("a flow (natgw/17.3, app:40000, \"app:40000 > api:8080\", #1, last) is of a running "
                                 "instance; ",
                                 std::string(why.message()))));
}

absl::StatusOr<json> conversations_of(const api::Client& client, const std::string& flow) {
  const auto text = client.get_text("/v1/story", {{"flow", flow}});
  if (!text.ok()) {
    return text.status();
  }
  return json::parse(*text).at("conversations");
}

absl::Status ambiguous(const std::string& flow, const json& conversations) {
  constexpr size_t kMostCandidates = 20;
  std::string lines;
  for (size_t at = 0; at < std::min(conversations.size(), kMostCandidates); ++at) {
    const json& one = conversations[at];
    absl::StrAppend(&lines, "\n  #", one.at("id").get<uint64_t>(), "  ", one.at("connection").get<std::string>(), "  ",
                    absl::StrJoin(one.at("flows").get<std::vector<std::string>>(), " "));
  }
  if (conversations.size() > kMostCandidates) {
    absl::StrAppend(&lines, "\n  and ", conversations.size() - kMostCandidates, " more");
  }
  return absl::InvalidArgumentError(absl::StrCat(topology::shown(flow), " means ", conversations.size(),
                                                 " conversations; one of them by its number, or all:", lines));
}

}  // namespace

absl::StatusOr<Meant> what_is_meant(const std::string& name) {
  std::error_code ignored;
  if (std::filesystem::exists(name, ignored)) {
    return is_record(name) ? Meant::kRecord : Meant::kScenario;
  }
  if (explain::find(name) || !explain::with_prefix(name).empty()) {
    return Meant::kCodes;
  }
  if (is_shipped_scenario(name)) {
    return Meant::kScenario;
  }
  if (looks_like_file(name)) {
    return absl::InvalidArgumentError(unknown(name, "it looks like a file, and there is none"));
  }
  return Meant::kFlow;
}

absl::StatusOr<ExplainedRun> explain_scenario(const std::string& name, const ExplainOptions& options) {
  const auto path = sim::locate_scenario(name);
  if (!path.ok()) {
    return path.status();
  }
  const uint64_t seed = options.seed.value_or(1);
  topology::Findings findings;
  auto explained =
      sim::explain_scenario(*path, options.settings, seed, sim_command(name, seed, options.settings), findings);
  if (!findings.errors.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(findings.errors, "\n"));
  }
  if (!explained.ok()) {
    return explained.status();
  }
  return ExplainedRun{name, "scenario", std::move(explained->explanations)};
}

absl::StatusOr<ExplainedRun> explain_record(const std::string& path) {
  const auto run = explain::load_record(path);
  if (!run.ok()) {
    return run.status();
  }
  return ExplainedRun{path, run->source == explain::Source::kScenario ? "scenario" : "lab", explain::explain(*run)};
}

absl::StatusOr<ExplainedRun> explain_flow(const std::string& flow, const ExplainOptions& options) {
  const auto root = api::instances_root();
  if (!root.ok()) {
    return root.status();
  }
  const auto instance =
      api::find_instance(*root, options.instance.empty() ? std::nullopt : std::optional(options.instance));
  if (!instance.ok()) {
    return no_instance(flow, instance.status());
  }
  const api::Client client(instance->socket);
  const auto conversations = conversations_of(client, flow);
  if (!conversations.ok()) {
    return conversations.status();
  }
  if (conversations->empty()) {
    return absl::InvalidArgumentError(
        unknown(flow, absl::StrCat("no conversation of ", instance->name,
                                   " matches; `lapse ctl flows` and `lapse ctl ladder all` show those there are")));
  }
  if (conversations->size() > 1 && flow != "all") {
    return ambiguous(flow, *conversations);
  }
  const auto record = client.get_text("/v1/record");
  auto run = record.ok() ? explain::read_record(*record) : absl::StatusOr<explain::Run>(record.status());
  if (!run.ok()) {
    return run.status();
  }
  ExplainedRun explained{flow, "instance", {}};
  for (Explanation& explanation : explain::explain(*run)) {
    const bool meant = std::any_of(conversations->begin(), conversations->end(),
                                   [&](const json& one) { return one.at("id") == explanation.conversation; });
    if (meant) {
      explained.explanations.push_back(std::move(explanation));
    }
  }
  return explained;
}

std::string text(const ExplainedRun& run) {
  const auto& all = run.explanations;
  if (all.empty()) {
    return "No packet met a box.\n";
  }
  const auto lost =
      static_cast<size_t>(std::count_if(all.begin(), all.end(), [](const Explanation& one) { return one.lost; }));
  const size_t shown = all.size() <= kFewExplanations ? all.size() : std::clamp<size_t>(lost, 1, kMostExplanations);
  std::string text;
  for (size_t at = 0; at < shown; ++at) {
    text += (at > 0 ? "\n" : "") + explain::text(all[at]);
  }
  if (lost > shown) {
    absl::StrAppend(&text, "\n", story::counted(lost - shown, "more conversation"),
                    " lost something; --json has all.\n");
  }
  if (const size_t rest = all.size() - std::max(lost, shown); rest > 0) {
    absl::StrAppend(&text, "\n", story::counted(rest, "more conversation"), " lost nothing.\n");
  }
  return text;
}

}  // namespace lapse::cli
