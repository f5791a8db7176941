#include "dataplane/net/queue_plan.h"

#include <map>
#include <set>

#include "gtest/gtest.h"

#include "dataplane/net/memory_port.h"
#include "dataplane/net/network.h"

namespace lapse {
namespace {

struct Shape {
  size_t workers;
  uint16_t receive;
  uint16_t transmit;
};

// 1 to 4 workers with 1 to 5 queues each way.
std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (size_t workers = 1; workers <= 4; ++workers) {
    for (uint16_t receive = 1; receive <= 5; ++receive) {
      for (uint16_t transmit = 1; transmit <= 5; ++transmit) {
        all.push_back({workers, receive, transmit});
      }
    }
  }
  return all;
}

WorkerId worker(size_t number) {
  return WorkerId{static_cast<uint8_t>(number)};
}

TEST(QueuePlan, EveryReceiveQueueHasOneWorker) {
  for (const Shape& shape : shapes()) {
    const MemoryPort port(16, shape.receive, shape.transmit);
    for (size_t first = 0; first < shape.workers; ++first) {
      const QueuePlan plan(port, shape.workers, first);
      std::multiset<uint16_t> polled;
      for (size_t id = 0; id < shape.workers; ++id) {
        polled.insert(plan.polled_by(worker(id)).begin(), plan.polled_by(worker(id)).end());
      }
      std::multiset<uint16_t> all;
      for (uint16_t queue = 0; queue < shape.receive; ++queue) {
        all.insert(queue);
      }
      EXPECT_EQ(polled, all) << shape.workers << " workers, " << shape.receive << " queues, first " << first;
      EXPECT_EQ(plan.distributes(), shape.receive < shape.workers);
    }
  }
}

TEST(QueuePlan, EveryTransmitQueueHasOneWorkerWhichSendsForTheOthers) {
  for (const Shape& shape : shapes()) {
    const MemoryPort port(16, shape.receive, shape.transmit);
    for (size_t first = 0; first < shape.workers; ++first) {
      const QueuePlan plan(port, shape.workers, first);
      std::map<uint16_t, std::set<WorkerId>> senders;
      std::map<WorkerId, size_t> sends_for;
      for (size_t id = 0; id < shape.workers; ++id) {
        const WorkerId sender = plan.sender_for(worker(id));
        EXPECT_EQ(plan.sender_for(sender), sender) << "what it is handed ends with it";
        EXPECT_LT(plan.queue_of(sender), shape.transmit);
        senders[plan.queue_of(sender)].insert(sender);
        ++sends_for[sender];
      }
      EXPECT_EQ(senders.size(), std::min<size_t>(shape.transmit, shape.workers)) << "no queue lies idle";
      for (const auto& [queue, workers] : senders) {
        EXPECT_EQ(workers.size(), 1U) << "queue " << queue;
      }
      for (const auto& [sender, count] : sends_for) {
        EXPECT_LE(count, (shape.workers + senders.size() - 1) / senders.size()) << "shared evenly";
      }
    }
  }
}

TEST(QueuePlan, AWorkerThatPollsAQueueOfItsOwnSendsByItToo) {
  const MemoryPort port(16, 4, 4);
  const QueuePlan plan(port, 4, 3);
  for (size_t id = 0; id < 4; ++id) {
    EXPECT_EQ(plan.polled_by(worker(id)), std::vector<uint16_t>{static_cast<uint16_t>(id)});
    EXPECT_EQ(plan.sender_for(worker(id)), worker(id));
    EXPECT_EQ(plan.queue_of(worker(id)), id);
  }
}

TEST(QueuePlan, PortsOfOneQueueGoToOneWorkerEach) {
  MemoryPort first;
  MemoryPort second;
  MemoryPort third;
  Network network(2);
  for (Port* port : {&first, &second, &third}) {
    network.set_port(network.add_link(), port);
  }
  EXPECT_EQ(network.link(LinkId{0}).queues.polled_by(worker(0)).size(), 1U);
  EXPECT_EQ(network.link(LinkId{1}).queues.polled_by(worker(1)).size(), 1U);
  EXPECT_EQ(network.link(LinkId{2}).queues.polled_by(worker(0)).size(), 1U);
}

}  // namespace
}  // namespace lapse
