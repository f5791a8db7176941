// What `lapse sim` played, and the three forms in which it says so: lines, JSON, JUnit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

#include "sim/scenario/runner.h"

namespace lapse::cli {

// One scenario, with what is changed in it.
struct Job {
  std::string name;
  std::vector<std::string> settings;
  bool beside = false;  // for the page only: its expectations do not count
};

struct Played {
  Job job;
  std::string name;
  std::string file;
  std::string title;
  std::vector<std::string> errors;
  bool cannot = false;  // be played here: nothing is wrong with the file
  sim::Outcome outcome;
  std::vector<std::string> differences;  // of a live ladder from the simulated one

  bool ok() const { return errors.empty() && outcome.misses.empty() && differences.empty(); }
};

// On standard output; what could not be played, on standard error. With the ladders when `ladder`.
void print(const Played& played, bool ladder);

nlohmann::json to_json(const Played& played, uint64_t seed);

// False when the file cannot be written; said on standard error.
bool write_junit(const std::string& path, const std::vector<Played>& all);

}  // namespace lapse::cli
