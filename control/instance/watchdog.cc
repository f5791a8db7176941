#include "control/instance/watchdog.h"

#include <cassert>

namespace lapse {

std::vector<Watchdog::Change> Watchdog::observe(std::span<const Pulse> pulses, Time now) {
  assert(pulses.size() == workers_.size());
  const bool anew = !last_ || now - *last_ > kPatience / 2;
  last_ = now;
  std::vector<Change> changes;
  for (size_t number = 0; number < workers_.size(); ++number) {
    State& worker = workers_[number];
    const Pulse& pulse = pulses[number];
    if (pulse.asleep || pulse.polls != worker.polls) {
      if (worker.stalled) {
        changes.push_back({number, false, now - worker.since});
      }
      worker = {pulse.polls, now, false};
    } else if (anew && !worker.stalled) {
      worker.since = now;
    } else if (!worker.stalled && now - worker.since > kPatience) {
      worker.stalled = true;
      changes.push_back({number, true, now - worker.since});
    }
  }
  return changes;
}

std::optional<Watchdog::Span> Watchdog::stalled_for(size_t worker, Time now) const {
  const State& state = workers_[worker];
  return state.stalled ? std::optional(now - state.since) : std::nullopt;
}

}  // namespace lapse
