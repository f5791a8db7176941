#include "tests/net/link_bench.h"

#include "dataplane/wire/ipv4.h"
#include "dataplane/wire/parse.h"

namespace lapse::test {
namespace {

const Endpoint kLeft = endpoint("10.0.1.10", 4000);
const Endpoint kRight = endpoint("10.0.2.10", 5000);
constexpr MacAddress kLeftMac{{0x02, 0, 0, 0, 0, 0xa}};
constexpr MacAddress kRightMac{{0x02, 0, 0, 0, 0, 0xb}};
constexpr MacAddress kNearMac{{0x02, 0, 0, 0, 1, 0}};
constexpr MacAddress kFarMac{{0x02, 0, 0, 0, 1, 1}};
constexpr size_t kHeaders = 14 + 20 + 8;

}  // namespace

LinkBench::LinkBench(const Impairments& near, const Impairments& far, uint64_t seed, size_t packets, size_t workers)
    : pool_(packets, 10000),
      near_(packets, static_cast<uint16_t>(workers), static_cast<uint16_t>(workers)),
      far_(packets, static_cast<uint16_t>(workers), static_cast<uint16_t>(workers)),
      network_(workers) {
  network_.add_link();
  network_.add_link();
  network_.set_port(kNear, &near_);
  network_.set_port(kFar, &far_);
  network_.impair(kNear, near, seed);
  network_.impair(kFar, far, seed + 1);
  const BoxId box = network_.add_box(std::make_unique<Passage>());
  Interface left{box, Side{0}, kNear, kNearMac, {ip("10.0.1.1")}, {}, {}};
  left.routes.add(*parse_prefix("10.0.1.0/24"), std::nullopt);
  network_.add_interface(left);
  Interface right{box, Side{1}, kFar, kFarMac, {ip("10.0.2.1")}, {}, {}};
  right.routes.add(*parse_prefix("10.0.2.0/24"), std::nullopt);
  network_.add_interface(right);
  network_.neighbours().add_static(kNear, kLeft.address, kLeftMac);
  network_.neighbours().add_static(kFar, kRight.address, kRightMac);
  for (size_t worker = 0; worker < workers; ++worker) {
    paths_.push_back(
        std::make_unique<Path>(WorkerId{static_cast<uint8_t>(worker)}, network_, pool_, &events_, Trace::kPackets));
  }
}

LinkBench::~LinkBench() {
  paths_.clear();
  check_books();
  EXPECT_EQ(held(), 0U);
}

void LinkBench::send_burst(const std::vector<uint16_t>& numbers, size_t bytes, size_t worker) {
  std::vector<Packet*> burst;
  for (const uint16_t number : numbers) {
    const auto frame =
        udp(kLeft, kRight).identification(number).payload(bytes - kHeaders).mac(kLeftMac, kNearMac).bytes();
    burst.push_back(raw_frame(pool_, frame));
  }
  paths_[worker]->receive(kNear, burst, now());
  paths_[worker]->run(now());
  check_books();
}

void LinkBench::send_back(uint16_t number, size_t bytes) {
  inject(kFar, udp(kRight, kLeft).identification(number).payload(bytes - kHeaders).mac(kRightMac, kFarMac).bytes(), 0);
}

void LinkBench::send_frame(const std::vector<uint8_t>& frame) {
  inject(kNear, frame, 0);
}

void LinkBench::inject(LinkId link, const std::vector<uint8_t>& frame, size_t worker) {
  Packet* packet = raw_frame(pool_, frame);
  paths_[worker]->receive(link, {&packet, 1}, now());
  paths_[worker]->run(now());
  check_books();
}

void LinkBench::advance() {
  for (const auto& path : paths_) {
    path->advance(now(), 64);
    check_books();
  }
}

std::vector<Seen> LinkBench::run_until(Duration after) {
  const Instant end = kStart + after;
  std::vector<Seen> seen = take(far_);
  for (;;) {
    std::optional<Instant> next;
    for (const auto& path : paths_) {
      const auto deadline = path->next_deadline(now());
      next = deadline && (!next || *deadline < *next) ? deadline : next;
    }
    if (!next || *next > end) {
      break;
    }
    time_ = std::max(time_, *next);
    advance();
    const std::vector<Seen> more = take(far_);
    seen.insert(seen.end(), more.begin(), more.end());
  }
  time_ = end;
  return seen;
}

std::vector<Seen> LinkBench::jump_to(Duration after) {
  time_ = kStart + after;
  advance();
  return take(far_);
}

std::vector<Seen> LinkBench::arrived_back() {
  return take(near_);
}

std::vector<Seen> LinkBench::take(MemoryPort& port) {
  std::vector<Seen> seen;
  for (uint16_t queue = 0; queue < port.transmit_queues(); ++queue) {
    while (Packet* const packet = port.take(queue)) {
      EXPECT_FALSE(parse(*packet).has_value());
      const auto& header = packet->header_at<Ipv4Header>(packet->l3_offset);
      seen.push_back({header.identification.host(),
                      time_ - kStart,
                      {packet->data + packet->payload_offset, packet->data + packet->length}});
      release(packet);
    }
  }
  return seen;
}

uint64_t LinkBench::dropped(LinkId link, DropReason reason) {
  uint64_t sum = 0;
  for (size_t worker = 0; worker < network_.workers(); ++worker) {
    const LinkCounters& counters = network_.link_counters(link, WorkerId{static_cast<uint8_t>(worker)});
    sum += counters.dropped[static_cast<size_t>(reason)].get();
  }
  return sum;
}

uint64_t LinkBench::originated(LinkId link) {
  return network_.link_counters(link, WorkerId{0}).originated.get();
}

std::vector<Event> LinkBench::events() {
  std::vector<Event> events(1 << 14);
  events.resize(events_.pop(events.data(), events.size()));
  return events;
}

void LinkBench::check_books() {
  const Conservation sum = network_.process_conservation();
  EXPECT_TRUE(sum.holds()) << sum.received << " + " << sum.originated << " = " << sum.sent << " + " << sum.dropped
                           << " + " << sum.held;
}

}  // namespace lapse::test
