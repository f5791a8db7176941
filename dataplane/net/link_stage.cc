#include "dataplane/net/link_stage.h"

#include <algorithm>

#include "dataplane/wire/ethernet.h"

namespace lapse {
namespace {

// Streams of neighbouring numbers have nothing in common: each begins where another stream's number says.
Random stream_of(uint64_t seed, LineId line, WorkerId worker) {
  const uint64_t number = uint64_t{index(line)} << 8 | index(worker);
  return Random(Random(seed ^ (number + 1) * 0xd1342543de82ef95ULL).next());
}

Duration delay_of(const Impairments& link, Random& random) {
  if (link.jitter == Duration{}) {
    return link.delay;
  }
  const auto span = static_cast<uint64_t>(2 * link.jitter.count() + 1);
  const auto part = static_cast<int64_t>(static_cast<unsigned __int128>(random.next()) * span >> 64);
  return link.delay - link.jitter + Duration(part);
}

}  // namespace

LinkStage::LinkStage(WorkerId worker, Network& network, size_t capacity)
    : network_(&network), capacity_(capacity), lines_(kMaxLines) {
  held_.reserve(capacity);
  for (size_t number = 0; number < network.links().size(); ++number) {
    const LinkId id{static_cast<uint8_t>(number)};
    const Link& link = network.link(id);
    impaired_[number] = link.impairments.any();
    if (!impaired_[number]) {
      continue;
    }
    std::vector<InterfaceId> senders = link.interfaces;
    senders.push_back(kNoInterface);
    for (const InterfaceId sender : senders) {
      const LineId line = Network::line(id, sender);
      lines_[index(line)].random = stream_of(link.seed, line, worker);
      if (link.impairments.bit_rate != 0) {
        const uint16_t mtu = link.impairments.mtu == 0 ? kUsualMtu : link.impairments.mtu;
        lines_[index(line)].longest_wait =
            LineRate::longest_wait(8 * (sizeof(EthernetHeader) + mtu), link.impairments.bit_rate);
      }
    }
  }
}

std::optional<DropReason> LinkStage::loses(const Packet& packet) {
  const Impairments& link = network_->link(packet.link).impairments;
  if (link.mtu != 0 && packet.length - packet.l3_offset > link.mtu) {
    return DropReason::kLinkMtu;
  }
  if (link.loss.happens(line_of(packet).random)) {
    return DropReason::kLinkLoss;
  }
  return std::nullopt;
}

bool LinkStage::duplicates(const Packet& packet) {
  return network_->link(packet.link).impairments.duplicate.happens(line_of(packet).random);
}

LinkStage::Verdict LinkStage::send(Packet* packet, InterfaceId to, Instant now) {
  const Impairments& link = network_->link(packet->link).impairments;
  Line& line = line_of(*packet);
  if (held_.size() == capacity_ && link.holds_packets()) {
    return {Fate::kDropped, DropReason::kLinkStoreFull};
  }
  Instant arrival = now;
  if (link.bit_rate != 0) {
    LineRate& rate = network_->line_rate(Network::line(packet->link, packet->from_interface));
    const auto gone = rate.send(LineRate::time_of(8 * uint64_t{packet->length}, link.bit_rate), line.longest_wait, now);
    if (!gone) {
      return {Fate::kDropped, DropReason::kLinkQueueFull};
    }
    arrival = *gone;
  }
  const bool overtakes = link.reorder.happens(line.random);
  if (!overtakes) {
    arrival = std::max(arrival + delay_of(link, line.random), line.last);
    line.last = arrival;
  }
  // What is due and has not been taken yet still goes first.
  if (arrival <= now && (overtakes || line.held == 0)) {
    return {Fate::kArrives};
  }
  held_.push_back({arrival, next_order_++, packet, to});
  std::push_heap(held_.begin(), held_.end());
  ++line.held;
  return {Fate::kHeld};
}

std::optional<LinkStage::Arrival> LinkStage::take_due(Instant now) {
  if (held_.empty() || held_.front().arrival > now) {
    return std::nullopt;
  }
  std::pop_heap(held_.begin(), held_.end());
  const Held due = held_.back();
  held_.pop_back();
  --line_of(*due.packet).held;
  return Arrival{due.packet, due.to};
}

std::optional<Instant> LinkStage::next_arrival() const {
  return held_.empty() ? std::nullopt : std::optional(held_.front().arrival);
}

}  // namespace lapse
