// scenario_file.h - tests that write a scenario, load it and play it.
//
// Owner:    each test.
// Memory:   a folder of its own, removed afterwards.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: as the test.
// Spec:     none.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "sim/scenario/runner.h"

namespace lapse::sim {

class ScenarioFile : public testing::Test {
 protected:
  ScenarioFile();
  ~ScenarioFile() override;

  // The path of the file that it writes.
  std::string write(const std::string& name, const std::string& text) const;
  // A whole file of these steps and expectations, a line each: the steps begin in line 4, behind them `expect:` stands.
  std::string story(const std::vector<std::string>& steps, const std::vector<std::string>& expectations,
                    const std::string& more = "") const;

  // What is wrong with it, without the folder's name.
  std::vector<std::string> errors(const std::string& path, const std::vector<std::string>& settings = {}) const;
  // One step between a connection c1, a pool p1, a proxy x1, datagrams d1 (lines 4 to 7) and the end; it is line 8.
  std::vector<std::string> errors_of_step(const std::string& step) const;
  // One expectation about the same; it is line 10.
  std::vector<std::string> errors_of_expectation(const std::string& expectation) const;

  // Fails the test where it cannot be played.
  Outcome played(const std::string& path) const;
  // What was found in the place of each expectation that was not met.
  static std::vector<std::string> found(const Outcome& outcome);
  static Experience of(const Outcome& outcome, const std::string& flow, Party party);

  std::filesystem::path folder_;
};

}  // namespace lapse::sim
