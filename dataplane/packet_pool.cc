#include "dataplane/packet_pool.h"

#include <cassert>

namespace lapse {

MemoryPacketPool::MemoryPacketPool(size_t count, size_t frame_size)
    : packets_(count), rooms_(std::make_unique_for_overwrite<uint8_t[]>(count * (kHeadroom + frame_size))) {
  assert(frame_size <= UINT16_MAX);
  free_.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    packets_[i].pool = this;
    packets_[i].room = rooms_.get() + i * (kHeadroom + frame_size);
    packets_[i].room_size = static_cast<uint32_t>(kHeadroom + frame_size);
  }
  // The first packet is handed out first.
  for (size_t i = count; i > 0; --i) {
    free_.push_back(&packets_[i - 1]);
  }
}

Packet* MemoryPacketPool::allocate() {
  if (free_.empty()) {
    return nullptr;
  }
  Packet* packet = free_.back();
  free_.pop_back();
  *packet =
      Packet{.data = packet->room + kHeadroom, .pool = this, .room = packet->room, .room_size = packet->room_size};
  return packet;
}

void MemoryPacketPool::release(std::span<Packet* const> packets) {
  for (Packet* packet : packets) {
    assert(packet->pool == this && free_.size() < packets_.size());
    free_.push_back(packet);
  }
}

}  // namespace lapse
