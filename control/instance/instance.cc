#include "control/instance/instance.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include <sys/random.h>

#include "absl/strings/str_cat.h"

#include "control/instance/clock_control.h"
#include "control/instance/event_hub.h"
#include "control/network/build.h"
#include "dataplane/clock.h"
#include "dataplane/io/dpdk_port.h"
#include "dataplane/io/eal.h"
#include "dataplane/net/network.h"
#include "dataplane/quiescence.h"

namespace lapse {
namespace {

constexpr size_t kPacketBuffers = 8192;
constexpr size_t kFrameSize = 2048;
constexpr size_t kEventCapacity = 65536;
constexpr uint32_t kFlowsPerSlice = 4096;
constexpr Duration kLongestStep = std::chrono::hours(24 * 10);
constexpr Quiescence::Slot kReaderSlot{kMaxWorkers};

// How much earlier than a flow's end the guard stops: room for the caller to do something about it.
constexpr Duration kGuardMargin = std::chrono::milliseconds(100);

uint64_t kernel_random() {
  uint64_t value = 0;
  [[maybe_unused]] const ssize_t size = getrandom(&value, sizeof(value), 0);
  return value;
}

std::string device_name(const std::string& device) {
  return device.substr(0, device.find(','));
}

std::map<DropReason, uint64_t> not_zero(const std::array<uint64_t, kDropReasonCount>& dropped) {
  std::map<DropReason, uint64_t> named;
  for (size_t reason = 0; reason < dropped.size(); ++reason) {
    if (dropped[reason] > 0) {
      named[static_cast<DropReason>(reason)] = dropped[reason];
    }
  }
  return named;
}

}  // namespace

struct Instance::Impl {
  topology::Topology topology;
  topology::Directory directory;
  InstanceOptions options;
  Quiescence quiescence;
  std::unique_ptr<io::DpdkPacketPool> pool;
  std::vector<std::unique_ptr<io::DpdkPort>> ports;
  std::unique_ptr<Network> network;
  std::unique_ptr<TscClock> clock;
  std::vector<std::unique_ptr<EventRing>> rings;
  std::unique_ptr<EventHub> hub;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  mutable std::mutex reader_mutex;  // of kReaderSlot
  std::mutex clock_mutex;           // one move at a time
  bool eal_started = false;

