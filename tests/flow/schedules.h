// schedules.h - runs two actors through every order of the flow table's marked steps.
//
// Only one of them runs at any time; each stops at every step() and goes on when the schedule says so. The schedules
// are tried depth first, so that a failure names one that can be repeated.
#pragma once

#include <array>
#include <functional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/flow/flow_steps.h"

namespace lapse::test {

class Schedules {
 public:
  using Actor = std::function<void()>;

  Schedules();
  ~Schedules();

  // For each schedule: calls 'scenario', which makes a fresh world and returns its two actors, runs them, calls
  // 'check'. Returns how many schedules there are.
  size_t run_all(const std::function<std::array<Actor, 2>()>& scenario, const std::function<void()>& check);

  // Who went at each step, so far: "ABBA".
  std::string current() const;

 private:
  struct Choice {
    int actor;
    bool other_possible;
  };
  struct Lane {
    std::binary_semaphore go{0};
    std::binary_semaphore stopped{0};
    Actor work;
    bool done = true;
    bool quit = false;
    std::thread thread;
  };

  void run_lane(int number);
  void run_once();
  bool next_schedule();

  std::array<Lane, 2> lanes_;
  std::vector<Choice> path_;
};

}  // namespace lapse::test
