#include "dataplane/net/memory_port.h"

namespace lapse {

MemoryPort::~MemoryPort() {
  for (Packet* packet : to_receive_) {
    release(packet);
  }
  for (Packet* packet : transmitted_) {
    release(packet);
  }
}

Packet* MemoryPort::take() {
  if (transmitted_.empty()) {
    return nullptr;
  }
  Packet* packet = transmitted_.front();
  transmitted_.pop_front();
  return packet;
}

size_t MemoryPort::receive(uint16_t, std::span<Packet*> out, size_t& dropped) {
  dropped = 0;
  size_t count = 0;
  while (count < out.size() && !to_receive_.empty()) {
    out[count++] = to_receive_.front();
    to_receive_.pop_front();
  }
  return count;
}

size_t MemoryPort::transmit(uint16_t, std::span<Packet* const> packets) {
  size_t count = 0;
  while (count < packets.size() && transmitted_.size() < capacity_) {
    transmitted_.push_back(packets[count++]);
  }
  return count;
}

}  // namespace lapse
