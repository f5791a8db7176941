// workers_bench.h - a NAT gateway between two ports of several queues, and the workers that carry it.
//
// Owner:    the test, which is both hosts.
// Memory:   ordinary.
// Time:     the test's clock.
// Bytes:    none.
// Cost:     a lock a burst.
// Lifetime: the destructor stops the workers and checks that every packet is accounted for.
// Spec:     none.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "dataplane/box/nat_gateway.h"
#include "dataplane/net/memory_port.h"
#include "dataplane/worker.h"
#include "tests/support/packets.h"

namespace lapse::test {

inline const Endpoint kApp = endpoint("10.0.1.10", 40000);
inline const Endpoint kWeb = endpoint("203.0.113.80", 443);
inline const Endpoint kEip = endpoint("203.0.113.10");
inline const Ipv4Address kInsideAddress = ip("10.0.1.1");
inline constexpr MacAddress kAppMac{{0x02, 0, 0, 0, 0, 0xa}};
inline constexpr MacAddress kWebMac{{0x02, 0, 0, 0, 0, 0xb}};
inline constexpr MacAddress kInsideMac{{0x02, 0, 0, 0, 1, 0}};
inline constexpr MacAddress kOutsideMac{{0x02, 0, 0, 0, 1, 1}};
inline constexpr LinkId kPrivate{0};
inline constexpr LinkId kInternet{1};

inline WorkerId worker(size_t number) {
  return WorkerId{static_cast<uint8_t>(number)};
}

// One pool for all threads.
class SharedPool final : public PacketPool {
 public:
  explicit SharedPool(size_t count) : pool_(count) {}
  Packet* allocate() override;
  void release(std::span<Packet* const> packets) override;
  size_t missing() const { return pool_.count() - pool_.available(); }

 private:
  std::mutex mutex_;
  MemoryPacketPool pool_;
};

// A MemoryPort whose other end is another thread's, with a descriptor for each queue. Fails the test when two threads
// use one queue of a direction.
class WiredPort final : public Port {
 public:
  WiredPort(size_t capacity, uint16_t queues);
  ~WiredPort() override;

  void inject(Packet* packet, uint16_t queue);
  void discard_injected();  // what nobody has received
  Packet* take(uint16_t queue);
  // The oldest of the first queue that has one.
  Packet* take();

  uint16_t receive_queues() const override { return port_.receive_queues(); }
  uint16_t transmit_queues() const override { return port_.transmit_queues(); }
  size_t receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) override;
  size_t transmit(uint16_t queue, std::span<Packet* const> packets) override;
  int wait_descriptor(uint16_t queue) const override { return descriptors_[queue]; }

 private:
  static void expect_one_user(std::thread::id& user, const char* what, uint16_t queue);

  std::mutex mutex_;
  MemoryPort port_;
  std::vector<int> descriptors_;
  std::vector<std::thread::id> receivers_;
  std::vector<std::thread::id> senders_;
};

struct WorkersBench {
  struct Options {
    size_t workers = 2;
    uint16_t private_queues = 2;
    uint16_t internet_queues = 2;
    size_t transmit_capacity = 4096;  // of each queue
    Polling polling = Polling::kAdaptive;
  };
  WorkersBench(const Options& options, const Clock& clock);
  ~WorkersBench();

  // ---- what the hosts send, into one queue ----
  void from_app(PacketBuilder packet, uint16_t queue) { send(priv, packet.mac(kAppMac, kInsideMac), queue); }
  void from_web(PacketBuilder packet, uint16_t queue) { send(internet, packet.mac(kWebMac, kOutsideMac), queue); }
  void send(WiredPort& port, const PacketBuilder& packet, uint16_t queue);
  void both_know_their_neighbours();

  // ---- without threads: every worker in turn, once, or until none finds anything ----
  bool pass();
  void settle();

  // ---- with threads ----
  void start();
  void stop();

  uint64_t dropped(LinkId link, DropReason reason, size_t by_worker);
  uint64_t dropped(LinkId link, DropReason reason);  // by all
  void expect_conservation();

  SharedPool pool{8192};
  WiredPort priv;
  WiredPort internet;
  Quiescence quiescence;
  Network network;
  std::vector<std::unique_ptr<EventRing>> events;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
};

// "2Workers1And2Queues", for parametrised tests.
std::string name_of_shape(const testing::TestParamInfo<WorkersBench::Options>& info);

// The next frame that left by any queue of 'port', parsed; released with this object.
struct Sent {
  explicit Sent(WiredPort& port) : packet(port.take()) {}
  Sent(WiredPort& port, uint16_t queue) : packet(port.take(queue)) {}
  ~Sent();
  Sent(const Sent&) = delete;
  Sent& operator=(const Sent&) = delete;
  explicit operator bool() const { return packet != nullptr; }
  Packet* packet;
};

}  // namespace lapse::test
