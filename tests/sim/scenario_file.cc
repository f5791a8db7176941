#include "scenario_file.h"

#include <cstdlib>
#include <fstream>

#include "tests/support/nat_topology.h"

namespace lapse::sim {
namespace {

const std::vector<std::string> kCast{
    R"({ at: 0s, host: app, connect: "api:80", as: c1 })",
    R"({ at: 0s, host: app, pool: "api:81", as: p1 })",
    R"({ at: 0s, host: api, proxy: 82, upstream: "api:80", as: x1 })",
    R"({ at: 0s, host: app, datagram: "api:53", as: d1 })",
};

}  // namespace

ScenarioFile::ScenarioFile() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lapse-story-XXXXXX").string();
  folder_ = ::mkdtemp(pattern.data());
  write("nat.yaml", test::kNatTopology);
}

ScenarioFile::~ScenarioFile() {
  std::filesystem::remove_all(folder_);
}

std::string ScenarioFile::write(const std::string& name, const std::string& text) const {
  std::ofstream(folder_ / name, std::ios::binary) << text;
  return (folder_ / name).string();
}

std::string ScenarioFile::story(const std::vector<std::string>& steps, const std::vector<std::string>& expectations,
                                const std::string& more) const {
  std::string text = "scenario: test\ntopology: nat.yaml\nsteps:\n";
  for (const std::string& step : steps) {
    text += "  - " + step + "\n";
  }
  text += "expect:\n";
  for (const std::string& expectation : expectations) {
    text += "  - " + expectation + "\n";
  }
  return write("story.yaml", text + more);
}

std::vector<std::string> ScenarioFile::errors(const std::string& path, const std::vector<std::string>& settings) const {
  topology::Findings findings;
  const auto scenario = load_scenario(path, settings, findings);
  EXPECT_EQ(scenario.has_value(), findings.errors.empty());
  const std::string prefix = folder_.string() + "/";
  for (std::string& error : findings.errors) {
    if (error.starts_with(prefix)) {
      error.erase(0, prefix.size());
    }
  }
  return findings.errors;
}

std::vector<std::string> ScenarioFile::errors_of_step(const std::string& step) const {
  std::vector<std::string> steps = kCast;
  steps.push_back(step);
  steps.emplace_back("{ at: 900s, stop: true }");
  return errors(story(steps, {"{ never: { event: rst_sent } }"}));
}

std::vector<std::string> ScenarioFile::errors_of_expectation(const std::string& expectation) const {
  std::vector<std::string> steps = kCast;
  steps.emplace_back("{ at: 900s, stop: true }");
  return errors(story(steps, {expectation}));
}

Outcome ScenarioFile::played(const std::string& path) const {
  topology::Findings findings;
  const auto scenario = load_scenario(path, {}, findings);
  for (const std::string& error : findings.errors) {
    ADD_FAILURE() << error;
  }
  if (!scenario) {
    return {};
  }
  auto outcome = play(*scenario, 7);
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  return outcome.ok() ? *std::move(outcome) : Outcome{};
}

std::vector<std::string> ScenarioFile::found(const Outcome& outcome) {
  std::vector<std::string> all;
  for (const Miss& miss : outcome.misses) {
    all.push_back(miss.found);
  }
  return all;
}

Experience ScenarioFile::of(const Outcome& outcome, const std::string& flow, Party party) {
  for (const Experience& experience : outcome.experiences) {
    if (experience.flow == flow && experience.party == party) {
      return experience;
    }
  }
  ADD_FAILURE() << "no connection is called " << flow;
  return {};
}

}  // namespace lapse::sim
