#include "dataplane/net/memory_port.h"

namespace lapse {

MemoryPort::~MemoryPort() {
  for (const auto* queues : {&to_receive_, &transmitted_}) {
    for (const auto& queue : *queues) {
      for (Packet* packet : queue) {
        release(packet);
      }
    }
  }
}

Packet* MemoryPort::take(uint16_t queue) {
  auto& frames = transmitted_[queue];
  if (frames.empty()) {
    return nullptr;
  }
  Packet* packet = frames.front();
  frames.pop_front();
  return packet;
}

size_t MemoryPort::transmitted() const {
  size_t count = 0;
  for (const auto& queue : transmitted_) {
    count += queue.size();
  }
  return count;
}

size_t MemoryPort::receive(uint16_t queue, std::span<Packet*> out, size_t& dropped) {
  auto& frames = to_receive_[queue];
  dropped = 0;
  size_t count = 0;
  while (count < out.size() && !frames.empty()) {
    out[count++] = frames.front();
    frames.pop_front();
  }
  return count;
}

size_t MemoryPort::transmit(uint16_t queue, std::span<Packet* const> packets) {
  auto& frames = transmitted_[queue];
  size_t count = 0;
  while (count < packets.size() && frames.size() < capacity_) {
    frames.push_back(packets[count++]);
  }
  return count;
}

}  // namespace lapse
