#include "dataplane/worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace lapse {
namespace {

constexpr int kIdlePollsBeforeSleep = 256;
constexpr int kLongestSleepMilliseconds = 1000;

void watch(int epoll, int descriptor) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = descriptor;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0 && errno != EEXIST) {
    std::abort();  // only exhausted kernel memory gets here
  }
}

}  // namespace

Worker::Worker(const Options& options, Network& network, PacketPool& pool, EventRing& events, const Clock& clock,
               Quiescence& quiescence)
    : options_(options),
      network_(&network),
      clock_(&clock),
      quiescence_(&quiescence),
      path_(options.id, network, pool, &events, options.trace),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  watch(epoll_, wake_event_);
  for (const Link& link : network.links()) {
    if (link.port == nullptr) {
      continue;
    }
    const int descriptor = link.port->wait_descriptor(static_cast<uint16_t>(options.id));
    if (descriptor >= 0) {
      watch(epoll_, descriptor);
    } else {
      every_port_wakes_ = false;
    }
  }
}

Worker::~Worker() {
  close(epoll_);
  close(wake_event_);
}

void Worker::run() {
  quiescence_->online(Quiescence::slot(options_.id));
  int idle_polls = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (run_once()) {
      idle_polls = 0;
    } else if (options_.polling == Polling::kAdaptive && ++idle_polls >= kIdlePollsBeforeSleep) {
      sleep();
      idle_polls = 0;
    }
  }
  path_.drop_held();
  quiescence_->offline(Quiescence::slot(options_.id));
}

bool Worker::run_once() {
  const Instant last_began = last_now_.real;
  const Now now = read_clock();
  counters_.polls.add();
  if (found_packets_) {
    counters_.busy_cycles.add(clock_->cycles(now.real - last_began));
  }
  found_packets_ = receive_all(now);
  path_.run(now);
  path_.advance(now, kReclaimPerBurst);
  quiescence_->quiescent(Quiescence::slot(options_.id));
  const auto deadline = path_.next_deadline(now);
  const bool behind = deadline && *deadline <= now.now;
  if (!behind) {
    caught_up_.store(now.now.time_since_epoch().count(), std::memory_order_release);
  }
  return found_packets_ || behind;
}

bool Worker::receive_all(const Now& now) {
  bool received = false;
  for (size_t id = 0; id < network_->links().size(); ++id) {
    const LinkId link{static_cast<uint8_t>(id)};
    Port* port = network_->link(link).port;
    if (port == nullptr) {
      continue;
    }
    std::array<Packet*, kBurst> burst;
    size_t unusable = 0;
    const size_t count = port->receive(static_cast<uint16_t>(options_.id), burst, unusable);
    if (count == 0 && unusable == 0) {
      continue;
    }
    if (unusable > 0) {
      LinkCounters& counters = network_->link_counters(link, options_.id);
      counters.received_packets.add(unusable);
      counters.dropped[static_cast<size_t>(DropReason::kFrameTooLong)].add(unusable);
    }
    counters_.bursts.add();
    counters_.packets.add(count);
    path_.receive(link, {burst.data(), count}, now);
    received = true;
  }
  return received;
}

// Another worker's mapping may be newer: virtual time never goes back for this one.
Now Worker::read_clock() {
  Now now = clock_->now();
  now.now = std::max(now.now, last_now_.now);
  last_now_ = now;
  return now;
}

void Worker::sleep() {
  const Now now = read_clock();
  const int timeout = sleep_milliseconds(now);
  if (timeout == 0) {
    return;
  }
  counters_.sleeps.add();
  quiescence_->offline(Quiescence::slot(options_.id));
  sleeping_.store(true, std::memory_order_relaxed);
  epoll_event event{};
  if (epoll_wait(epoll_, &event, 1, timeout) == 1 && event.data.fd == wake_event_) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t size = read(wake_event_, &count, sizeof(count));
  }
  sleeping_.store(false, std::memory_order_relaxed);
  quiescence_->online(Quiescence::slot(options_.id));
}

int Worker::sleep_milliseconds(const Now& now) const {
  auto longest = std::chrono::milliseconds(every_port_wakes_ ? kLongestSleepMilliseconds : 1);
  if (const auto deadline = path_.next_deadline(now)) {
    const auto real = clock_->real_duration(*deadline - now.now);
    longest = std::min(longest, std::chrono::ceil<std::chrono::milliseconds>(real));
  }
  if (const auto retry = path_.next_retry(now)) {
    longest = std::min(longest, std::chrono::ceil<std::chrono::milliseconds>(*retry - now.real));
  }
  return static_cast<int>(std::max<int64_t>(longest.count(), 0));
}

void Worker::request_stop() {
  stop_.store(true, std::memory_order_relaxed);
  wake();
}

void Worker::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = write(wake_event_, &one, sizeof(one));
}

}  // namespace lapse
