#include "control/report/ledger.h"

#include <algorithm>

namespace lapse::report {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);
constexpr std::string_view kNatGateway = "nat-gateway";
constexpr size_t kInside = 0;

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

MinuteSums BoxLedger::total() const {
  MinuteSums sum{};
  for (const auto& [minute, sums] : minutes) {
    for (size_t metric = 0; metric < sums.size(); ++metric) {
      sum[metric] += sums[metric];
    }
  }
  return sum;
}

size_t Ledger::KeyHash::operator()(const story::FlowKey& key) const {
  return ((uint64_t{key.id} << 32 | key.generation) ^ index(key.box)) * 0x9e3779b97f4a7c15ULL >> 7;
}

Ledger::Ledger(const topology::Directory& directory) : directory_(directory) {
  for (size_t id = 0; id < directory.boxes.size(); ++id) {
    boxes_.push_back(
        {.box = BoxId{static_cast<uint8_t>(id)}, .has_nat_metrics = directory.boxes[id].kind == kNatGateway});
  }
}

void Ledger::add(const Event& event) {
  const std::lock_guard lock(mutex_);
  last_ = std::max(last_, event.time);
  switch (event.kind) {
    case EventKind::kPacket:
      add_packet(event);
      break;
    case EventKind::kPacketDropped:
      if (event.reason != DropReason::kAnswered && event.reason != DropReason::kConsumed) {
        count(event.box, event.time, NatMetric::kPacketsDrop);
      }
      break;
    case EventKind::kRejected:
      if (is_tcp(event)) {
        count(event.box, event.time, NatMetric::kConnectionAttempt);
      }
      if (event.reason == DropReason::kPortsExhausted) {
        count(event.box, event.time, NatMetric::kErrorPortAllocation);
      }
      break;
    case EventKind::kFlowNew:
    case EventKind::kFlowEstablished:
    case EventKind::kFlowClosed:
    case EventKind::kFlowExpired:
      add_flow_event(event);
      break;
    default:
      break;
  }
}

void Ledger::add_packet(const Event& event) {
  const auto add = [&](InterfaceId interface, NatMetric packets, NatMetric bytes) {
    const BoxId box = directory_.interfaces[index(interface)].box;
    count(box, event.time, packets);
    count(box, event.time, bytes, event.frame_length);
  };
  if (index(event.to_interface) < directory_.interfaces.size()) {
    const bool inside = index(directory_.interfaces[index(event.to_interface)].side) == kInside;
    add(event.to_interface, inside ? NatMetric::kPacketsInFromSource : NatMetric::kPacketsInFromDestination,
        inside ? NatMetric::kBytesInFromSource : NatMetric::kBytesInFromDestination);
  }
  if (index(event.from_interface) < directory_.interfaces.size()) {
    const bool inside = index(directory_.interfaces[index(event.from_interface)].side) == kInside;
    add(event.from_interface, inside ? NatMetric::kPacketsOutToSource : NatMetric::kPacketsOutToDestination,
        inside ? NatMetric::kBytesOutToSource : NatMetric::kBytesOutToDestination);
  }
}

void Ledger::add_flow_event(const Event& event) {
  FlowLine* line = line_of(event);
  switch (event.kind) {
    case EventKind::kFlowNew:
      if (is_tcp(event)) {
        count(event.box, event.time, NatMetric::kConnectionAttempt);
      }
      break;
    case EventKind::kFlowEstablished:
      if (is_tcp(event)) {
        count(event.box, event.time, NatMetric::kConnectionEstablished);
      }
      if (line != nullptr) {
        line->established = event.time;
      }
      break;
    case EventKind::kFlowClosed:
      if (line != nullptr && !line->closed) {
        line->closed = event.time;
      }
      break;
    default: {
      if (line == nullptr || !line->closed) {
        count(event.box, event.time, NatMetric::kIdleTimeout);
      }
      if (line != nullptr) {
        line->expired = event.time;
        line->timeout_ms = event.timeout_ms;
        line->timeout_class = event.timeout_class;
        line->told = event.told;
      }
      break;
    }
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

void Ledger::count(BoxId box, Instant time, NatMetric metric, uint64_t amount) {
  if (index(box) >= boxes_.size()) {
    return;
  }
  BoxLedger& ledger = boxes_[index(box)];
  const auto minute = static_cast<uint64_t>(std::max<int64_t>(time.time_since_epoch() / kMinute, 0));
  if (ledger.minutes.size() == kMostMinutes && !ledger.minutes.contains(minute)) {
    ++ledger.minutes_left_out;
    return;
  }
  ledger.minutes[minute][static_cast<size_t>(metric)] += amount;
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
