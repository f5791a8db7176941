#include "control/api/history.h"

#include <algorithm>

namespace lapse::api {
namespace {

bool is_packet(const Event& event) {
  return event.kind == EventKind::kPacket || event.kind == EventKind::kPacketDropped;
}

}  // namespace

void History::put(Shelf& shelf, const NumberedEvent& event) {
  if (shelf.events.size() == shelf.room) {
    shelf.last_lost = shelf.events.front().sequence;
    shelf.events.pop_front();
  }
  shelf.events.push_back(event);
}

void History::add(const Event& event) {
  {
    const std::lock_guard lock(mutex_);
    put(is_packet(event) ? packets_ : events_, {++last_, event});
  }
  grew_.notify_all();
}

History::Slice History::after(uint64_t since, bool with_packets, size_t most) const {
  const std::lock_guard lock(mutex_);
  Slice slice;
  const auto begin_of = [&](const Shelf& shelf) {
    return std::upper_bound(shelf.events.begin(), shelf.events.end(), since,
                            [](uint64_t number, const NumberedEvent& event) { return number < event.sequence; });
  };
  slice.lost = events_.last_lost > since || (with_packets && packets_.last_lost > since);
  auto event = begin_of(events_);
  auto packet = with_packets ? begin_of(packets_) : packets_.events.end();
  while (slice.events.size() < most && (event != events_.events.end() || packet != packets_.events.end())) {
    const bool take_packet =
        packet != packets_.events.end() && (event == events_.events.end() || packet->sequence < event->sequence);
    slice.events.push_back(take_packet ? *packet++ : *event++);
  }
  slice.until = slice.events.size() == most && most > 0 ? slice.events.back().sequence : std::max(since, last_);
  return slice;
}

void History::wait(uint64_t since, std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  grew_.wait_for(lock, patience, [&] { return closed_ || last_ > since; });
}

void History::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  grew_.notify_all();
}

bool History::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace lapse::api
