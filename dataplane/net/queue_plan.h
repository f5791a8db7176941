// queue_plan.h - which worker uses which queue of a port, so that no queue is ever used by two.
//
// Owner:    the link that the port is bound to.
// Memory:   ordinary, filled before the workers start.
// Time:     none.
// Bytes:    none.
// Cost:     an index.
// Lifetime: as the link; immutable while workers run.
// Spec:     design, "The packet's way": a port with fewer queues than workers is polled by one and distributed.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/ids.h"
#include "dataplane/net/port.h"

namespace lapse {

// What a port receives is processed by the worker that polled it where every worker has a queue. Where some have none,
// each queue has one worker, and what it receives is distributed to all. Sending: as receiving, each worker by its own
// queue, or through the owner of the queue that it shares with others.
class QueuePlan {
 public:
  // A link without a port.
  QueuePlan() = default;
  // Where there are fewer queues than workers the first queue is the worker's 'first', and so on, round and round.
  QueuePlan(const Port& port, size_t workers, size_t first);

  // How many workers have a queue of their own to poll.
  size_t pollers() const;
  bool distributes() const { return distributes_; }
  const std::vector<uint16_t>& polled_by(WorkerId worker) const { return polled_by_[index(worker)]; }

  // The worker that sends what 'worker' has for the port, perhaps itself, and its queue.
  WorkerId sender_for(WorkerId worker) const { return sending_[index(worker)].sender; }
  uint16_t queue_of(WorkerId sender) const { return sending_[index(sender)].queue; }

 private:
  struct Sending {
    WorkerId sender;
    uint16_t queue;
  };

  bool distributes_ = false;
  std::vector<std::vector<uint16_t>> polled_by_;  // by worker
  std::vector<Sending> sending_;                  // by worker
};

}  // namespace lapse
