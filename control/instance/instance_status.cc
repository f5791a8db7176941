#include "control/instance/instance_impl.h"
#include "control/metrics/metrics.h"

namespace lapse {
namespace {

std::map<DropReason, uint64_t> not_zero(const std::array<uint64_t, kDropReasonCount>& dropped) {
  std::map<DropReason, uint64_t> named;
  for (size_t reason = 0; reason < dropped.size(); ++reason) {
    if (dropped[reason] > 0) {
      named[static_cast<DropReason>(reason)] = dropped[reason];
    }
  }
  return named;
}

void add_drops(const DropCounters& counters, std::array<uint64_t, kDropReasonCount>& dropped) {
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    dropped[reason] += counters[reason].get();
  }
}

}  // namespace

BoxStatus Instance::Impl::box_status(BoxId box) {
  BoxStatus status;
  status.box = box;
  status.conservation = network->box_conservation(box);
  if (const FlowTable* table = network->box(box).flows()) {
    status.flows = table->live_count();
    status.capacity = table->capacity();
    status.memory_bytes = table->memory_bytes();
    for (size_t id = 0; id < kTimeoutClassCount; ++id) {
      status.timeouts[id] = kTick * table->timeouts().milliseconds(static_cast<TimeoutClass>(id));
    }
  }
  const metrics::Totals totals = totals_of(box);
  const topology::Directory::Box& known = directory.boxes[index(box)];
  for (size_t side = 0; side < known.side_names.size(); ++side) {
    status.received[known.side_names[side]] = totals.received_packets[side];
    status.sent[known.side_names[side]] = totals.sent_packets[side];
  }
  for (size_t kind = 0; kind < kEventKindCount; ++kind) {
    if (totals.events[kind] > 0) {
      status.events[static_cast<EventKind>(kind)] = totals.events[kind];
    }
  }
  status.dropped = not_zero(totals.dropped);
  status.living = totals.living;
  for (const metrics::Metric& metric : metrics::metrics_of(known.kind)) {
    status.metrics[std::string(metric.name)] = metric.of(totals);
  }
  return status;
}

metrics::Totals Instance::Impl::totals_of(BoxId box) {
  read_rates();
  metrics::Totals totals = metrics::totals(*network, box);
  {
    const std::lock_guard lock(peaks_mutex);
    peaks->fill_in(box, totals);
  }
  if (const FlowTable* table = network->box(box).flows()) {
    const std::lock_guard lock(reader_mutex);
    const Tick tick = to_tick(now().now);
    visit_flows(*table, [&](const FlowSnapshot& flow) { metrics::count_flow(flow, table->timeouts(), tick, totals); });
  }
  return totals;
}

LinkStatus Instance::Impl::link_status(LinkId link) const {
  LinkStatus status;
  status.link = link;
  if (const auto device = options.ports.find(directory.links[index(link)].name); device != options.ports.end()) {
    status.device = device->second;
  }
  if (const auto port = ports.find(link); port != ports.end()) {
    status.port = PortStatus{port->second->driver(), port->second->plan(), port->second->link()};
  }
  status.impairments = network->link(link).impairments;
  status.seed = network->link(link).seed;
  status.held = network->packets_on(link);
  std::array<uint64_t, kDropReasonCount> dropped{};
  for (size_t worker = 0; worker < workers.size(); ++worker) {
    const LinkCounters& counters = network->link_counters(link, WorkerId{static_cast<uint8_t>(worker)});
    status.received_packets += counters.received_packets.get();
    status.received_bytes += counters.received_bytes.get();
    status.sent_packets += counters.sent_packets.get();
    status.sent_bytes += counters.sent_bytes.get();
    add_drops(counters.dropped, dropped);
  }
  status.dropped = not_zero(dropped);
  return status;
}

WorkerStatus Instance::Impl::worker_status(size_t number) const {
  const Worker& worker = *workers[number];
  const Worker::Counters& counters = worker.counters();
  WorkerStatus status;
  status.polls = counters.polls.get();
  status.bursts = counters.bursts.get();
  status.packets = counters.packets.get();
  status.sleeps = counters.sleeps.get();
  status.handed = counters.handed.get();
  status.busy_cycles = counters.busy_cycles.get();
  status.events_lost = rings[number]->lost();
  status.asleep = worker.asleep();
  if (!options.cores.empty()) {
    status.core = options.cores[number];
  }
  if (monitor != nullptr) {
    status.stalled_for = monitor->stalled_for(number);
  }
  const WorkerId id{static_cast<uint8_t>(number)};
  std::array<uint64_t, kDropReasonCount> dropped{};
  for (size_t box = 0; box < directory.boxes.size(); ++box) {
    add_drops(network->box_counters(BoxId{static_cast<uint8_t>(box)}, id).dropped, dropped);
  }
  for (size_t link = 0; link < directory.links.size(); ++link) {
    add_drops(network->link_counters(LinkId{static_cast<uint8_t>(link)}, id).dropped, dropped);
  }
  status.dropped = not_zero(dropped);
  return status;
}

InstanceStatus Instance::status() const {
  InstanceStatus status;
  status.now = now();
  status.scale = scale();
  for (size_t box = 0; box < impl_->directory.boxes.size(); ++box) {
    status.boxes.push_back(impl_->box_status(BoxId{static_cast<uint8_t>(box)}));
  }
  for (size_t link = 0; link < impl_->directory.links.size(); ++link) {
    status.links.push_back(impl_->link_status(LinkId{static_cast<uint8_t>(link)}));
  }
  for (size_t worker = 0; worker < impl_->workers.size(); ++worker) {
    status.workers.push_back(impl_->worker_status(worker));
  }
  status.process = impl_->network->process_conservation();
  return status;
}

}  // namespace lapse
