#include "control/instance/event_hub.h"

#include <algorithm>
#include <array>

namespace lapse {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(10);

}  // namespace

class EventHub::Handle final : public Instance::Subscription {
 public:
  Handle(std::shared_ptr<Subscribers> subscribers, std::list<Instance::EventHandler>::iterator position)
      : subscribers_(std::move(subscribers)), position_(position) {}
  ~Handle() override {
    const std::lock_guard lock(subscribers_->mutex);
    subscribers_->handlers.erase(position_);
  }

 private:
  std::shared_ptr<Subscribers> subscribers_;
  std::list<Instance::EventHandler>::iterator position_;
};

EventHub::EventHub(std::vector<EventRing*> rings) : rings_(std::move(rings)), thread_([this] { run(); }) {}

EventHub::~EventHub() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::unique_ptr<Instance::Subscription> EventHub::subscribe(Instance::EventHandler handler) {
  const std::lock_guard lock(subscribers_->mutex);
  const auto position = subscribers_->handlers.insert(subscribers_->handlers.end(), std::move(handler));
  return std::make_unique<Handle>(subscribers_, position);
}

void EventHub::flush() {
  std::unique_lock lock(mutex_);
  // A pass that is under way may have left the ring in question behind already: wait for the next one.
  const uint64_t wanted = passes_started_ + 1;
  flush_wanted_ = true;
  wake_.notify_all();
  drained_.wait(lock, [&] { return passes_done_ >= wanted || stop_; });
}

void EventHub::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, kInterval, [&] { return stop_ || flush_wanted_; });
    flush_wanted_ = false;
    ++passes_started_;
    lock.unlock();
    drain();
    lock.lock();
    passes_done_ = passes_started_;
    drained_.notify_all();
  }
  lock.unlock();
  drain();
}

// A worker records before it sends, and reads its clock after it has received: so the cause of an event is in its ring
// before the event is in another, with an earlier time. Once a round finds nothing that is as early as what is handed
// over, the causes of all of it are here. What is later waits for the next drain.
void EventHub::drain() {
  collect();
  if (collected_.empty()) {
    return;
  }
  const auto earlier = [](const Event& left, const Event& right) { return left.real < right.real; };
  const Instant latest = std::max_element(collected_.begin(), collected_.end(), earlier)->real;
  const auto is_due = [latest](const Event& event) { return event.real <= latest; };
  for (size_t before = 0; std::any_of(std::next(collected_.begin(), before), collected_.end(), is_due);) {
    before = collected_.size();
    collect();
  }
  std::stable_sort(collected_.begin(), collected_.end(), earlier);
  const auto end = std::partition_point(collected_.begin(), collected_.end(), is_due);
  hand_over(static_cast<size_t>(end - collected_.begin()));
}

void EventHub::collect() {
  std::array<Event, 256> events;
  for (EventRing* ring : rings_) {
    while (const size_t count = ring->pop(events.data(), events.size())) {
      collected_.insert(collected_.end(), events.begin(), events.begin() + count);
    }
  }
}

void EventHub::hand_over(size_t count) {
  const std::lock_guard lock(subscribers_->mutex);
  for (const Instance::EventHandler& handler : subscribers_->handlers) {
    for (size_t i = 0; i < count; ++i) {
      handler(collected_[i]);
    }
  }
  collected_.erase(collected_.begin(), collected_.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace lapse
