// run_bench.h - `lapse run` in a namespace of its own, between the kernels of two others.
//
// Owner:    a test; everything it makes is gone when it goes out of scope.
// Memory:   ordinary.
// Time:     waits are bounded and end with the condition that they wait for.
// Bytes:    none.
// Cost:     a few calls of `ip`.
// Lifetime: the bench outlives what runs on it.
// Spec:     none.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/harness.h"

namespace lapse::test {

// Why benches cannot be made here; empty when they can.
std::string why_no_bench();

// Where app (10.78.1.10) and api (198.18.8.80) are, and between them a namespace with the interface `inside`, which a
// cable joins to app's eth0, and `outside`, to api's.
class Bench {
 public:
  Bench();
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  // What is put before a program to have it there: "app", "api", "box".
  Arguments door(const std::string& where) const;
  // Runs `arguments` there to the end and expects success.
  void in(const std::string& where, const Arguments& arguments) const;
  // A file of the bench's own; its path.
  std::string write(const std::string& name, const std::string& text) const;
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

 private:
  std::string name_of(const std::string& where) const { return prefix_ + where; }

  std::string prefix_;
  std::string folder_;
};

// The NAT gateway of these tests, 10.78.1.1 and 198.18.8.10, with these ports.
std::string topology_with(const std::string& ports);

// `lapse run`, up, in the middle of a bench.
class RunningBoxes {
 public:
  RunningBoxes(const Bench& bench, const std::string& ports, const Arguments& options = {});

  pid_t pid() const { return process_.pid(); }
  // The first line of standard output or error that contains 'text', from where the last call left off.
  std::string line_with(const std::string& text);
  Json status() const;
  std::vector<Json> events(const std::string& kind) const;
  // SIGTERM or another one; the exit status, and everything that had not been read.
  Finished end(int signal);

 private:
  std::string name_;
  Process process_;
};

}  // namespace lapse::test
