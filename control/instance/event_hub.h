// event_hub.h - drains the workers' event rings on a thread of its own and hands every event to the subscribers, what
// caused before what was caused.
//
// Owner:    an instance; subscribe() and flush() may be called from any thread but the drain thread.
// Memory:   ordinary.
// Time:     wakes every few milliseconds.
// Bytes:    none.
// Cost:     a copy an event, and the subscribers' own work.
// Lifetime: the rings outlive it; subscriptions may outlive it.
// Spec:     design, "Control": one stream.
#pragma once

#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "control/instance/instance.h"
#include "dataplane/event.h"

namespace lapse {

class EventHub {
 public:
  explicit EventHub(std::vector<EventRing*> rings);
  ~EventHub();

  std::unique_ptr<Instance::Subscription> subscribe(Instance::EventHandler handler);
  void flush();

 private:
  struct Subscribers {
    std::mutex mutex;
    std::list<Instance::EventHandler> handlers;
  };
  class Handle;

  void run();
  void drain();
  void collect();
  void hand_over(size_t count);

  std::vector<EventRing*> rings_;
  std::vector<Event> collected_;  // and not handed over yet; of the drain thread
  std::shared_ptr<Subscribers> subscribers_ = std::make_shared<Subscribers>();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable drained_;
  uint64_t passes_started_ = 0;
  uint64_t passes_done_ = 0;
  bool flush_wanted_ = false;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace lapse
