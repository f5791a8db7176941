// Workers in threads of their own. Nothing here rests on timing, but for what has to happen without waiting for a timer.
#include <chrono>
#include <map>

#include <poll.h>

#include "gtest/gtest.h"

#include "dataplane/net/distribution.h"
#include "tests/net/workers_bench.h"
#include "tests/support/random.h"

namespace lapse::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr auto kPatience = seconds(60);

// Returns whether 'condition' came true.
template <typename Condition>
bool comes_true(Condition condition) {
  const auto deadline = steady_clock::now() + kPatience;
  while (!condition()) {
    if (steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

WorkersBench::Options shape(size_t workers, uint16_t private_queues, uint16_t internet_queues) {
  return {.workers = workers, .private_queues = private_queues, .internet_queues = internet_queues};
}

// app sends numbered datagrams of many flows, by queues that change from one to the next flow; web sends each back by
// any queue; app counts.
class Echo {
 public:
  Echo(WorkersBench& bench, uint64_t seed) : b_(bench), random_(seed) {}

  // At most 'in_flight' at a time are on their way.
  void run(uint32_t flows, uint32_t each, uint32_t in_flight) {
    const uint32_t total = flows * each;
    uint32_t sent = 0;
    const auto done = [&] {
      while (sent < total && sent - returned_ < in_flight) {
        send(sent % flows, sent / flows);
        ++sent;
      }
      echo();
      count();
      return returned_ == total;
    };
    EXPECT_TRUE(comes_true(done)) << returned_ << " of " << total << " came back";
  }
  // Without waiting for anything: more than rings and queues hold.
  void flood(uint32_t flows, uint32_t total) {
    for (uint32_t sent = 0; sent < total; ++sent) {
      send(sent % flows, sent / flows);
      if (sent % 64 == 0) {
        echo();
        count();
      }
    }
  }
  uint32_t returned() const { return returned_; }

 private:
  void send(uint32_t flow, uint32_t number) {
    const auto queue = static_cast<uint16_t>(flow % b_.priv.receive_queues());
    Packet* frame = nullptr;
    PacketBuilder datagram = udp(kApp.with_port(static_cast<uint16_t>(2000 + flow)), kWeb)
                                 .payload(std::to_string(number))
                                 .mac(kAppMac, kInsideMac);
    try {
      frame = raw_frame(b_.pool, datagram.bytes());
    } catch (const std::logic_error&) {
      return;  // a flood may empty the pool
    }
    b_.priv.inject(frame, queue);
  }
  void echo() {
    while (const Sent sent{b_.internet}) {
      const Endpoint outside = source_of(*sent.packet);
      const std::string number = payload_of(*sent.packet);
      const int64_t value = std::stoll(number);
      EXPECT_GT(value, last_out_.try_emplace(outside.port, -1).first->second) << "order of a flow, going out";
      last_out_[outside.port] = value;
      // What comes back by another queue than the last one may overtake it: one queue a flow.
      auto [queue, fresh] = queue_of_.try_emplace(outside.port, uint16_t{0});
      if (fresh) {
        queue->second = static_cast<uint16_t>(random_.below(b_.internet.receive_queues()));
      }
      try {
        b_.internet.inject(raw_frame(b_.pool, udp(kWeb, outside).payload(number).mac(kWebMac, kOutsideMac).bytes()),
                           queue->second);
      } catch (const std::logic_error&) {
        continue;
      }
    }
  }
  void count() {
    while (const Sent sent{b_.priv}) {
      const uint16_t port = destination_of(*sent.packet).port;
      const int64_t value = std::stoll(payload_of(*sent.packet));
      EXPECT_GT(value, last_back_.try_emplace(port, -1).first->second) << "order of a flow, coming back";
      last_back_[port] = value;
      ++returned_;
    }
  }

  WorkersBench& b_;
  Random random_;
  std::map<uint16_t, int64_t> last_out_;
  std::map<uint16_t, int64_t> last_back_;
  std::map<uint16_t, uint16_t> queue_of_;
  uint32_t returned_ = 0;
};

class WorkerThreads : public testing::TestWithParam<WorkersBench::Options> {};

INSTANTIATE_TEST_SUITE_P(Net, WorkerThreads,
                         testing::Values(shape(1, 1, 1), shape(2, 2, 2), shape(2, 1, 1), shape(2, 2, 1), shape(3, 3, 3),
                                         shape(3, 1, 2), shape(4, 4, 4), shape(4, 1, 1), shape(4, 2, 1)),
                         name_of_shape);

// While less is on its way than a ring holds nothing is lost; each flow's datagrams keep their order both ways.
TEST_P(WorkerThreads, EveryDatagramComesBackInOrder) {
  const TscClock clock;
  WorkersBench b(GetParam(), clock);
  b.both_know_their_neighbours();
  b.start();
  Echo echo(b, seed(11));
  echo.run(/*flows=*/200, /*each=*/40, /*in_flight=*/PacketRing::kCapacity / 2);
  b.stop();
  EXPECT_EQ(echo.returned(), 8000U);
  EXPECT_EQ(b.dropped(kPrivate, DropReason::kHandoffFull) + b.dropped(kInternet, DropReason::kHandoffFull), 0U);
}

// Too much for pool, rings and ports, and stopped in the middle of it: the sum is exact nevertheless.
TEST_P(WorkerThreads, NothingIsUnaccountedForWhenTheyAreStoppedUnderLoad) {
  const TscClock clock;
  WorkersBench::Options options = GetParam();
  options.transmit_capacity = 64;
  WorkersBench b(options, clock);
  b.both_know_their_neighbours();
  b.start();
  Echo echo(b, seed(12));
  echo.flood(/*flows=*/200, /*total=*/20'000);
  b.stop();
  // The destructor checks the sum and that every buffer has come back.
}

// ---- sleeping ----

struct Sleepers : testing::Test {
  explicit Sleepers(const WorkersBench::Options& options = shape(2, 1, 1)) : b(options, clock) {}
  bool all_asleep() {
    return comes_true([&] {
      for (const auto& one : b.workers) {
        if (!one->asleep()) {
          return false;
        }
      }
      return true;
    });
  }
  static uint16_t port_of(WorkerId wanted, size_t workers, uint16_t first) {
    uint16_t port = first;
    while (worker_of_flow({kApp.address, kWeb.address, be16(port), be16(kWeb.port), 17}, workers) != wanted) {
      ++port;
    }
    return port;
  }

  const TscClock clock;
  WorkersBench b;
};

// Worker 1 polls nothing that private packets come by: only the bell tells it of them before its second is over.
TEST_F(Sleepers, AHandedOverPacketWakesItsWorker) {
  b.both_know_their_neighbours();
  b.start();
  Duration slept{};
  uint16_t port = 2000;
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(all_asleep());
    port = port_of(worker(1), 2, static_cast<uint16_t>(port + 1));
    const auto start = steady_clock::now();
    b.from_app(udp(kApp.with_port(port), kWeb), 0);
    ASSERT_TRUE(comes_true([&] { return static_cast<bool>(Sent(b.internet)); }));
    slept += steady_clock::now() - start;
  }
  EXPECT_LT(slept, seconds(4)) << "ten rounds; by the timer alone each would take most of a second";
}

// Worker 0 waits for web's address; worker 1 polls the port on which web answers.
TEST_F(Sleepers, AnArpAnswerHeardByAnotherWorkerWakesWhoWaitsForIt) {
  b.network.neighbours().add_static(kPrivate, kApp.address, kAppMac);
  b.start();
  Duration slept{};
  uint16_t port = 2000;
  for (uint32_t round = 0; round < 5; ++round) {
    const Endpoint host{be32(kWeb.address.host() + 1 + round), 443};
    while (worker_of_flow({kApp.address, host.address, be16(port), be16(443), 17}, 2) != worker(0)) {
      ++port;
    }
    b.from_app(udp(kApp.with_port(port), host), 0);
    ASSERT_TRUE(comes_true([&] {
      const Sent sent(b.internet);
      return sent && sent.packet->kind == PacketKind::kArp;
    }));
    ASSERT_TRUE(all_asleep());
    ASSERT_EQ(b.network.waiting_packets(), 1U);
    const auto start = steady_clock::now();
    b.send(b.internet, arp_reply(kWebMac, host.address, kOutsideMac, kEip.address), 0);
    ASSERT_TRUE(comes_true([&] {
      const Sent sent(b.internet);
      return sent && sent.packet->kind == PacketKind::kUdp;
    }));
    slept += steady_clock::now() - start;
  }
  EXPECT_LT(slept, seconds(2)) << "five rounds; by the timer alone each would take most of a second";
}

// Enlisting a flow rings nobody: the sleeper's own timer, a second at most, brings it to its inbox. Meanwhile it is
// offline, so that it holds up nobody's grace period.
TEST(SleepingOwner, ReclaimsAFlowThatAnotherWorkerKilledWithinItsLongestSleep) {
  TscClock clock;
  WorkersBench b(shape(2, 2, 2), clock);
  b.both_know_their_neighbours();
  FlowTable& table = *b.network.box(BoxId{0}).flows();
  b.start();
  b.from_app(tcp(kApp, kWeb).syn().seq(1), 0);
  uint16_t outside = 0;
  ASSERT_TRUE(comes_true([&] {
    const Sent syn(b.internet);
    outside = syn ? source_of(*syn.packet).port : 0;
    return outside != 0;
  }));
  ASSERT_TRUE(comes_true([&] { return b.workers[0]->asleep(); }));
  // Worker 1 sees the connection reset, then a new SYN: it kills the flow of worker 0 and opens its own.
  b.from_web(tcp(kWeb, kEip.with_port(outside)).rst().seq(0).ack(2), 1);
  ASSERT_TRUE(comes_true([&] { return static_cast<bool>(Sent(b.priv)); }));
  b.from_app(tcp(kApp, kWeb).syn().seq(70000), 1);
  const auto killed = steady_clock::now();
  ASSERT_TRUE(comes_true([&] { return static_cast<bool>(Sent(b.internet)); }));
  EXPECT_EQ(table.snapshot(FlowId{1})->owner, 1) << "worker 1 has a flow of its own now";
  const uint64_t sleeps = b.workers[0]->counters().sleeps.get();
  ASSERT_TRUE(comes_true([&] { return b.workers[0]->counters().sleeps.get() > sleeps && b.workers[0]->asleep(); }));
  EXPECT_LT(steady_clock::now() - killed, seconds(5)) << "one longest sleep, and room for a busy machine";
  b.stop();
  // With the flow unlinked nothing of worker 0's is in the inbox or in the wheel.
  EXPECT_FALSE(b.network.box(BoxId{0}).next_deadline(worker(0), clock.now()));
}

// ---- rings and neighbours by themselves ----

void linger(uint64_t turns) {
  for (; turns > 0; --turns) {
    asm volatile("");
  }
}

// One producer that shows every packet by itself, mostly about when the consumer, which has seen all, falls asleep.
TEST(HandoffThreads, ASleeperMissesNothing) {
  constexpr size_t kPackets = 50'000;
  Handoff handoff(2);
  std::vector<Packet> packets(kPackets);
  handoff.bell(worker(1)).open();
  std::thread producer([&] {
    Random random(seed(13));
    for (Packet& packet : packets) {
      const uint64_t delay = random.below(256);
      while (handoff.packets() > 0) {
      }
      linger(delay);
      while (!handoff.push(worker(0), worker(1), &packet)) {
        std::this_thread::yield();
      }
      handoff.publish(worker(0));
    }
  });
  Doorbell& bell = handoff.bell(worker(1));
  size_t seen = 0;
  size_t sleeps = 0;
  bool missed = false;
  while (seen < kPackets && !missed) {
    std::array<Packet*, 8> out;
    const size_t count = handoff.pop(worker(0), worker(1), out);
    for (size_t i = 0; i < count; ++i) {
      ASSERT_EQ(out[i], &packets[seen++]);
    }
    if (count > 0) {
      continue;
    }
    bell.fall_asleep();
    if (!handoff.has_packets_for(worker(1))) {
      ++sleeps;
      pollfd rung{.fd = bell.descriptor(), .events = POLLIN, .revents = 0};
      missed = poll(&rung, 1, 30'000) == 0;
    }
    bell.wake_up();
  }
  producer.join();
  EXPECT_GT(sleeps, 0U);
  EXPECT_FALSE(missed) << "after " << seen << " packets and " << sleeps << " sleeps";
  EXPECT_EQ(handoff.packets(), 0U);
}

// Both at once, again and again: the sleeper's last look finds the packet, or the producer finds the sleeper.
TEST(HandoffThreads, APublisherAndASleeperDoNotMissEachOther) {
  constexpr uint32_t kRounds = 100'000;
  Handoff handoff(2);
  handoff.bell(worker(1)).open();
  Doorbell& bell = handoff.bell(worker(1));
  Packet packet;
  std::atomic<uint32_t> round{0};
  std::atomic<uint32_t> published{0};
  const auto spin_until = [](const std::atomic<uint32_t>& number, uint32_t wanted) {
    for (uint32_t spins = 1; number.load(std::memory_order_acquire) != wanted; ++spins) {
      if (spins % 4096 == 0) {
        std::this_thread::yield();
      }
    }
  };
  std::thread producer([&] {
    for (uint32_t number = 1; number <= kRounds; ++number) {
      handoff.push(worker(0), worker(1), &packet);
      spin_until(round, number);
      handoff.publish(worker(0));
      published.store(number, std::memory_order_release);
    }
  });
  Random random(seed(14));
  uint32_t missed = 0;
  for (uint32_t number = 1; number <= kRounds; ++number) {
    round.store(number, std::memory_order_release);
    linger(random.below(512));  // until the producer is at it
    bell.fall_asleep();
    const bool seen = handoff.has_packets_for(worker(1));
    spin_until(published, number);
    missed += !seen && bell.asleep() ? 1 : 0;
    bell.wake_up();
    std::array<Packet*, 1> out;
    EXPECT_EQ(handoff.pop(worker(0), worker(1), out), 1U);
  }
  producer.join();
  EXPECT_EQ(missed, 0U);
}

// Whoever finds an address finds one that was learnt for this neighbour, and a static one always.
TEST(NeighboursThreads, OneTableForAll) {
  constexpr uint32_t kHosts = 64;
  constexpr int kRounds = 20'000;
  Neighbours neighbours(256);
  const auto host = [](uint32_t number) { return be32(0x0a000000 + number); };
  const auto mac_of = [](uint32_t number, uint8_t version) {
    return MacAddress{{0x02, version, version, 0, static_cast<uint8_t>(number), version}};
  };
  neighbours.add_static(kPrivate, host(0), mac_of(0, 0xff));
  std::vector<std::thread> threads;
  std::atomic<uint64_t> asked{0};
  std::atomic<uint64_t> found{0};
  for (uint8_t thread = 1; thread <= 3; ++thread) {
    threads.emplace_back([&, thread] {
      Random random(seed(thread));
      for (int round = 0; round < kRounds; ++round) {
        const auto number = static_cast<uint32_t>(random.below(kHosts));
        const Instant now{seconds(1) + std::chrono::microseconds(round)};
        if (random.one_in(4)) {
          neighbours.learn(kPrivate, host(number), mac_of(number, thread), now);
        }
        const Neighbours::Answer answer = neighbours.find(kPrivate, host(number), now);
        asked += answer.ask ? 1 : 0;
        if (!answer.mac) {
          continue;
        }
        ++found;
        const uint8_t version = answer.mac->bytes[1];
        ASSERT_EQ(*answer.mac, mac_of(number, version)) << "no mixture of two";
        ASSERT_EQ(version == 0xff, number == 0) << "a static one stays";
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_LE(asked, kHosts) << "once a second for each, by whichever worker";
  EXPECT_GT(found, 0U);
  for (uint32_t number = 0; number < kHosts; ++number) {
    EXPECT_TRUE(neighbours.find(kPrivate, host(number), Instant(seconds(2))).mac);
  }
}

}  // namespace
}  // namespace lapse::test
