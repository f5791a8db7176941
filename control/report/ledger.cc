#include "control/report/ledger.h"

#include <algorithm>

#include "dataplane/wire/tcp.h"

namespace lapse::report {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

bool is_tcp(const Event& event) {
  return event.tuple.protocol == static_cast<uint8_t>(Protocol::kTcp);
}

}  // namespace

std::vector<FlowStep> BoxLedger::steps() const {
  std::map<Instant, int64_t> changes;
  for (const FlowLine& line : flows) {
    ++changes[line.opened];
    if (const auto over = line.over()) {
      --changes[*over];
    }
  }
  std::vector<FlowStep> result;
  int64_t living = 0;
  for (const auto& [time, change] : changes) {
    living += change;
    result.push_back({time, static_cast<uint64_t>(std::max<int64_t>(living, 0))});
  }
  return result;
}

size_t Ledger::KeyHash::operator()(const story::FlowKey& key) const {
  return ((uint64_t{key.id} << 32 | key.generation) ^ index(key.box)) * 0x9e3779b97f4a7c15ULL >> 7;
}

Ledger::Ledger(const topology::Directory& directory) : directory_(directory) {
  for (size_t id = 0; id < directory.boxes.size(); ++id) {
    boxes_.push_back({.box = BoxId{static_cast<uint8_t>(id)}});
  }
}

void Ledger::add(const Event& event) {
  const std::lock_guard lock(mutex_);
  last_ = std::max(last_, event.time);
  if (event.kind == EventKind::kPacket) {
    add_packet(event);
    return;
  }
  if (metrics::Totals* const totals = minute_of(event.box, event.time)) {
    count(event, *totals);
  }
  if (event.kind == EventKind::kFlowNew || event.kind == EventKind::kFlowEstablished ||
      event.kind == EventKind::kFlowClosed || event.kind == EventKind::kFlowReleased ||
      event.kind == EventKind::kFlowExpired) {
    add_flow_event(event);
  }
}

// As the box's own counters count it.
void Ledger::count(const Event& event, metrics::Totals& totals) {
  ++totals.events[static_cast<size_t>(event.kind)];
  switch (event.kind) {
    case EventKind::kPacketDropped:
      ++totals.dropped[static_cast<size_t>(event.reason)];
      break;
    case EventKind::kFlowNew:
      if (is_tcp(event)) {
        ++totals.tcp_flows_opened;
        unanswered_.insert({event.box, event.reply});
      }
      break;
    case EventKind::kFlowClosed:
    case EventKind::kFlowReleased:
      unanswered_.erase({event.box, event.reply});
      break;
    case EventKind::kFlowExpired:
      ++totals.expired[event.timeout_class];
      unanswered_.erase({event.box, event.reply});
      break;
    default:
      break;
  }
}

void Ledger::add_packet(const Event& event) {
  if (index(event.to_interface) < directory_.interfaces.size()) {
    const topology::Directory::Interface& to = directory_.interfaces[index(event.to_interface)];
    if (metrics::Totals* const totals = minute_of(to.box, event.time)) {
      ++totals->received_packets[index(to.side)];
      totals->received_bytes[index(to.side)] += event.frame_length;
      const bool is_answer = (event.tcp_flags & kTcpSyn) != 0 && (event.tcp_flags & kTcpRst) == 0;
      totals->tcp_flows_answered += is_answer ? unanswered_.erase({to.box, event.tuple}) : 0;
    }
  }
  if (index(event.from_interface) < directory_.interfaces.size()) {
    const topology::Directory::Interface& from = directory_.interfaces[index(event.from_interface)];
    if (metrics::Totals* const totals = minute_of(from.box, event.time)) {
      ++totals->sent_packets[index(from.side)];
      totals->sent_bytes[index(from.side)] += event.frame_length;
    }
  }
}

void Ledger::add_flow_event(const Event& event) {
  FlowLine* const line = line_of(event);
  if (line == nullptr) {
    return;
  }
  if (event.kind == EventKind::kFlowEstablished) {
    line->established = event.time;
  } else if ((event.kind == EventKind::kFlowClosed || event.kind == EventKind::kFlowReleased) && !line->closed) {
    line->closed = event.time;
  } else if (event.kind == EventKind::kFlowExpired) {
    line->expired = event.time;
    line->timeout_ms = event.timeout_ms;
    line->timeout_class = event.timeout_class;
    line->told = event.told;
  }
}

// A flow event whose birth was not seen has no line.
FlowLine* Ledger::line_of(const Event& event) {
  const story::FlowKey key{event.box, event.flow, event.generation};
  if (index(event.box) >= boxes_.size()) {
    return nullptr;
  }
  BoxLedger& box = boxes_[index(event.box)];
  if (event.kind == EventKind::kFlowNew) {
    if (box.flows.size() == kMostFlows) {
      ++box.flows_left_out;
      return nullptr;
    }
    lines_[key] = box.flows.size();
    box.flows.push_back({.key = key, .original = event.tuple, .reply = event.reply, .opened = event.time});
    return &box.flows.back();
  }
  const auto found = lines_.find(key);
  return found == lines_.end() ? nullptr : &box.flows[found->second];
}

metrics::Totals* Ledger::minute_of(BoxId box, Instant time) {
  if (index(box) >= boxes_.size()) {
    return nullptr;
  }
  BoxLedger& ledger = boxes_[index(box)];
  const auto minute = static_cast<uint64_t>(std::max<int64_t>(time.time_since_epoch() / kMinute, 0));
  if (ledger.minutes.size() == kMostMinutes && !ledger.minutes.contains(minute)) {
    ++ledger.minutes_left_out;
    return nullptr;
  }
  return &ledger.minutes[minute];
}

std::vector<BoxLedger> Ledger::boxes() const {
  const std::lock_guard lock(mutex_);
  return boxes_;
}

Instant Ledger::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace lapse::report