  absl::Status open_ports();
  absl::Status start_workers();
  void move_clock(Duration duration);
  void wait_until_caught_up();
  void after_clock_change();
  void read_flows(BoxId box, const FlowTable& table, bool with_dead, std::vector<FlowView>& views);
  BoxStatus box_status(BoxId box) const;
  LinkStatus link_status(LinkId link) const;
};

absl::StatusOr<std::unique_ptr<Instance>> Instance::start(const topology::Topology& topology,
                                                          const InstanceOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->topology = topology;
  impl->directory = topology::make_directory(topology);
  impl->options = options;
  std::unique_ptr<Instance> instance(new Instance(std::move(impl)));
  Impl& made = *instance->impl_;
  made.network = build_network(made.topology, {options.workers, kernel_random}, made.quiescence);
  if (absl::Status status = made.open_ports(); !status.ok()) {
    return status;
  }
  made.clock = std::make_unique<TscClock>(options.scale);
  if (absl::Status status = made.start_workers(); !status.ok()) {
    return status;
  }
  return instance;
}

Instance::Instance(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Instance::~Instance() {
  stop();
}

void Instance::stop() {
  Impl& impl = *impl_;
  for (const auto& worker : impl.workers) {
    worker->request_stop();
  }
  for (std::thread& thread : impl.threads) {
    thread.join();
  }
  impl.threads.clear();
  impl.hub.reset();
  impl.workers.clear();
  impl.network.reset();
  impl.ports.clear();
  impl.pool.reset();
  if (impl.eal_started) {
    io::stop_eal();
    impl.eal_started = false;
  }
}

absl::Status Instance::Impl::open_ports() {
  io::EalOptions eal;
  eal.verbose = options.verbose;
  eal.runtime_directory = options.runtime_directory;
  for (const auto& [link, device] : options.ports) {
    eal.devices.push_back(device);
  }
  if (absl::Status status = io::start_eal(eal); !status.ok()) {
    return status;
  }
  eal_started = true;
  auto made = io::DpdkPacketPool::make(kPacketBuffers, kFrameSize);
  if (!made.ok()) {
    return made.status();
  }
  pool = std::move(*made);
  for (size_t id = 0; id < topology.links.size(); ++id) {
    const auto device = options.ports.find(topology.links[id].name);
    if (device == options.ports.end()) {
      continue;
    }
    auto port = io::DpdkPort::open(device_name(device->second), static_cast<uint16_t>(options.workers), *pool);
    if (!port.ok()) {
      return port.status();
    }
    network->set_port(LinkId{static_cast<uint8_t>(id)}, port->get());
    ports.push_back(std::move(*port));
  }
  return absl::OkStatus();
}

absl::Status Instance::Impl::start_workers() {
  std::vector<EventRing*> all_rings;
  for (size_t id = 0; id < options.workers; ++id) {
    rings.push_back(std::make_unique<EventRing>(kEventCapacity));
    all_rings.push_back(rings.back().get());
    const Worker::Options worker{WorkerId{static_cast<uint8_t>(id)}, options.polling,
                                 options.trace_packets ? Trace::kPackets : Trace::kOff};
    workers.push_back(std::make_unique<Worker>(worker, *network, *pool, *rings.back(), *clock, quiescence));
  }
  hub = std::make_unique<EventHub>(std::move(all_rings));
  std::mutex registered_mutex;
  std::vector<absl::Status> registered;
  std::condition_variable all_registered;
  for (const auto& worker : workers) {
    threads.emplace_back([&, running = worker.get(), name = absl::StrCat("worker-", threads.size())] {
      pthread_setname_np(pthread_self(), name.c_str());
      absl::Status status = io::register_worker_thread();
      const bool usable = status.ok();
      {
        const std::lock_guard lock(registered_mutex);
        registered.push_back(std::move(status));
        all_registered.notify_all();
      }
      if (usable) {
        running->run();
        io::unregister_worker_thread();
      }
    });
  }
  std::unique_lock lock(registered_mutex);
  all_registered.wait(lock, [&] { return registered.size() == workers.size(); });
  for (const absl::Status& status : registered) {
    if (!status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

const topology::Topology& Instance::topology() const {
  return impl_->topology;
}
const topology::Directory& Instance::directory() const {
  return impl_->directory;
}

// ---- status ----

BoxStatus Instance::Impl::box_status(BoxId box) const {
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
  std::array<uint64_t, kDropReasonCount> dropped{};
  for (size_t worker = 0; worker < workers.size(); ++worker) {
    const BoxCounters& counters = network->box_counters(box, WorkerId{static_cast<uint8_t>(worker)});
    const std::vector<std::string>& sides = directory.boxes[index(box)].side_names;
    for (size_t side = 0; side < sides.size(); ++side) {
      status.received[sides[side]] += counters.received_packets[side].get();
      status.sent[sides[side]] += counters.sent_packets[side].get();
    }
    for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
      dropped[reason] += counters.dropped[reason].get();
    }
    for (size_t kind = 0; kind < kEventKindCount; ++kind) {
      if (const uint64_t count = counters.events[kind].get(); count > 0) {
        status.events[static_cast<EventKind>(kind)] += count;
      }
    }
  }
  status.dropped = not_zero(dropped);
  return status;
}

LinkStatus Instance::Impl::link_status(LinkId link) const {
  LinkStatus status;
  status.link = link;
  if (const auto device = options.ports.find(directory.links[index(link)].name); device != options.ports.end()) {
    status.device = device->second;
  }
  std::array<uint64_t, kDropReasonCount> dropped{};
  for (size_t worker = 0; worker < workers.size(); ++worker) {
    const LinkCounters& counters = network->link_counters(link, WorkerId{static_cast<uint8_t>(worker)});
    status.received_packets += counters.received_packets.get();
    status.received_bytes += counters.received_bytes.get();
    status.sent_packets += counters.sent_packets.get();
    status.sent_bytes += counters.sent_bytes.get();
    for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
      dropped[reason] += counters.dropped[reason].get();
    }
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
    const Worker::Counters& counters = impl_->workers[worker]->counters();
    status.workers.push_back({.polls = counters.polls.get(),
                              .bursts = counters.bursts.get(),
                              .packets = counters.packets.get(),
                              .sleeps = counters.sleeps.get(),
                              .events_lost = impl_->rings[worker]->lost()});
  }
  status.process = impl_->network->process_conservation();
  return status;
}

// ---- flows ----

void Instance::Impl::read_flows(BoxId box, const FlowTable& table, bool with_dead, std::vector<FlowView>& views) {
  const Tick tick = to_tick(clock->now().now);
  for (uint32_t first = 0; first < table.record_count(); first += kFlowsPerSlice) {
    quiescence.online(kReaderSlot);
    const uint32_t end = std::min(table.record_count(), first + kFlowsPerSlice);
    for (uint32_t id = first; id < end; ++id) {
      const auto flow = table.snapshot(FlowId{id});
      if (!flow) {
        continue;
      }
      FlowView view;
      view.box = box;
      view.flow = *flow;
      const auto idle_ticks = static_cast<int32_t>(tick - flow->last_seen);
      view.idle = kTick * std::max(idle_ticks, 0);
      view.timeout = kTick * table.timeouts().milliseconds(flow->control.timeout_class);
      view.left = kTick * table.timeouts().dead_after(flow->control.timeout_class) - view.idle;
      if (with_dead || view.left > Duration::zero()) {
        views.push_back(view);
      }
    }
    quiescence.offline(kReaderSlot);
  }
}

std::vector<FlowView> Instance::flows(bool with_dead) const {
  const std::lock_guard lock(impl_->reader_mutex);
  std::vector<FlowView> views;
  for (size_t id = 0; id < impl_->directory.boxes.size(); ++id) {
    const BoxId box{static_cast<uint8_t>(id)};
    if (const FlowTable* table = impl_->network->box(box).flows()) {
      impl_->read_flows(box, *table, with_dead, views);
    }
  }
  return views;
}

// ---- events ----

std::unique_ptr<Instance::Subscription> Instance::subscribe(EventHandler handler) {
  return impl_->hub->subscribe(std::move(handler));
}

void Instance::flush_events() {
  impl_->hub->flush();
}

// ---- the clock ----

Now Instance::now() const {
  return impl_->clock->now();
}
double Instance::scale() const {
  return impl_->clock->scale();
}

// Returns once every worker has begun a burst with the new mapping.
void Instance::Impl::after_clock_change() {
  for (const auto& worker : workers) {
    worker->wake();
  }
  quiescence.wait();
  clock->retire();
}

// Ticks are 32 bits wide: before time goes on, whatever is over has to be noticed.
void Instance::Impl::wait_until_caught_up() {
  const Instant target = clock->now().now;
  for (const auto& worker : workers) {
    while (worker->caught_up() < target) {
      worker->wake();
      std::this_thread::yield();
    }
  }
}

void Instance::Impl::move_clock(Duration duration) {
  while (duration > kLongestStep) {
    clock->advance(kLongestStep);
    after_clock_change();
    wait_until_caught_up();
    duration -= kLongestStep;
  }
  clock->advance(duration);
  after_clock_change();
}

absl::StatusOr<ClockMove> Instance::advance(Duration duration, bool force) {
  if (duration < Duration::zero()) {
    return absl::InvalidArgumentError("the clock does not go back");
  }
  const std::lock_guard lock(impl_->clock_mutex);
  ClockMove move;
  move.moved = duration;
  if (!force) {
    move.stopped_by = first_victim(flows(), duration);
  }
  if (move.stopped_by) {
    const auto margin = Duration(static_cast<int64_t>(static_cast<double>(kGuardMargin.count()) * scale()));
    move.moved = std::max(move.stopped_by->left - margin, Duration::zero());
  }
  impl_->move_clock(move.moved);
  move.now = now();
  return move;
}

absl::StatusOr<ClockMove> Instance::advance_to_next_expiry() {
  const std::lock_guard lock(impl_->clock_mutex);
  ClockMove move;
  move.stopped_by = first_to_expire(flows());
  if (!move.stopped_by) {
    return absl::NotFoundError("no box has a flow that could expire");
  }
  move.moved = std::max(move.stopped_by->left, Duration::zero());
  impl_->move_clock(move.moved);
  move.now = now();
  return move;
}

absl::Status Instance::set_scale(double scale) {
  if (!(scale >= 1.0 && scale <= 1000.0)) {
    return absl::InvalidArgumentError(absl::StrCat("scale ", scale, " is not between 1 and 1000"));
  }
  const std::lock_guard lock(impl_->clock_mutex);
  impl_->clock->set_scale(scale);
  impl_->after_clock_change();
  return absl::OkStatus();
}

}  // namespace lapse
