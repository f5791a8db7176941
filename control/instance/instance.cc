#include "control/instance/instance.h"

#include <algorithm>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <sched.h>
#include <sys/random.h>

#include "absl/strings/str_cat.h"

#include "control/instance/clock_control.h"
#include "control/instance/instance_impl.h"
#include "control/network/addresses.h"
#include "control/network/build.h"
#include "dataplane/io/eal.h"

namespace lapse {
namespace {

constexpr size_t kEventCapacity = 65536;
constexpr size_t kFrameCapacity = 16384;  // of a worker between two drains of its events
constexpr size_t kMonitorEventCapacity = 1024;
constexpr size_t kEalMebibytes = 64;  // of memory that is not packet buffers
constexpr Duration kLongestStep = std::chrono::hours(24 * 10);

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

// On the thread itself, before it polls: its name, its core, and what DPDK wants to know of it.
absl::Status prepare_worker_thread(size_t id, const std::vector<int>& cores) {
  pthread_setname_np(pthread_self(), absl::StrCat("worker-", id).c_str());
  if (!cores.empty()) {
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cores[id], &only);
    if (const int error = pthread_setaffinity_np(pthread_self(), sizeof(only), &only); error != 0) {
      return absl::ErrnoToStatus(error, absl::StrCat("worker ", id, " cannot be bound to core ", cores[id]));
    }
  }
  return io::register_worker_thread();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Instance>> Instance::start(const topology::Topology& topology,
                                                          const InstanceOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->topology = topology;
  impl->directory = topology::make_directory(topology);
  impl->options = options;
  std::unique_ptr<Instance> instance(new Instance(std::move(impl)));
  Impl& made = *instance->impl_;
  made.network = build_network(made.topology, {options.workers, kernel_random}, made.quiescence);
  made.peaks = std::make_unique<metrics::Peaks>(*made.network);
  if (absl::Status status = made.open_ports(); !status.ok()) {
    return status;
  }
  made.clock = std::make_unique<TscClock>(options.scale);
  if (absl::Status status = made.start_workers(); !status.ok()) {
    return status;
  }
  made.start_monitor();
  return instance;
}

Instance::Instance(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Instance::~Instance() {
  stop();
}

void Instance::stop_workers() {
  Impl& impl = *impl_;
  impl.monitor.reset();
  for (const auto& worker : impl.workers) {
    worker->request_stop();
  }
  for (std::thread& thread : impl.threads) {
    thread.join();
  }
  impl.threads.clear();
}

void Instance::stop() {
  stop_workers();
  Impl& impl = *impl_;
  impl.hub.reset();
  impl.workers.clear();
  impl.peaks.reset();
  impl.network.reset();
  impl.ports.clear();
  impl.pool.reset();
  if (impl.eal_started) {
    io::stop_eal();
    impl.eal_started = false;
  }
}

io::PortWish Instance::Impl::wish_for(const std::string& link) const {
  io::PortWish wish;
  if (const auto wished = options.wishes.find(link); wished != options.wishes.end()) {
    wish = wished->second;
  }
  if (const topology::Link* known = topology.find_link(link);
      known != nullptr && !wish.mtu && known->impairments.mtu != 0) {
    wish.mtu = known->impairments.mtu;
  }
  wish.workers = static_cast<uint16_t>(options.workers);
  wish.interrupts = options.polling == Polling::kAdaptive;
  return wish;
}

absl::Status Instance::Impl::open_ports() {
  io::EalOptions eal;
  eal.verbose = options.verbose;
  eal.runtime_directory = options.runtime_directory;
  eal.memory = options.memory;
  eal.memory_mebibytes = options.memory_mebibytes;
  std::vector<io::PortWish> wishes;
  for (const auto& [link, device] : options.ports) {
    eal.devices.push_back(device);
    wishes.push_back(wish_for(link));
  }
  const io::PoolPlan buffers =
      io::plan_pool(wishes, options.workers, network->has_links_that_hold_packets() ? LinkStage::kCapacity : 0);
  eal.memory_mebibytes = std::max(eal.memory_mebibytes, (buffers.memory_bytes >> 20) + kEalMebibytes);
  if (absl::Status status = io::start_eal(eal); !status.ok()) {
    return status;
  }
  eal_started = true;
  auto made = io::DpdkPacketPool::make(buffers.packets, buffers.frame_bytes);
  if (!made.ok()) {
    return made.status();
  }
  pool = std::move(*made);
  for (size_t number = 0; number < topology.links.size(); ++number) {
    const LinkId id{static_cast<uint8_t>(number)};
    const std::string& link = topology.links[number].name;
    const auto device = options.ports.find(link);
    if (device == options.ports.end()) {
      continue;
    }
    auto port = io::DpdkPort::open(device_name(device->second), wish_for(link), *pool);
    if (!port.ok()) {
      return absl::Status(port.status().code(), absl::StrCat("link ", link, ": ", port.status().message()));
    }
    network->set_port(id, port->get());
    ports[id] = std::move(*port);
  }
  return absl::OkStatus();
}

absl::Status Instance::Impl::start_workers() {
  std::vector<EventRing*> all_rings;
  for (size_t id = 0; id < options.workers; ++id) {
    rings.push_back(std::make_unique<EventRing>(kEventCapacity));
    all_rings.push_back(rings.back().get());
    if (options.keep_frames) {
      frame_rings.push_back(std::make_unique<FrameRing>(static_cast<uint8_t>(id), kFrameCapacity));
      rings.back()->keep_frames(frame_rings.back().get());
    }
    const Worker::Options worker{WorkerId{static_cast<uint8_t>(id)}, options.polling,
                                 options.trace_packets ? Trace::kPackets : Trace::kOff};
    workers.push_back(std::make_unique<Worker>(worker, *network, *pool, *rings.back(), *clock, quiescence));
  }
  monitor_ring = std::make_unique<EventRing>(kMonitorEventCapacity);
  all_rings.push_back(monitor_ring.get());
  hub = std::make_unique<EventHub>(std::move(all_rings));
  return run_workers();
}

absl::Status Instance::Impl::run_workers() {
  std::mutex prepared_mutex;
  std::vector<absl::Status> prepared;
  std::condition_variable all_prepared;
  for (size_t id = 0; id < workers.size(); ++id) {
    threads.emplace_back([&, id, running = workers[id].get()] {
      absl::Status status = prepare_worker_thread(id, options.cores);
      const bool usable = status.ok();
      {
        const std::lock_guard lock(prepared_mutex);
        prepared.push_back(std::move(status));
        all_prepared.notify_all();
      }
      if (usable) {
        running->run();
        io::unregister_worker_thread();
      }
    });
  }
  std::unique_lock lock(prepared_mutex);
  all_prepared.wait(lock, [&] { return prepared.size() == workers.size(); });
  for (const absl::Status& status : prepared) {
    if (!status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

void Instance::Impl::start_monitor() {
  std::vector<Monitor::WorkerWatch> watched_workers;
  for (size_t id = 0; id < workers.size(); ++id) {
    const std::string core = options.cores.empty() ? "" : absl::StrCat(" (core ", options.cores[id], ")");
    watched_workers.push_back({absl::StrCat("worker ", id, core), [worker = workers[id].get()] {
                                 return Watchdog::Pulse{worker->counters().polls.get(), worker->asleep()};
                               }});
  }
  std::vector<Monitor::PortWatch> watched_ports;
  for (const auto& [link, port] : ports) {
    const std::string& name = directory.links[index(link)].name;
    if (options.wishes.contains(name)) {
      watched_ports.push_back({link, absl::StrCat(name, " (", device_name(options.ports.at(name)), ")"),
                               [opened = port.get()] { return opened->link().up; }});
    }
  }
  const auto tell = [this](EventKind kind, LinkId link) {
    const Now at = now();
    Event event;
    event.kind = kind;
    event.link = link;
    event.time = at.now;
    event.real = at.real;
    monitor_ring->push(event);
  };
  monitor = std::make_unique<Monitor>(std::move(watched_workers), std::move(watched_ports),
                                      Monitor::Outlets{options.say, tell, [this] { return read_rates(); }});
}

const topology::Topology& Instance::topology() const {
  return impl_->topology;
}
const topology::Directory& Instance::directory() const {
  return impl_->directory;
}

// ---- flows ----

void Instance::Impl::read_flows(BoxId box, const FlowTable& table, bool with_dead, std::vector<FlowView>& views) {
  const Tick tick = to_tick(now().now);
  visit_flows(table, [&](const FlowSnapshot& flow) {
    FlowView view;
    view.box = box;
    view.flow = flow;
    const auto idle_ticks = static_cast<int32_t>(tick - flow.last_seen);
    view.idle = kTick * std::max(idle_ticks, 0);
    view.timeout = kTick * table.timeouts().milliseconds(flow.control.timeout_class);
    view.left = kTick * table.timeouts().dead_after(flow.control.timeout_class) - view.idle;
    if (with_dead || view.left > Duration::zero()) {
      views.push_back(view);
    }
  });
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

void Instance::take_frames(const FrameHandler& handler) {
  CapturedFrame frame;
  for (const auto& ring : impl_->frame_rings) {
    while (ring->pop(frame)) {
      handler(frame);
    }
  }
}

void Instance::flush_events() {
  impl_->hub->flush();
}

// ---- the clock ----

Now Instance::Impl::now() const {
  const std::lock_guard lock(clock_reader_mutex);
  return clock->now();
}

double Instance::Impl::scale() const {
  const std::lock_guard lock(clock_reader_mutex);
  return clock->scale();
}

Now Instance::now() const {
  return impl_->now();
}
double Instance::scale() const {
  return impl_->scale();
}

// Returns once every worker has begun a burst with the new mapping.
void Instance::Impl::after_clock_change() {
  for (const auto& worker : workers) {
    worker->wake();
  }
  quiescence.wait();
  const std::lock_guard lock(clock_reader_mutex);
  clock->retire();
}

// Ticks are 32 bits wide: before time goes on, whatever is over has to be noticed.
void Instance::Impl::wait_until_caught_up() {
  const Instant target = now().now;
  for (const auto& worker : workers) {
    while (worker->caught_up() < target) {
      worker->wake();
      std::this_thread::yield();
    }
  }
}

Duration Instance::Impl::read_rates() {
  const std::lock_guard lock(peaks_mutex);
  const Instant at = now().now;
  peaks->observe(at);
  const Duration left = std::min(peaks->window_end() - at, metrics::Peak::kWindow);
  return Duration(static_cast<int64_t>(static_cast<double>(left.count()) / scale()));
}

// What was received until now was received before the jump, and inside it there is nothing.
void Instance::Impl::jump(Duration duration) {
  {
    const std::lock_guard lock(peaks_mutex);
    peaks->observe(now().now);
    clock->advance(duration);
    peaks->pass(now().now);
  }
  after_clock_change();
}

void Instance::Impl::move_clock(Duration duration) {
  while (duration > kLongestStep) {
    jump(kLongestStep);
    wait_until_caught_up();
    duration -= kLongestStep;
  }
  jump(duration);
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
  impl_->read_rates();
  impl_->clock->set_scale(scale);
  impl_->after_clock_change();
  return absl::OkStatus();
}

absl::StatusOr<std::vector<NatAddresses::Entry>> Instance::addresses(std::string_view box) const {
  return list_addresses(impl_->addresses_of(), box);
}

absl::Status Instance::associate_address(std::string_view box, Ipv4Address address) {
  const std::lock_guard lock(impl_->addresses_mutex);
  return lapse::associate_address(impl_->addresses_of(), box, address);
}

absl::Status Instance::disassociate_address(std::string_view box, Ipv4Address address, std::optional<Duration> drain) {
  const std::lock_guard lock(impl_->addresses_mutex);
  const absl::Status status = lapse::disassociate_address(impl_->addresses_of(), box, address, drain, now());
  // A worker that sleeps does not know when the drain is over.
  for (const auto& worker : impl_->workers) {
    worker->wake();
  }
  return status;
}

}  // namespace lapse
