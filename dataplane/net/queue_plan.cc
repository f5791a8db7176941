#include "dataplane/net/queue_plan.h"

#include <algorithm>
#include <cassert>

namespace lapse {

QueuePlan::QueuePlan(const Port& port, size_t workers, size_t first)
    : distributes_(port.receive_queues() < workers), polled_by_(workers) {
  assert(port.receive_queues() > 0 && port.transmit_queues() > 0 && first < workers);
  const size_t receive_start = distributes_ ? first : 0;
  for (uint16_t queue = 0; queue < port.receive_queues(); ++queue) {
    polled_by_[(receive_start + queue) % workers].push_back(queue);
  }
  const size_t senders = std::min<size_t>(port.transmit_queues(), workers);
  const size_t send_start = senders < workers ? first : 0;
  for (size_t worker = 0; worker < workers; ++worker) {
    const size_t queue = (worker + workers - send_start) % workers % senders;
    sending_.push_back({WorkerId{static_cast<uint8_t>((send_start + queue) % workers)}, static_cast<uint16_t>(queue)});
  }
}

size_t QueuePlan::pollers() const {
  return static_cast<size_t>(
      std::count_if(polled_by_.begin(), polled_by_.end(), [](const auto& queues) { return !queues.empty(); }));
}

}  // namespace lapse
