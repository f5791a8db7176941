#include "control/cli/sim_output.h"

#include <chrono>
#include <cstdio>
#include <fstream>

#include "control/cli/junit.h"
#include "control/topology/text.h"

namespace lapse::cli {
namespace {

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
}

}  // namespace

void print(const Played& played, bool ladder) {
  using topology::concat;
  if (!played.errors.empty()) {
    for (const std::string& error : played.errors) {
      std::fprintf(stderr, "%s\n", error.c_str());
    }
    return;
  }
  print_line(concat(played.ok() ? "ok    " : "FAIL  ", played.name, played.title.empty() ? "" : "  ", played.title));
  for (const sim::Miss& miss : played.outcome.misses) {
    print_line(concat("      ", miss.place.file, ":", std::to_string(miss.place.line), ": expected {", miss.text, "}"));
    print_line(concat("        found: ", miss.found));
  }
  for (const std::string& difference : played.differences) {
    print_line(concat("      the live ladder is not the simulated one: ", difference));
  }
  if (!played.ok() || ladder) {
    for (const sim::Experience& experience : played.outcome.experiences) {
      print_line(concat("      ", sim::to_string(experience)));
    }
  }
  if (ladder) {
    for (const std::string& drawn : played.outcome.ladders) {
      print_line(concat("\n", drawn));
    }
  }
}

namespace {

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

nlohmann::json experience_json(const sim::Experience& experience) {
  nlohmann::json error = nullptr;
  if (!experience.error.empty()) {
    error = {{"name", experience.error}, {"at", seconds(experience.error_at.time_since_epoch())}};
  }
  return {{"flow", experience.flow},
          {"end", experience.party == sim::Party::kClient ? "client" : "server"},
          {"host", experience.host},
          {"began", experience.began},
          {"error", error},
          {"waits_since", experience.waiting ? nlohmann::json(seconds(experience.waiting_since.time_since_epoch()))
                                             : nlohmann::json(nullptr)},
          {"received", experience.received},
          {"status", experience.status == 0 ? nlohmann::json(nullptr) : nlohmann::json(experience.status)},
          {"connections", experience.connections}};
}

nlohmann::json log_json(const sim::AccessLog& log) {
  nlohmann::json lines = nlohmann::json::array();
  for (const sim::Proxy::Line& line : log.lines) {
    lines.push_back(
        {{"at", seconds(line.at.time_since_epoch())}, {"status", line.status}, {"took", seconds(line.took)}});
  }
  return {{"proxy", log.proxy}, {"lines", lines}};
}

}  // namespace

nlohmann::json to_json(const Played& played, uint64_t seed) {
  nlohmann::json experiences = nlohmann::json::array();
  for (const sim::Experience& experience : played.outcome.experiences) {
    experiences.push_back(experience_json(experience));
  }
  nlohmann::json logs = nlohmann::json::array();
  for (const sim::AccessLog& log : played.outcome.logs) {
    logs.push_back(log_json(log));
  }
  nlohmann::json misses = nlohmann::json::array();
  for (const sim::Miss& miss : played.outcome.misses) {
    misses.push_back(
        {{"file", miss.place.file}, {"line", miss.place.line}, {"expected", miss.text}, {"found", miss.found}});
  }
  return {{"scenario", played.name},
          {"file", played.file},
          {"title", played.title},
          {"seed", seed},
          {"ok", played.ok()},
          {"differences", played.differences},
          {"errors", played.errors},
          {"misses", misses},
          {"events", played.outcome.events},
          {"programs", experiences},
          {"access_logs", logs}};
}

namespace {

JunitCase junit_case(const Played& played) {
  using topology::concat;
  JunitCase one{.name = played.name, .file = played.file, .failures = {}, .errors = played.errors};
  for (const sim::Miss& miss : played.outcome.misses) {
    one.failures.push_back(concat(miss.place.file, ":", std::to_string(miss.place.line), ": expected {", miss.text,
                                  "}, found: ", miss.found));
  }
  for (const std::string& difference : played.differences) {
    one.failures.push_back(concat("the live ladder is not the simulated one: ", difference));
  }
  return one;
}

}  // namespace

bool write_junit(const std::string& path, const std::vector<Played>& all) {
  std::vector<JunitCase> cases;
  for (const Played& played : all) {
    cases.push_back(junit_case(played));
  }
  std::ofstream file(path, std::ios::binary);
  file << to_junit(cases);
  file.close();
  if (!file) {
    std::fprintf(stderr, "lapse sim: --junit %s: cannot be written\n", path.c_str());
  }
  return !file.fail();
}

}  // namespace lapse::cli
