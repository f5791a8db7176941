#include "sim/engine.h"

#include <algorithm>
#include <cassert>

namespace lapse::sim {

Timer::Timer(Engine& engine, std::function<void()> action)
    : engine_(&engine), action_(std::move(action)), id_(engine.enrol(*this)) {}

Timer::~Timer() {
  engine_->dismiss(id_);
}

void Timer::arm(Instant when) {
  engine_->arm(id_, when);
}

void Timer::cancel() {
  engine_->cancel(id_);
}

bool Timer::armed() const {
  return engine_->places_[id_] != Engine::kNowhere;
}

Instant Timer::when() const {
  assert(armed());
  return engine_->heap_[engine_->places_[id_]].when;
}

uint32_t Engine::enrol(Timer& timer) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(timers_.size()));
    timers_.push_back(nullptr);
    places_.push_back(kNowhere);
  }
  const uint32_t id = free_.back();
  free_.pop_back();
  timers_[id] = &timer;
  return id;
}

void Engine::dismiss(uint32_t timer) {
  cancel(timer);
  timers_[timer] = nullptr;
  free_.push_back(timer);
}

void Engine::arm(uint32_t timer, Instant when) {
  const Entry entry{std::max(when, now()), next_order_++, timer};
  if (places_[timer] != kNowhere) {
    settle(places_[timer], entry);
  } else {
    heap_.emplace_back();
    rise(heap_.size() - 1, entry);
  }
}

void Engine::cancel(uint32_t timer) {
  if (places_[timer] != kNowhere) {
    remove(places_[timer]);
  }
}

bool Engine::run_next(Instant end) {
  if (heap_.empty() || heap_.front().when > end) {
    clock_.set(std::max(now(), end));
    return false;
  }
  Timer& timer = *timers_[heap_.front().timer];
  clock_.set(heap_.front().when);
  remove(0);
  ++events_;
  timer.action_();
  return true;
}

void Engine::place(size_t at, const Entry& entry) {
  heap_[at] = entry;
  places_[entry.timer] = static_cast<uint32_t>(at);
}

void Engine::rise(size_t at, const Entry& entry) {
  while (at > 0) {
    const size_t parent = (at - 1) / kArity;
    if (!entry.before(heap_[parent])) {
      break;
    }
    place(at, heap_[parent]);
    at = parent;
  }
  place(at, entry);
}

void Engine::sink(size_t at, const Entry& entry) {
  for (;;) {
    const size_t first = at * kArity + 1;
    if (first >= heap_.size()) {
      break;
    }
    size_t least = first;
    for (size_t child = first + 1; child < std::min(first + kArity, heap_.size()); ++child) {
      if (heap_[child].before(heap_[least])) {
        least = child;
      }
    }
    if (!heap_[least].before(entry)) {
      break;
    }
    place(at, heap_[least]);
    at = least;
  }
  place(at, entry);
}

// Where 'at' is free for another entry.
void Engine::settle(size_t at, const Entry& entry) {
  if (at > 0 && entry.before(heap_[(at - 1) / kArity])) {
    rise(at, entry);
  } else {
    sink(at, entry);
  }
}

void Engine::remove(size_t at) {
  places_[heap_[at].timer] = kNowhere;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at < heap_.size()) {
    settle(at, last);
  }
}

}  // namespace lapse::sim
