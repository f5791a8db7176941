// What impaired links do to packets: a part of the path that packets on other links never meet.
#include "dataplane/net/path.h"

namespace lapse {

void Path::impair(InterfaceId to, Packet* packet, const Now& now) {
  if (const auto reason = stage_->loses(*packet)) {
    drop_on_link(to, packet, *reason, now);
    return;
  }
  Packet* copy = stage_->duplicates(*packet) ? copy_of(*packet) : nullptr;
  send_along(to, packet, now);
  if (copy != nullptr) {
    send_along(to, copy, now);
  }
}

void Path::send_along(InterfaceId to, Packet* packet, const Now& now) {
  const LinkStage::Verdict verdict = stage_->send(packet, to, now.now);
  switch (verdict.fate) {
    case LinkStage::Fate::kArrives:
      arrive(to, packet, now);
      break;
    case LinkStage::Fate::kHeld:
      counters(packet->link).held.add();
      break;
    case LinkStage::Fate::kDropped:
      drop_on_link(to, packet, verdict.reason, now);
      break;
  }
}

Packet* Path::copy_of(const Packet& packet) {
  LinkCounters& link_counters = counters(packet.link);
  link_counters.originated.add();
  Packet* copy = pool_->allocate();
  if (copy == nullptr || copy->tailroom() < packet.length) {
    link_counters.dropped[static_cast<size_t>(DropReason::kPoolEmpty)].add();
    if (copy != nullptr) {
      release(copy);
    }
    return nullptr;
  }
  copy_packet(packet, *copy);
  return copy;
}

// Held packets are across their link: what became due in one jump comes in several rounds.
void Path::take_arrivals(const Now& now) {
  for (size_t taken = 0; taken < kMostArrivals; ++taken) {
    const auto arrival = stage_->take_due(now.now);
    if (!arrival) {
      return;
    }
    counters(arrival->packet->link).released.add();
    if (work_ >= kMuchWork) {
      serve_all(now);
    }
    arrive(arrival->to, arrival->packet, now);
  }
}

}  // namespace lapse
