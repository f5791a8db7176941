// link_bench.h - left - near link - box - far link - right: what crosses impaired links, and when.
//
// Owner:    one test.
// Memory:   a pool of 'packets'; what arrives is given back when it has been noted.
// Time:     moved by run_until(), from one deadline of the path to the next; starts at 1 s.
// Bytes:    UDP datagrams that carry their number in the IP identification.
// Cost:     none that matters.
// Lifetime: the destructor fails the test when the books are not even.
// Spec:     style, "Tests read like a packet trace".
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gtest/gtest.h"

#include "dataplane/net/memory_port.h"
#include "dataplane/net/path.h"
#include "tests/support/packets.h"

namespace lapse::test {

using namespace std::chrono_literals;

inline constexpr LinkId kNear{0};
inline constexpr LinkId kFar{1};

// Passes everything through.
class Passage final : public Box {
 public:
  void process(std::span<Packet* const> burst, Side side, const Now&, Output& out) override {
    for (Packet* packet : burst) {
      out.forward(packet, Side{static_cast<uint8_t>(1 - index(side))});
    }
  }
  void advance(const Now&, size_t, Output&) override {}
  std::optional<Instant> next_deadline(WorkerId, const Now&) const override { return std::nullopt; }
  FlowTable* flows() override { return nullptr; }
};

// A datagram that reached the right end, or the left one.
struct Seen {
  uint16_t number = 0;
  Duration after{};  // since the start of the test
  std::vector<uint8_t> payload;
};

class LinkBench {
 public:
  explicit LinkBench(const Impairments& near, const Impairments& far = {}, uint64_t seed = 1, size_t packets = 1024,
                     size_t workers = 1);
  ~LinkBench();

  // From the left end to the right one, and back; 'bytes' of the whole frame.
  void send(uint16_t number, size_t bytes = 100, size_t worker = 0) { send_burst({number}, bytes, worker); }
  void send_burst(const std::vector<uint16_t>& numbers, size_t bytes = 100, size_t worker = 0);
  void send_back(uint16_t number, size_t bytes = 100);
  // Any frame on the near link.
  void send_frame(const std::vector<uint8_t>& frame);

  // What has arrived until so long after the start.
  std::vector<Seen> run_until(Duration after);
  // The clock jumps there, and the path is called once for it.
  std::vector<Seen> jump_to(Duration after);
  std::vector<Seen> arrived_back();

  uint64_t dropped(LinkId link, DropReason reason);
  uint64_t held() { return network_.packets_on(kNear) + network_.packets_on(kFar); }
  uint64_t originated(LinkId link);
  std::optional<Instant> next_deadline() const { return paths_[0]->next_deadline(now()); }
  Now now() const { return {.now = time_, .real = time_, .last_jump = {}}; }
  std::vector<Event> events();
  void stop() { paths_.clear(); }
  void check_books();
  MemoryPacketPool& pool() { return pool_; }
  MemoryPort& near_port() { return near_; }

 private:
  static constexpr Instant kStart{1s};

  void inject(LinkId link, const std::vector<uint8_t>& frame, size_t worker);
  void advance();
  std::vector<Seen> take(MemoryPort& port);

  Instant time_ = kStart;
  MemoryPacketPool pool_;
  MemoryPort near_;
  MemoryPort far_;
  Quiescence quiescence_;
  Network network_;
  EventRing events_{1 << 14};
  std::vector<std::unique_ptr<Path>> paths_;  // by worker
};

}  // namespace lapse::test
