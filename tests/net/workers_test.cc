// Several workers, one after the other in one thread: which of them does what, and that nothing is lost between them.
#include <map>
#include <set>

#include "gtest/gtest.h"

#include "dataplane/net/distribution.h"
#include "dataplane/wire/ipv4.h"
#include "tests/net/workers_bench.h"

namespace lapse::test {
namespace {

using std::chrono::seconds;

// 1 to 4 workers; as many queues, or one, or two.
class Workers : public testing::TestWithParam<WorkersBench::Options> {
 protected:
  size_t count() const { return GetParam().workers; }

  ManualClock clock_;
  WorkersBench b_{GetParam(), clock_};
};

std::vector<WorkersBench::Options> shapes() {
  std::vector<WorkersBench::Options> all;
  for (size_t workers = 1; workers <= 4; ++workers) {
    const auto each = static_cast<uint16_t>(workers);
    std::set<std::pair<uint16_t, uint16_t>> queues{{each, each}, {1, 1}, {1, each}, {each, 1}, {2, 3}, {5, 5}};
    for (const auto& [private_queues, internet_queues] : queues) {
      all.push_back({.workers = workers, .private_queues = private_queues, .internet_queues = internet_queues});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Net, Workers, testing::ValuesIn(shapes()), name_of_shape);

// No correctness rests on which worker has a flow: packets of one connection come in by every queue in turn.
TEST_P(Workers, AConnectionPassesByWhateverQueue) {
  b_.both_know_their_neighbours();
  for (uint16_t flow = 0; flow < 20; ++flow) {
    const Endpoint app = kApp.with_port(static_cast<uint16_t>(40000 + flow));
    b_.from_app(tcp(app, kWeb).syn().seq(1), flow % GetParam().private_queues);
    b_.settle();
    const Sent syn(b_.internet);
    ASSERT_THAT(syn.packet, is(tcp(kEip.any_port(), kWeb).syn().seq(1)));
    const Endpoint outside = source_of(*syn.packet);
    for (uint16_t queue = 0; queue < GetParam().internet_queues; ++queue) {
      b_.from_web(tcp(kWeb, outside).syn().seq(100).ack(2), queue);
      b_.settle();
      EXPECT_THAT(Sent(b_.priv).packet, is(tcp(kWeb, app).syn().seq(100).ack(2)));
    }
    for (uint16_t queue = 0; queue < GetParam().private_queues; ++queue) {
      b_.from_app(tcp(app, kWeb).seq(2).ack(101).payload("x"), queue);
      b_.settle();
      EXPECT_THAT(Sent(b_.internet).packet, is(tcp(outside, kWeb).seq(2).ack(101).payload("x")));
    }
  }
}

// Reclaiming waits for whoever takes the events: after a jump every flow's end is told, one at a time if need be.
TEST_P(Workers, NoExpiryIsLostHoweverSlowlyEventsAreTaken) {
  b_.both_know_their_neighbours();
  constexpr size_t kFlows = 1500;
  Event event;
  for (uint16_t flow = 0; flow < kFlows; ++flow) {
    b_.from_app(udp(kApp.with_port(static_cast<uint16_t>(5000 + flow)), kWeb), flow % GetParam().private_queues);
    b_.settle();
    for (const auto& ring : b_.events) {
      while (ring->pop(&event, 1) > 0) {
      }
    }
  }
  clock_.advance(std::chrono::hours(24 * 5));
  size_t expired = 0;
  for (size_t passes = 0; expired < kFlows && passes < 10 * kFlows; ++passes) {
    b_.pass();
    for (const auto& ring : b_.events) {
      expired += ring->pop(&event, 1) > 0 && event.kind == EventKind::kFlowExpired ? 1 : 0;
    }
  }
  EXPECT_EQ(expired, kFlows);
  for (const auto& ring : b_.events) {
    EXPECT_EQ(ring->lost(), 0U);
  }
}

// Frames of one flow that come in one burst leave in their order; the last one has the highest number.
TEST_P(Workers, AFlowKeepsItsOrder) {
  b_.both_know_their_neighbours();
  constexpr uint32_t kFlows = 8;
  constexpr uint32_t kEach = 20;
  for (uint32_t number = 0; number < kEach; ++number) {
    for (uint16_t flow = 0; flow < kFlows; ++flow) {
      const auto queue = static_cast<uint16_t>(flow % GetParam().private_queues);
      b_.from_app(udp(kApp.with_port(5000 + flow), kWeb).payload(std::string(1, static_cast<char>('A' + number))),
                  queue);
    }
  }
  b_.settle();
  std::map<uint16_t, std::string> seen;
  while (const Sent sent{b_.internet}) {
    seen[source_of(*sent.packet).port] += payload_of(*sent.packet);
  }
  ASSERT_EQ(seen.size(), kFlows);
  for (const auto& [port, payloads] : seen) {
    EXPECT_EQ(payloads, "ABCDEFGHIJKLMNOPQRST") << "of outside port " << port;
  }
}

// Whichever queue a fragment comes by, it meets the others of its datagram, or some would wait for ever.
TEST_P(Workers, FragmentsOfADatagramMeetOnOneWorker) {
  b_.both_know_their_neighbours();
  std::map<uint16_t, size_t> fragments_of;  // by the identification that they leave with
  for (uint16_t datagram = 0; datagram < 40; ++datagram) {
    const auto parts = fragments(udp(kApp, kWeb).payload(64).identification(datagram), 24);
    ASSERT_EQ(parts.size(), 3U);
    for (uint16_t part = 0; part < 3; ++part) {
      b_.from_app(parts[(datagram + part) % 3], static_cast<uint16_t>((datagram + part) % GetParam().private_queues));
    }
  }
  b_.settle();
  for (int i = 0; i < 120; ++i) {
    const Sent fragment(b_.internet);
    ASSERT_NE(fragment.packet, nullptr);
    ++fragments_of[fragment.packet->header_at<Ipv4Header>(fragment.packet->l3_offset).identification.host()];
  }
  EXPECT_EQ(fragments_of.size(), 40U);
  for (const auto& [identification, count] : fragments_of) {
    EXPECT_EQ(count, 3U) << identification;
  }
}

// ---- two workers, one queue: what is between them ----

WorkersBench::Options one_queue(size_t transmit_capacity = 4096) {
  return {.workers = 2, .private_queues = 1, .internet_queues = 1, .transmit_capacity = transmit_capacity};
}

// A port of app for which what app sends is 'wanted's.
uint16_t port_of(WorkerId wanted, uint16_t first = 40000) {
  for (uint16_t port = first;; ++port) {
    FiveTuple tuple{kApp.address, kWeb.address, be16(port), be16(kWeb.port), 17};
    if (worker_of_flow(tuple, 2) == wanted) {
      return port;
    }
  }
}

struct OneQueue : testing::Test {
  // The private port is worker 0's, the one to the internet worker 1's.
  bool pass(size_t id) {
    b.quiescence.online(Quiescence::slot(worker(id)));
    const bool found = b.workers[id]->run_once();
    b.quiescence.offline(Quiescence::slot(worker(id)));
    return found;
  }
  uint64_t held() { return b.network.process_conservation().held; }

  ManualClock clock;
  WorkersBench b{one_queue(), clock};
};

TEST_F(OneQueue, APacketInARingIsHeld) {
  b.both_know_their_neighbours();
  b.from_app(udp(kApp.with_port(port_of(worker(1))), kWeb), 0);
  EXPECT_TRUE(pass(0));
  EXPECT_EQ(held(), 1U);
  b.expect_conservation();
  EXPECT_TRUE(pass(1));
  EXPECT_EQ(held(), 0U);
  EXPECT_TRUE(Sent(b.internet)) << "worker 1 sends itself";
}

TEST_F(OneQueue, APacketOnItsWayToTheSendingWorkerIsHeld) {
  b.both_know_their_neighbours();
  b.from_app(udp(kApp.with_port(port_of(worker(0))), kWeb), 0);
  EXPECT_TRUE(pass(0));
  EXPECT_EQ(held(), 1U);
  b.expect_conservation();
  EXPECT_FALSE(Sent(b.internet)) << "the queue is the other worker's";
  EXPECT_TRUE(pass(1));
  EXPECT_EQ(held(), 0U);
  EXPECT_TRUE(Sent(b.internet));
}

TEST_F(OneQueue, EachCountsWhatItFoundAndTheCyclesOfIt) {
  b.both_know_their_neighbours();
  b.from_app(udp(kApp.with_port(port_of(worker(1))), kWeb), 0);
  for (int i = 0; i < 3; ++i) {
    pass(0);
    pass(1);
    clock.advance(std::chrono::nanoseconds(100));
  }
  const Worker::Counters& first = b.workers[0]->counters();
  const Worker::Counters& second = b.workers[1]->counters();
  EXPECT_EQ(first.packets.get(), 1U);
  EXPECT_EQ(first.bursts.get(), 1U);
  EXPECT_EQ(first.handed.get(), 0U);
  EXPECT_EQ(second.packets.get(), 0U);
  EXPECT_EQ(second.handed.get(), 1U);
  EXPECT_EQ(first.polls.get(), 3U);
  EXPECT_EQ(first.busy_cycles.get(), 100U) << "one pass of three; a hand-set clock counts a cycle a nanosecond";
  EXPECT_EQ(second.busy_cycles.get(), 100U);
}

TEST_F(OneQueue, AFullRingIsAReason) {
  b.both_know_their_neighbours();
  const uint16_t port = port_of(worker(1));
  constexpr uint32_t kTooMany = 5;
  for (uint32_t i = 0; i < PacketRing::kCapacity + kTooMany; ++i) {
    b.from_app(udp(kApp.with_port(port), kWeb), 0);
  }
  while (pass(0)) {
  }
  EXPECT_EQ(held(), PacketRing::kCapacity);
  EXPECT_EQ(b.dropped(kPrivate, DropReason::kHandoffFull, 0), kTooMany);
  b.expect_conservation();
  b.settle();
  EXPECT_EQ(held(), 0U);
  size_t sent = 0;
  while (Sent(b.internet)) {
    ++sent;
  }
  EXPECT_EQ(sent, PacketRing::kCapacity);
}

TEST_F(OneQueue, APortThatTakesNoMoreIsCountedByTheSender) {
  ManualClock other_clock;
  WorkersBench small(one_queue(/*transmit_capacity=*/1), other_clock);
  small.both_know_their_neighbours();
  for (int i = 0; i < 3; ++i) {
    small.from_app(udp(kApp.with_port(port_of(worker(0))), kWeb), 0);
  }
  small.settle();
  EXPECT_EQ(small.dropped(kInternet, DropReason::kTransmitQueueFull, 1), 2U);
  EXPECT_EQ(small.dropped(kInternet, DropReason::kTransmitQueueFull, 0), 0U);
}

TEST_F(OneQueue, WhatIsInTheRingsAtTheEndIsGivenBack) {
  b.both_know_their_neighbours();
  b.from_app(udp(kApp.with_port(port_of(worker(1))), kWeb), 0);
  b.from_app(udp(kApp.with_port(port_of(worker(0))), kWeb), 0);
  EXPECT_TRUE(pass(0));
  EXPECT_EQ(held(), 2U);
  b.workers.clear();
  EXPECT_EQ(b.dropped(kPrivate, DropReason::kShutdown, 1), 1U) << "it had come in";
  EXPECT_EQ(b.dropped(kInternet, DropReason::kShutdown, 1), 1U) << "it was on its way out";
}

TEST_F(OneQueue, ArpIsAnsweredWhereverItIsHeard) {
  for (size_t flow = 0; flow < 8; ++flow) {
    const Ipv4Address host = be32(0x0a00010a + static_cast<uint32_t>(flow));
    b.send(b.priv, arp_request(kAppMac, host, kInsideAddress), 0);
    b.settle();
    EXPECT_THAT(Sent(b.priv).packet, is(arp_reply(kInsideMac, kInsideAddress, kAppMac, host)));
  }
  EXPECT_EQ(b.dropped(kPrivate, DropReason::kAnswered, 0), 8U) << "by the worker that heard it";
}

// The other worker waits for the neighbour whose answer this one hears.
TEST_F(OneQueue, AnAnswerHeardByOneWorkerIsNewsForAllThatWait) {
  b.from_app(udp(kApp.with_port(port_of(worker(0))), kWeb), 0);
  b.settle();
  EXPECT_EQ(b.network.waiting_packets(), 1U);
  EXPECT_THAT(Sent(b.internet).packet, is(arp_request(kOutsideMac, kEip.address, kWeb.address)));
  b.send(b.internet, arp_reply(kWebMac, kWeb.address, kOutsideMac, kEip.address), 0);
  pass(1);
  EXPECT_EQ(b.network.waiting_packets(), 1U) << "worker 0 has it";
  pass(0);
  EXPECT_EQ(b.network.waiting_packets(), 0U);
  pass(1);
  EXPECT_THAT(Sent(b.internet).packet, is(udp(kEip.any_port(), kWeb)));
}

}  // namespace
}  // namespace lapse::test
