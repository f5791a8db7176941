#include "bench/ring_port.h"

#include <new>

namespace lapse::bench {

PacketRing::PacketRing() : memory_(size_t{8} << 20) {
  static_assert(kCount * sizeof(Buffer) <= size_t{8} << 20);
  auto* const buffers = static_cast<Buffer*>(memory_.data());
  for (size_t i = 0; i < kCount; ++i) {
    Buffer& buffer = buffers[i];
    free_.push_back(new (&buffer.packet) Packet{
        .data = buffer.room + kHeadroom, .pool = this, .room = buffer.room, .room_size = sizeof(buffer.room)});
    ++given_;
  }
}

Packet* PacketRing::allocate() {
  if (available() == 0) {
    return nullptr;
  }
  Packet* packet = take();
  packet->data = packet->room + kHeadroom;
  packet->length = 0;
  return packet;
}

}  // namespace lapse::bench
