#include "tests/fuzz/nat_harness.h"

#include <algorithm>
#include <array>

#include <sanitizer/asan_interface.h>

#include "dataplane/wire/notation.h"
#include "dataplane/wire/parse.h"

namespace lapse::test {

GuardedPool::GuardedPool(size_t count) : packets_(count), rooms_(new uint8_t[count * kRoom]) {
  for (size_t i = 0; i < count; ++i) {
    packets_[i].pool = this;
    packets_[i].room = rooms_.get() + i * kRoom;
    packets_[i].room_size = kRoom;
    free_.push_back(&packets_[i]);
  }
}

GuardedPool::~GuardedPool() {
  ASAN_UNPOISON_MEMORY_REGION(rooms_.get(), packets_.size() * kRoom);
}

Packet* GuardedPool::allocate() {
  if (free_.empty()) {
    return nullptr;
  }
  Packet* packet = free_.back();
  free_.pop_back();
  ASAN_UNPOISON_MEMORY_REGION(packet->room, kRoom);
  packet->data = packet->room + kHeadroom;
  packet->length = 0;
  packet->hops = 0;
  return packet;
}

void GuardedPool::release(std::span<Packet* const> packets) {
  for (Packet* packet : packets) {
    ASAN_POISON_MEMORY_REGION(packet->room, kRoom);
    free_.push_back(packet);
  }
}

void GuardedPool::guard(Packet& packet) {
  ASAN_POISON_MEMORY_REGION(packet.data + packet.length, packet.tailroom());
}

NatHarness::NatHarness(const NatGateway::Config& config) : gateway_(config, quiescence_) {
  quiescence_.online(Quiescence::slot(WorkerId{0}));
}

std::optional<std::string> NatHarness::feed(std::span<const Frame> frames, Side side, PoolState pool) {
  std::array<Packet*, kBurst> burst;
  std::array<Before, kBurst> before;
  size_t count = 0;
  for (const Frame& frame : frames) {
    ++frames_;
    Packet* packet = pool_.allocate();
    packet->length = static_cast<uint16_t>(std::min(frame.size(), packet->tailroom()));
    std::copy_n(frame.begin(), packet->length, packet->data);
    GuardedPool::guard(*packet);
    const auto reason = parse(*packet);
    if (reason || packet->kind == PacketKind::kArp) {
      ++(reason ? refused_ : arp_);
      release(packet);
      continue;
    }
    counters_.received_packets[index(side)].add();
    counters_.received_bytes[index(side)].add(packet->length);
    before[count] = {packet, transport_checksum_is_valid(*packet)};
    burst[count++] = packet;
  }
  std::vector<Packet*> held_back;
  while (pool == PoolState::kEmpty && pool_.available() > 0) {
    held_back.push_back(pool_.allocate());
  }
  output_.begin(BoxId{0}, counters_);
  gateway_.process({burst.data(), count}, side, clock_.now(), output_);
  pool_.release(held_back);
  return take_output({before.data(), count});
}

std::optional<std::string> NatHarness::advance(size_t budget) {
  output_.begin(BoxId{0}, counters_);
  gateway_.advance(clock_.now(), budget, output_);
  return take_output({});
}

std::optional<std::string> NatHarness::take_output(std::span<const Before> burst) {
  std::optional<std::string> problem;
  for (const Output::Entry& entry : output_.entries()) {
    if (auto wrong = check_sent(*entry.packet, burst); wrong && !problem) {
      problem = *wrong + ": " + to_string(*entry.packet);
    }
    sent_.push_back({entry.side, Frame(entry.packet->data, entry.packet->data + entry.packet->length)});
    release(entry.packet);
  }
  output_.clear();
  quiescence_.quiescent(Quiescence::slot(WorkerId{0}));
  return problem ? problem : check_books();
}

// What leaves is a packet, says what its bookkeeping says, and has checksums as right as those it came with.
std::optional<std::string> NatHarness::check_sent(Packet& packet, std::span<const Before> burst) const {
  const FiveTuple tuple = packet.tuple;
  if (const auto reason = parse(packet)) {
    return "sent a frame that does not parse, " + std::string(code(*reason));
  }
  if (tuple != packet.tuple) {
    return "the tuple is not that of the headers, but " + to_string(tuple);
  }
  const auto received =
      std::find_if(burst.begin(), burst.end(), [&](const Before& before) { return before.packet == &packet; });
  const bool was_right =
      packet.origin == Origin::kOriginated || received == burst.end() || received->checksum_was_right;
  if (transport_checksum_is_valid(packet) != was_right) {
    return was_right ? "broke a checksum" : "made a wrong checksum right";
  }
  return std::nullopt;
}

std::optional<std::string> NatHarness::check_books() const {
  const Conservation sum = conservation(counters_, gateway_.held());
  if (!sum.holds()) {
    return "received " + std::to_string(sum.received) + " + originated " + std::to_string(sum.originated) +
           " is not sent " + std::to_string(sum.sent) + " + dropped " + std::to_string(sum.dropped);
  }
  if (sum.received + refused_ + arp_ != frames_) {
    return "a frame was neither refused nor received";
  }
  if (pool_.available() + gateway_.held() != pool_.count()) {
    return std::to_string(pool_.count() - pool_.available() - gateway_.held()) + " packets leaked";
  }
  return std::nullopt;
}

}  // namespace lapse::test
