// history.h - the last events of an instance, numbered, for whoever asks or follows.
//
// Owner:    the API server; one thread adds, any number read and wait.
// Memory:   bounded; packets have a smaller share of their own, so that traffic does not drive out what matters.
// Time:     the events' own.
// Bytes:    none.
// Cost:     add(): an append under a lock.
// Lifetime: events are copied out.
// Spec:     design, "Control": events form one stream.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "dataplane/event.h"

namespace lapse::api {

struct NumberedEvent {
  uint64_t sequence = 0;  // from 1, over all kinds
  Event event;
};

class History {
 public:
  History(size_t events, size_t packets) : events_{.room = events}, packets_{.room = packets} {}

  void add(const Event& event);

  struct Slice {
    std::vector<NumberedEvent> events;
    bool lost = false;   // some after 'since' are gone already
    uint64_t until = 0;  // ask for what comes after this one next
  };
  // At most 'most' events after number 'since', in order.
  Slice after(uint64_t since, bool with_packets, size_t most) const;

  // Returns when there is something after 'since', when close() was called, or after 'patience'.
  void wait(uint64_t since, std::chrono::milliseconds patience) const;
  void close();
  bool closed() const;

 private:
  struct Shelf {
    size_t room = 0;
    uint64_t last_lost = 0;  // number of the newest event that had to go
    std::deque<NumberedEvent> events;
  };
  static void put(Shelf& shelf, const NumberedEvent& event);

  mutable std::mutex mutex_;
  mutable std::condition_variable grew_;
  Shelf events_;
  Shelf packets_;
  uint64_t last_ = 0;
  bool closed_ = false;
};

}  // namespace lapse::api
