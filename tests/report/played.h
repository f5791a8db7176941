// played.h - shipped stories, played, and as runs for reports.
//
// Owner:    the test.
// Memory:   ordinary.
// Time:     virtual.
// Bytes:    none.
// Cost:     a simulation.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "control/report/report.h"
#include "sim/scenario/runner.h"
#include "sim/scenario/scenario.h"
#include "tests/story/scenes.h"

namespace lapse::report {

inline ReportedRun played(const std::string& name, const std::vector<std::string>& settings = {}) {
  ReportedRun run{.name = name, .command = "lapse sim " + name};
  const auto path = sim::locate_scenario(name);
  topology::Findings findings;
  const auto scenario = path.ok() ? sim::load_scenario(*path, settings, findings) : std::nullopt;
  if (!scenario) {
    ADD_FAILURE() << name << " cannot be loaded";
    return run;
  }
  auto outcome = sim::play(*scenario, 1, sim::Frames::kKept);
  if (!outcome.ok()) {
    ADD_FAILURE() << outcome.status();
    return run;
  }
  run.title = scenario->title;
  run.record = outcome->record;
  run.living = outcome->living;
  run.end = outcome->end;
  run.misses.emplace();
  return run;
}

// For instances of parameterised tests.
inline std::string test_name(const testing::TestParamInfo<std::string>& story) {
  std::string name = story.param;
  for (char& letter : name) {
    letter = letter == '.' || letter == '-' ? '_' : letter;
  }
  return name;
}

inline size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

}  // namespace lapse::report
