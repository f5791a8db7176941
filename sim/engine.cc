#include "sim/engine.h"

#include <algorithm>

namespace lapse::sim {

void Timer::arm(Instant when) {
  cancel();
  when_ = std::max(when, engine_->now());
  order_ = engine_->next_order_++;
  engine_->heap_.emplace_back();
  engine_->rise(engine_->heap_.size() - 1, {when_, order_, this});
}

void Timer::cancel() {
  if (armed()) {
    engine_->remove(place_);
  }
}

bool Engine::run_next(Instant end) {
  if (heap_.empty() || heap_.front().when > end) {
    clock_.set(std::max(now(), end));
    return false;
  }
  Timer& timer = *heap_.front().timer;
  clock_.set(timer.when_);
  remove(0);
  ++events_;
  timer.action_();
  return true;
}

void Engine::place(size_t at, const Entry& entry) {
  heap_[at] = entry;
  entry.timer->place_ = at;
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

void Engine::remove(size_t at) {
  heap_[at].timer->place_ = Timer::kNowhere;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (at == heap_.size()) {
    return;
  }
  if (at > 0 && last.before(heap_[(at - 1) / kArity])) {
    rise(at, last);
  } else {
    sink(at, last);
  }
}

}  // namespace lapse::sim
