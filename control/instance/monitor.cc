#include "control/instance/monitor.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace lapse {
namespace {

using std::chrono::steady_clock;

constexpr Duration kInterval = std::chrono::milliseconds(100);
constexpr Duration kShortestInterval = std::chrono::milliseconds(1);

std::string seconds_text(Watchdog::Span span) {
  return absl::StrFormat("%.1f s", std::chrono::duration<double>(span).count());
}

}  // namespace

Monitor::Monitor(std::vector<WorkerWatch> workers, std::vector<PortWatch> ports, Outlets outlets)
    : workers_(std::move(workers)),
      ports_(std::move(ports)),
      outlets_(std::move(outlets)),
      port_is_up_(ports_.size(), true),
      watchdog_(workers_.size()),
      thread_([this] { run(); }) {}

Monitor::~Monitor() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopped_.notify_all();
  thread_.join();
}

std::optional<Watchdog::Span> Monitor::stalled_for(size_t worker) const {
  const std::lock_guard lock(mutex_);
  return watchdog_.stalled_for(worker, steady_clock::now());
}

void Monitor::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    lock.unlock();
    const Duration pause = look();
    lock.lock();
    stopped_.wait_for(lock, pause, [this] { return stop_; });
  }
}

// How long it may be until the next look.
Duration Monitor::look() {
  look_at_workers();
  look_at_ports();
  return outlets_.read_rates ? std::clamp(outlets_.read_rates(), kShortestInterval, kInterval) : kInterval;
}

void Monitor::look_at_workers() {
  std::vector<Watchdog::Pulse> pulses;
  pulses.reserve(workers_.size());
  for (const WorkerWatch& worker : workers_) {
    pulses.push_back(worker.pulse());
  }
  std::vector<Watchdog::Change> changes;
  {
    const std::lock_guard lock(mutex_);
    changes = watchdog_.observe(pulses, steady_clock::now());
  }
  for (const Watchdog::Change& change : changes) {
    const std::string& name = workers_[change.worker].name;
    say(change.stalled
            ? absl::StrCat(name, " has stalled: it has not polled for ", seconds_text(change.span),
                           "; its queues wait, the other workers go on. Does something else run on its core?")
            : absl::StrCat(name, " goes on after ", seconds_text(change.span)));
  }
}

void Monitor::look_at_ports() {
  for (size_t number = 0; number < ports_.size(); ++number) {
    const PortWatch& port = ports_[number];
    const bool up = port.is_up();
    if (up == port_is_up_[number]) {
      continue;
    }
    port_is_up_[number] = up;
    say(absl::StrCat("link ", port.name,
                     up ? " is up" : " is down: is its cable, or what is at its other end, there?"));
    if (outlets_.tell) {
      outlets_.tell(up ? EventKind::kLinkUp : EventKind::kLinkDown, port.link);
    }
  }
}

void Monitor::say(const std::string& sentence) const {
  if (outlets_.say) {
    outlets_.say(sentence);
  }
}

}  // namespace lapse
