#include "tests/net/workers_bench.h"

#include <sys/eventfd.h>
#include <unistd.h>

namespace lapse::test {
namespace {

NatGateway::Config gateway_config(size_t workers) {
  NatGateway::Config config;
  config.outside_addresses = {kEip.address};
  config.capacity = 4096;
  config.workers = workers;
  config.timeouts.fill(std::chrono::seconds(350));
  config.hash_key = {1, 2};
  return config;
}

void add_gateway(Network& network, Quiescence& quiescence) {
  const BoxId box = network.add_box(std::make_unique<NatGateway>(gateway_config(network.workers()), quiescence));
  Interface inside{box, NatGateway::kInside, kPrivate, kInsideMac, {kInsideAddress}, {}, {}};
  inside.routes.add(*parse_prefix("10.0.1.0/24"), std::nullopt);
  network.add_interface(inside);
  Interface outside{box, NatGateway::kOutside, kInternet, kOutsideMac, {kEip.address}, OwnAddresses::kTranslated, {}};
  outside.routes.add(*parse_prefix("203.0.113.0/24"), std::nullopt);
  network.add_interface(outside);
}

}  // namespace

Packet* SharedPool::allocate() {
  const std::lock_guard lock(mutex_);
  Packet* packet = pool_.allocate();
  if (packet != nullptr) {
    packet->pool = this;
  }
  return packet;
}

void SharedPool::release(std::span<Packet* const> packets) {
  const std::lock_guard lock(mutex_);
  for (Packet* packet : packets) {
    packet->pool = &pool_;
  }
  pool_.release(packets);
}

WiredPort::WiredPort(size_t capacity, uint16_t queues)
    : port_(capacity, queues, queues), receivers_(queues), senders_(queues) {
  for (uint16_t queue = 0; queue < queues; ++queue) {
    descriptors_.push_back(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  }
}

WiredPort::~WiredPort() {
  for (const int descriptor : descriptors_) {
    close(descriptor);
  }
}

void WiredPort::inject(Packet* packet, uint16_t queue) {
  const std::lock_guard lock(mutex_);
  port_.inject(packet, queue);
  eventfd_write(descriptors_[queue], 1);
}

Packet* WiredPort::take(uint16_t queue) {
  const std::lock_guard lock(mutex_);
  return port_.take(queue);
}

Packet* WiredPort::take() {
  Packet* packet = nullptr;
  for (uint16_t queue = 0; queue < transmit_queues() && packet == nullptr; ++queue) {
    packet = take(queue);
  }
  return packet;
}

void WiredPort::discard_injected() {
  std::array<Packet*, kBurst> frames;
  size_t unusable = 0;
  const std::lock_guard lock(mutex_);
  for (uint16_t queue = 0; queue < receive_queues(); ++queue) {
    while (const size_t count = port_.receive(queue, frames, unusable)) {
      for (size_t i = 0; i < count; ++i) {
        lapse::release(frames[i]);
      }
    }
  }
}

size_t WiredPort::receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) {
  const std::lock_guard lock(mutex_);
  expect_one_user(receivers_[queue], "received from", queue);
  const size_t count = port_.receive(queue, out, dropped);
  if (count < out.size()) {
    eventfd_t frames = 0;
    eventfd_read(descriptors_[queue], &frames);
  }
  return count;
}

size_t WiredPort::transmit(uint16_t queue, std::span<Packet* const> packets) {
  const std::lock_guard lock(mutex_);
  expect_one_user(senders_[queue], "sent on", queue);
  return port_.transmit(queue, packets);
}

void WiredPort::expect_one_user(std::thread::id& user, const char* what, uint16_t queue) {
  if (user == std::thread::id{}) {
    user = std::this_thread::get_id();
  }
  EXPECT_EQ(user, std::this_thread::get_id()) << "queue " << queue << " is " << what << " by two threads";
}

WorkersBench::WorkersBench(const Options& options, const Clock& clock)
    : priv(options.transmit_capacity, options.private_queues),
      internet(options.transmit_capacity, options.internet_queues),
      network(options.workers) {
  network.add_link();
  network.add_link();
  network.set_port(kPrivate, &priv);
  network.set_port(kInternet, &internet);
  add_gateway(network, quiescence);
  for (size_t id = 0; id < options.workers; ++id) {
    events.push_back(std::make_unique<EventRing>(256));
    const Worker::Options worker_options{worker(id), options.polling, Trace::kOff};
    workers.push_back(std::make_unique<Worker>(worker_options, network, pool, *events.back(), clock, quiescence));
  }
}

WorkersBench::~WorkersBench() {
  stop();
  workers.clear();
  expect_conservation();
  EXPECT_EQ(network.process_conservation().held, 0U);
  for (WiredPort* port : {&priv, &internet}) {
    while (const Sent sent{*port}) {
    }
    port->discard_injected();
  }
  EXPECT_EQ(pool.missing(), 0U);
}

void WorkersBench::send(WiredPort& port, const PacketBuilder& packet, uint16_t queue) {
  port.inject(raw_frame(pool, packet.bytes()), queue);
}

void WorkersBench::both_know_their_neighbours() {
  network.neighbours().add_static(kPrivate, kApp.address, kAppMac);
  network.neighbours().add_static(kInternet, kWeb.address, kWebMac);
}

bool WorkersBench::pass() {
  bool found = false;
  for (size_t id = 0; id < workers.size(); ++id) {
    quiescence.online(Quiescence::slot(worker(id)));
    found = workers[id]->run_once() || found;
    quiescence.offline(Quiescence::slot(worker(id)));
  }
  return found;
}

void WorkersBench::settle() {
  while (pass()) {
  }
}

void WorkersBench::start() {
  for (const auto& worker : workers) {
    threads.emplace_back([running = worker.get()] { running->run(); });
  }
}

void WorkersBench::stop() {
  for (size_t id = 0; id < threads.size(); ++id) {
    workers[id]->request_stop();
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  threads.clear();
}

uint64_t WorkersBench::dropped(LinkId link, DropReason reason, size_t by_worker) {
  return network.link_counters(link, worker(by_worker)).dropped[static_cast<size_t>(reason)].get();
}

uint64_t WorkersBench::dropped(LinkId link, DropReason reason) {
  uint64_t sum = 0;
  for (size_t id = 0; id < network.workers(); ++id) {
    sum += dropped(link, reason, id);
  }
  return sum;
}

void WorkersBench::expect_conservation() {
  const Conservation sum = network.process_conservation();
  EXPECT_TRUE(sum.holds()) << sum.received << " + " << sum.originated << " = " << sum.sent << " + " << sum.dropped
                           << " + " << sum.held;
  EXPECT_TRUE(network.box_conservation(BoxId{0}).holds());
}

std::string name_of_shape(const testing::TestParamInfo<WorkersBench::Options>& info) {
  return std::to_string(info.param.workers) + "Workers" + std::to_string(info.param.private_queues) + "And" +
         std::to_string(info.param.internet_queues) + "Queues";
}

Sent::~Sent() {
  if (packet != nullptr) {
    release(packet);
  }
}

}  // namespace lapse::test
