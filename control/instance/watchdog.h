// watchdog.h - which workers have stopped going round.
//
// Owner:    the monitor; used by one thread.
// Memory:   ordinary.
// Time:     callers pass the machine's steady time.
// Bytes:    none.
// Cost:     a comparison a worker.
// Lifetime: none.
// Spec:     a worker that polls, or sleeps on purpose, is well; one that does neither for a second has stalled.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace lapse {

class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Span = std::chrono::steady_clock::duration;
  static constexpr Span kPatience = std::chrono::seconds(1);

  struct Pulse {
    uint64_t polls = 0;
    bool asleep = false;
  };
  struct Change {
    size_t worker = 0;
    bool stalled = false;  // or it goes round again
    Span span{};           // since when it had not

    friend bool operator==(const Change&, const Change&) = default;
  };

  explicit Watchdog(size_t workers) : workers_(workers) {}

  // 'pulses' has one entry for each worker. Called several times a second; after a longer gap (the whole process was
  // stopped) the workers get their time anew.
  std::vector<Change> observe(std::span<const Pulse> pulses, Time now);

  // For how long the worker has not gone round, when that is too long.
  std::optional<Span> stalled_for(size_t worker, Time now) const;

 private:
  struct State {
    uint64_t polls = 0;
    Time since{};
    bool stalled = false;
  };
  std::vector<State> workers_;
  std::optional<Time> last_;
};

}  // namespace lapse
