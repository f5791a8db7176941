// schedules.h - runs two actors through every order of the flow table's marked steps.
//
// Only one of them runs at any time; each stops at every step() and goes on when the schedule says so. They are contexts
// of one thread, so that some hundred thousand schedules take seconds. The schedules are tried depth first, and a failure
// names one that can be repeated.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ucontext.h>

#include "tests/flow/steps.h"

namespace lapse::test {

class Schedules {
 public:
  using Actor = std::function<void()>;

  Schedules();

  // For each schedule: calls 'scenario', which makes a fresh world and returns its two actors, runs them, calls
  // 'check'. Returns how many schedules there are.
  size_t run_all(const std::function<std::array<Actor, 2>()>& scenario, const std::function<void()>& check);

  // Who went at each step, so far: "ABBA".
  std::string current() const;

 private:
  static constexpr size_t kStackSize = 256 << 10;

  struct Choice {
    int actor;
    bool other_possible;
  };
  struct Lane final : StepHook {
    void at(FlowStep) override { leave(); }
    void enter();
    void leave();
    static void run(unsigned high, unsigned low);

    Actor work;
    bool done = true;
    std::unique_ptr<char[]> stack;
    ucontext_t here{};
    ucontext_t caller{};
    // What address sanitizer has to know of the two stacks.
    void* fake_stack = nullptr;
    void* caller_fake_stack = nullptr;
    const void* caller_stack = nullptr;
    size_t caller_stack_size = 0;
  };

  static void start(Lane& lane, Actor work);
  void run_once();
  bool next_schedule();

  std::array<Lane, 2> lanes_;
  std::vector<Choice> path_;
};

}  // namespace lapse::test
