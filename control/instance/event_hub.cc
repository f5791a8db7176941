#include "control/instance/event_hub.h"

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

void EventHub::drain() {
  std::array<Event, 256> events;
  for (EventRing* ring : rings_) {
    while (const size_t count = ring->pop(events.data(), events.size())) {
      const std::lock_guard lock(subscribers_->mutex);
      for (const Instance::EventHandler& handler : subscribers_->handlers) {
        for (size_t i = 0; i < count; ++i) {
          handler(events[i]);
        }
      }
    }
  }
}

}  // namespace lapse
