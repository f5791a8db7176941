// monitor.h - looks a few times a second whether workers go round and cables are plugged in, and says what changed; reads
// the boxes' rates when they are due.
//
// Owner:    an instance, which stops it before its workers and ports.
// Memory:   ordinary.
// Time:     real; the rates' windows are virtual, and whoever reads them says how long that is.
// Bytes:    none.
// Cost:     a thread that wakes ten times a second, more often where virtual time is so fast that the rates need it; a
//           call into the driver for each watched port.
// Lifetime: what it watches outlives it.
// Spec:     design, "Control"; a port that goes down or a worker that stalls has a named result.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "control/instance/watchdog.h"
#include "dataplane/event.h"
#include "dataplane/ids.h"
#include "dataplane/time.h"

namespace lapse {

class Monitor {
 public:
  struct WorkerWatch {
    std::string name;  // "worker 1 (core 3)"
    std::function<Watchdog::Pulse()> pulse;
  };
  struct PortWatch {
    LinkId link = kNoLink;
    std::string name;  // "private (net_af_packet0)"
    std::function<bool()> is_up;
  };
  // Called on the monitor's thread; they may be empty.
  struct Outlets {
    std::function<void(const std::string&)> say;  // a sentence for whoever runs the instance
    std::function<void(EventKind, LinkId)> tell;  // for the stream of events
    // Reads rates; returns the real time after which it has to be called again, or earlier.
    std::function<Duration()> read_rates;
  };

  Monitor(std::vector<WorkerWatch> workers, std::vector<PortWatch> ports, Outlets outlets);
  ~Monitor();

  std::optional<Watchdog::Span> stalled_for(size_t worker) const;

 private:
  void run();
  Duration look();
  void look_at_workers();
  void look_at_ports();
  void say(const std::string& sentence) const;

  std::vector<WorkerWatch> workers_;
  std::vector<PortWatch> ports_;
  Outlets outlets_;
  std::vector<bool> port_is_up_;  // the monitor's thread only
  mutable std::mutex mutex_;      // of what follows
  Watchdog watchdog_;
  bool stop_ = false;
  std::condition_variable stopped_;
  std::thread thread_;
};

}  // namespace lapse
