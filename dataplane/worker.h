// worker.h - one poll-mode thread: receive, path, transmit, reclaim, quiescent; asleep when there is nothing to do.
//
// Owner:    the instance starts it in a thread of its own; request_stop() and wake() may be called from anywhere.
// Memory:   allocated in the constructor, never after.
// Time:     reads its clock once a pass, after it has received: what one worker's packet caused at another is later there.
// Bytes:    none.
// Cost:     an empty poll: one call a queue, one load a worker.
// Lifetime: outlived by network, clock and quiescence; run() returns after request_stop().
// Spec:     design, "The packet's way": polling.
#pragma once

#include <array>
#include <atomic>
#include <vector>

#include "dataplane/clock.h"
#include "dataplane/net/network.h"
#include "dataplane/net/path.h"
#include "dataplane/quiescence.h"

namespace lapse {

// kSpin never sleeps; kAdaptive sleeps on the ports' descriptors after a while without work.
enum class Polling : uint8_t { kSpin, kAdaptive };

class Worker {
 public:
  static constexpr size_t kReclaimPerBurst = 64;

  struct Options {
    WorkerId id{};
    Polling polling = Polling::kAdaptive;
    Trace trace = Trace::kPackets;
  };
  struct Counters {
    Counter polls;
    Counter bursts;       // that a port's queue gave
    Counter packets;      // in them
    Counter handed;       // packets that other workers handed over
    Counter busy_cycles;  // of the time stamp counter, in passes that found packets
    Counter sleeps;
  };

  Worker(const Options& options, Network& network, PacketPool& pool, EventRing& events, const Clock& clock,
         Quiescence& quiescence);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The thread's function.
  void run();

  // One pass over the ports and the path; false when it found nothing to do. For tests, too.
  bool run_once();

  void request_stop();
  void wake();  // makes a sleeping worker look at its clock and its ports

  // The latest virtual time at which this worker had nothing left to reclaim.
  Instant caught_up() const { return Instant(Duration(caught_up_.load(std::memory_order_acquire))); }
  const Counters& counters() const { return counters_; }
  // Whether it is waiting for a reason to look: then nothing moves, and nothing is wrong.
  bool asleep() const { return bell_->asleep(); }

 private:
  struct Source {
    LinkId link;
    Port* port;
    uint16_t queue;
    std::array<Packet*, kBurst> burst{};
    size_t count = 0;
    size_t unusable = 0;
  };

  Now read_clock();
  bool receive();
  void process_received(const Now& now);
  void sleep();
  int sleep_milliseconds(const Now& now) const;

  Options options_;
  Network* network_;
  EventRing* events_;
  const Clock* clock_;
  Quiescence* quiescence_;
  Doorbell* bell_;
  Path path_;
  std::vector<Source> sources_;  // the queues that only this worker polls
  Counters counters_;
  Now last_now_{};
  bool was_busy_ = false;  // the last pass found packets
  int epoll_ = -1;
  bool every_port_wakes_ = true;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> caught_up_{0};
};

}  // namespace lapse
