#include "sim/live/live.h"

#include <array>
#include <filesystem>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "control/api/registry.h"
#include "control/lab/files.h"
#include "control/lab/lab.h"
#include "control/lab/unique_fd.h"
#include "sim/live/director.h"

namespace lapse::live {
namespace {

using nlohmann::json;

// Real keepalives are whole seconds: what a scale divides has to come out even.
absl::Status check_keepalive(const sim::ProgramSettings& settings, unsigned scale, const topology::Place& place) {
  if (!settings.keepalive || !settings.keepalive->on) {
    return absl::OkStatus();
  }
  for (const Duration one : {settings.keepalive->time, settings.keepalive->interval}) {
    if (one % (std::chrono::seconds(1) * scale) != Duration{}) {
      return absl::FailedPreconditionError(absl::StrCat(place.file, ":", place.line, ": a keepalive's ",
                                                        std::chrono::duration_cast<std::chrono::seconds>(one).count(),
                                                        " s is no multiple of the scale ", scale,
                                                        ", and the kernel takes whole seconds"));
    }
  }
  return absl::OkStatus();
}

absl::Status check_expectation(const sim::Expectation& expectation) {
  const auto* const program = std::get_if<sim::ExpectProgram>(&expectation.what);
  if (program != nullptr && program->status) {
    return absl::FailedPreconditionError(absl::StrCat(expectation.place.file, ":", expectation.place.line,
                                                      ": not played live: the endpoints' answers have no status"));
  }
  return absl::OkStatus();
}

absl::Status check(const sim::Scenario& scenario) {
  if (!scenario.live.why_not.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("not played live: ", scenario.live.why_not));
  }
  for (const sim::Expectation& expectation : scenario.expectations) {
    if (auto status = check_expectation(expectation); !status.ok()) {
      return status;
    }
  }
  for (const sim::Step& step : scenario.steps) {
    if (std::holds_alternative<sim::OpenPool>(step.action) || std::holds_alternative<sim::OpenProxy>(step.action)) {
      return absl::FailedPreconditionError(absl::StrCat(
          step.place.file, ":", step.place.line, ": not played live: pools and proxies are programs of the simulator"));
    }
    if (const auto* const connect = std::get_if<sim::Connect>(&step.action)) {
      for (const sim::ProgramSettings* settings : {&connect->client, &connect->server}) {
        if (auto status = check_keepalive(*settings, scenario.live.scale, step.place); !status.ok()) {
          return status;
        }
      }
    }
  }
  return absl::OkStatus();
}

std::string own_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) {
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text + "'";
}

// Every host runs an endpoint, and nothing of its own.
topology::Topology with_endpoints(topology::Topology topology, const std::string& directory) {
  for (topology::Host& host : topology.hosts) {
    host.run = absl::StrCat("exec ", quoted(own_program()), " live-endpoint ", quoted(meeting_point(directory)), " ",
                            host.name);
    host.ready = {};
  }
  return topology;
}

absl::StatusOr<std::string> play_in_lab(const sim::Scenario& scenario, uint64_t seed) {
  const auto root = api::instances_root();
  if (!root.ok()) {
    return root.status();
  }
  lab::LabOptions options;
  options.name = absl::StrCat("live-", getpid());
  options.factor = 1;
  options.scale = scenario.live.scale;
  const topology::Topology topology = with_endpoints(scenario.topology, absl::StrCat(*root, "/", options.name));
  StoryDirector director(scenario, seed);
  return lab::run_directed_lab(topology, options, director);
}

[[noreturn]] void become_lab(const sim::Scenario& scenario, uint64_t seed, int result_fd) {
  const auto line = play_in_lab(scenario, seed);
  const std::string text = line.ok() ? *line : json{{"error", std::string(line.status().message())}}.dump();
  for (size_t written = 0; written < text.size();) {
    const ssize_t size = write(result_fd, text.data() + written, text.size() - written);
    if (size <= 0) {
      _exit(1);
    }
    written += static_cast<size_t>(size);
  }
  _exit(0);
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 65536> chunk;
  for (ssize_t size = 0; (size = read(fd, chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<size_t>(size));
  }
  return text;
}

}  // namespace

absl::StatusOr<LiveOutcome> play_live(const sim::Scenario& scenario, uint64_t seed) {
  if (auto status = check(scenario); !status.ok()) {
    return status;
  }
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return lab::errno_status(errno, "pipe");
  }
  lab::UniqueFd result(ends[0]);
  lab::UniqueFd theirs(ends[1]);
  const pid_t child = fork();
  if (child < 0) {
    return lab::errno_status(errno, "fork");
  }
  if (child == 0) {
    result.reset();
    become_lab(scenario, seed, theirs.get());
  }
  theirs.reset();
  const std::string text = read_all(result.get());
  waitpid(child, nullptr, 0);
  const json said = json::parse(text, nullptr, false);
  if (!said.is_object()) {
    return absl::InternalError("the lab ended without a word");
  }
  if (said.contains("error")) {
    return absl::FailedPreconditionError(said.at("error").get<std::string>());
  }
  LiveOutcome outcome{{}, said.at("differences"), said.at("ladders")};
  for (const json& miss : said.at("misses")) {
    const sim::Expectation& expectation = scenario.expectations.at(miss.at("expectation").get<size_t>());
    outcome.misses.push_back({expectation.place, expectation.text, miss.at("found")});
  }
  return outcome;
}

}  // namespace lapse::live
