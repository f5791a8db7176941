#include "tests/flow/schedules.h"

#include "gtest/gtest.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/common_interface_defs.h>
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

namespace lapse::test {

namespace {

// Address sanitizer keeps a shadow of each stack, and is told of every change of stack.
#ifdef __SANITIZE_ADDRESS__
void before_switch(void** save, const void* stack, size_t size) {
  __sanitizer_start_switch_fiber(save, stack, size);
}
void after_switch(void* saved, const void** from, size_t* size) {
  __sanitizer_finish_switch_fiber(saved, from, size);
}
#else
void before_switch(void**, const void*, size_t) {}
void after_switch(void*, const void**, size_t*) {}
#endif

}  // namespace

Schedules::Schedules() {
  for (Lane& lane : lanes_) {
    lane.stack = std::make_unique<char[]>(kStackSize);
  }
}

// makecontext() passes integers.
void Schedules::Lane::run(unsigned high, unsigned low) {
  auto& lane = *reinterpret_cast<Lane*>(uintptr_t{high} << 32 | low);
  after_switch(nullptr, &lane.caller_stack, &lane.caller_stack_size);
  lane.work();
  lane.done = true;
  before_switch(nullptr, lane.caller_stack, lane.caller_stack_size);
  swapcontext(&lane.here, &lane.caller);
}

void Schedules::Lane::enter() {
  const HookScope hook(*this);
  before_switch(&caller_fake_stack, stack.get(), kStackSize);
  swapcontext(&caller, &here);
  after_switch(caller_fake_stack, nullptr, nullptr);
}

void Schedules::Lane::leave() {
  before_switch(&fake_stack, caller_stack, caller_stack_size);
  swapcontext(&here, &caller);
  after_switch(fake_stack, &caller_stack, &caller_stack_size);
}

void Schedules::start(Lane& lane, Actor work) {
  lane.work = std::move(work);
  lane.done = false;
  getcontext(&lane.here);
  lane.here.uc_stack.ss_sp = lane.stack.get();
  lane.here.uc_stack.ss_size = kStackSize;
  lane.here.uc_link = nullptr;
  const auto address = reinterpret_cast<uintptr_t>(&lane);
  makecontext(&lane.here, reinterpret_cast<void (*)()>(&Lane::run), 2, static_cast<unsigned>(address >> 32),
              static_cast<unsigned>(address));
}

void Schedules::run_once() {
  for (size_t step = 0; !lanes_[0].done || !lanes_[1].done; ++step) {
    if (step == path_.size()) {
      path_.push_back({lanes_[0].done ? 1 : 0, !lanes_[0].done && !lanes_[1].done});
    }
    lanes_[static_cast<size_t>(path_[step].actor)].enter();
  }
}

bool Schedules::next_schedule() {
  while (!path_.empty()) {
    Choice& last = path_.back();
    if (last.other_possible && last.actor == 0) {
      last = {1, false};
      return true;
    }
    path_.pop_back();
  }
  return false;
}

size_t Schedules::run_all(const std::function<std::array<Actor, 2>()>& scenario, const std::function<void()>& check) {
  size_t count = 0;
  path_.clear();
  do {
    auto actors = scenario();
    for (size_t number = 0; number < 2; ++number) {
      start(lanes_[number], std::move(actors[number]));
    }
    run_once();
    check();
    ++count;
  } while (!testing::Test::HasFailure() && next_schedule());
  return count;
}

std::string Schedules::current() const {
  std::string text;
  for (const Choice& choice : path_) {
    text += choice.actor == 0 ? 'A' : 'B';
  }
  return text;
}

}  // namespace lapse::test
