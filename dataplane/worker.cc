#include "dataplane/worker.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include <sys/epoll.h>
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
      events_(&events),
      clock_(&clock),
      quiescence_(&quiescence),
      bell_(&network.handoff().bell(options.id)),
      path_(options.id, network, pool, &events, options.trace),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  bell_->open();
  watch(epoll_, bell_->descriptor());
  for (size_t id = 0; id < network.links().size(); ++id) {
    const LinkId link{static_cast<uint8_t>(id)};
    Port* port = network.link(link).port;
    if (port == nullptr) {
      continue;
    }
    for (const uint16_t queue : network.link(link).queues.polled_by(options.id)) {
      sources_.push_back({.link = link, .port = port, .queue = queue});
      const int descriptor = port->wait_descriptor(queue);
      if (descriptor >= 0) {
        watch(epoll_, descriptor);
      } else {
        every_port_wakes_ = false;
      }
    }
  }
}

Worker::~Worker() {
  close(epoll_);
}

void Worker::run() {
  quiescence_->online(Quiescence::slot(options_.id));
  int idle_polls = 0;
  while (!stop_.load(std::memory_order_acquire)) {
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
  const bool found_packets = receive();
  const Instant last_read = last_now_.real;
  const Now now = read_clock();
  counters_.polls.add();
  if (was_busy_) {
    counters_.busy_cycles.add(clock_->cycles(now.real - last_read));
  }
  was_busy_ = found_packets;
  process_received(now);
  path_.run(now);
  // What expires is told: it can wait until the events before it have been taken, and no expiry is lost.
  path_.advance(now, events_->has_room() ? kReclaimPerBurst : 0);
  quiescence_->quiescent(Quiescence::slot(options_.id));
  const auto deadline = path_.next_deadline(now);
  const bool behind = deadline && *deadline <= now.now;
  if (!behind) {
    caught_up_.store(now.now.time_since_epoch().count(), std::memory_order_release);
  }
  return found_packets || behind;
}

bool Worker::receive() {
  size_t received = path_.take_handed();
  counters_.handed.add(received);
  for (Source& source : sources_) {
    source.count = source.port->receive(source.queue, source.burst, source.unusable);
    received += source.count + source.unusable;
  }
  return received > 0;
}

void Worker::process_received(const Now& now) {
  path_.receive_handed(now);
  for (const Source& source : sources_) {
    if (source.unusable > 0) {
      LinkCounters& counters = network_->link_counters(source.link, options_.id);
      counters.received_packets.add(source.unusable);
      counters.dropped[static_cast<size_t>(DropReason::kFrameTooLong)].add(source.unusable);
    }
    if (source.count > 0) {
      counters_.bursts.add();
      counters_.packets.add(source.count);
      path_.receive(source.link, {source.burst.data(), source.count}, now);
    }
  }
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
  bell_->fall_asleep();
  if (!path_.has_news()) {
    counters_.sleeps.add();
    quiescence_->offline(Quiescence::slot(options_.id));
    epoll_event event{};
    epoll_wait(epoll_, &event, 1, timeout);
    quiescence_->online(Quiescence::slot(options_.id));
  }
  bell_->wake_up();
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
  stop_.store(true, std::memory_order_release);
  wake();
}

void Worker::wake() {
  bell_->ring();
}

}  // namespace lapse
