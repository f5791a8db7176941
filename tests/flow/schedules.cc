#include "tests/flow/schedules.h"

#include "gtest/gtest.h"

namespace lapse::test {

namespace {

// Set in the two actors' threads alone: whatever a test does outside of a schedule does not stop.
thread_local std::binary_semaphore* my_go = nullptr;
thread_local std::binary_semaphore* my_stopped = nullptr;

}  // namespace

Schedules::Schedules() {
  for (int number = 0; number < 2; ++number) {
    lanes_[static_cast<size_t>(number)].thread = std::thread([this, number] { run_lane(number); });
  }
}

Schedules::~Schedules() {
  for (Lane& lane : lanes_) {
    lane.quit = true;
    lane.go.release();
    lane.thread.join();
  }
}

void Schedules::run_lane(int number) {
  Lane& lane = lanes_[static_cast<size_t>(number)];
  my_go = &lane.go;
  my_stopped = &lane.stopped;
  for (lane.go.acquire(); !lane.quit; lane.go.acquire()) {
    lane.work();
    lane.done = true;
    lane.stopped.release();
  }
}

void Schedules::run_once() {
  for (size_t step = 0; !lanes_[0].done || !lanes_[1].done; ++step) {
    if (step == path_.size()) {
      path_.push_back({lanes_[0].done ? 1 : 0, !lanes_[0].done && !lanes_[1].done});
    }
    Lane& lane = lanes_[static_cast<size_t>(path_[step].actor)];
    lane.go.release();
    lane.stopped.acquire();
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
      lanes_[number].work = std::move(actors[number]);
      lanes_[number].done = false;
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

namespace lapse {

void step(FlowStep) {
  if (test::my_go != nullptr) {
    test::my_stopped->release();
    test::my_go->acquire();
  }
}

}  // namespace lapse
