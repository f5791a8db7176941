#include "dataplane/net/handoff.h"

namespace lapse {

Handoff::Handoff(size_t workers) : workers_(workers), bells_(workers) {
  assert(workers > 0 && workers <= kMaxWorkers);
  for (size_t ring = 0; ring < workers * workers; ++ring) {
    const bool to_itself = ring / workers == ring % workers;
    rings_.push_back(to_itself ? nullptr : std::make_unique<PacketRing>());
  }
}

void Handoff::publish(WorkerId from) {
  for (size_t to = 0; to < workers_; ++to) {
    const WorkerId other{static_cast<uint8_t>(to)};
    if (other != from && ring(from, other).publish()) {
      bells_[to].ring_if_asleep();
    }
  }
}

bool Handoff::has_packets_for(WorkerId to) const {
  for (size_t from = 0; from < workers_; ++from) {
    const WorkerId other{static_cast<uint8_t>(from)};
    if (other != to && ring(other, to).has_packets()) {
      return true;
    }
  }
  return false;
}

void Handoff::wake_others(WorkerId from) {
  for (size_t worker = 0; worker < workers_; ++worker) {
    if (worker != index(from)) {
      bells_[worker].ring_if_asleep();
    }
  }
}

uint64_t Handoff::packets() const {
  uint64_t packets = 0;
  for (const auto& ring : rings_) {
    packets += ring == nullptr ? 0 : ring->size();
  }
  return packets;
}

}  // namespace lapse
