// nat_harness.h - a NAT gateway behind the parser, fed with bytes that nobody vouches for, and what must hold after
// each burst.
//
// Owner:    the fuzz test or the fuzzer.
// Memory:   one small pool; with AddressSanitizer every byte behind a frame is poisoned.
// Time:     by hand.
// Bytes:    whole frames.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     design, "Conservation".
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/box/fragment_store.h"
#include "dataplane/box/nat_gateway.h"
#include "dataplane/clock.h"
#include "dataplane/packet_pool.h"

namespace lapse::test {

// Buffers that end where their frame ends, as far as a sanitizer is concerned.
class GuardedPool final : public PacketPool {
 public:
  explicit GuardedPool(size_t count);
  ~GuardedPool() override;

  Packet* allocate() override;
  void release(std::span<Packet* const> packets) override;

  // Everything behind the frame is out of bounds from here on, until the packet is allocated again.
  static void guard(Packet& packet);

  size_t available() const { return free_.size(); }
  size_t count() const { return packets_.size(); }

 private:
  static constexpr size_t kRoom = kHeadroom + 2048;
  std::vector<Packet> packets_;
  std::unique_ptr<uint8_t[]> rooms_;
  std::vector<Packet*> free_;
};

class NatHarness {
 public:
  explicit NatHarness(const NatGateway::Config& config);

  using Frame = std::vector<uint8_t>;
  enum class PoolState : uint8_t { kFull, kEmpty };

  // What came out for each side since it was last asked for.
  struct Sent {
    Side side;
    Frame frame;
  };

  // At most kBurst frames. Nothing is returned when all went well, else what was wrong.
  std::optional<std::string> feed(std::span<const Frame> frames, Side side, PoolState pool = PoolState::kFull);
  std::optional<std::string> advance(size_t budget);
  void pass_time(Duration duration) { clock_.advance(duration); }
  std::vector<Sent> take_sent() { return std::exchange(sent_, {}); }

  // Frames fed, and what became of those that never reached the box.
  uint64_t frames() const { return frames_; }
  uint64_t refused() const { return refused_; }  // by parse()
  uint64_t arp() const { return arp_; }
  const BoxCounters& counters() const { return counters_; }
  FlowTable& flows() { return *gateway_.flows(); }

 private:
  struct Before {
    Packet* packet;
    bool checksum_was_right;
  };

  std::optional<std::string> take_output(std::span<const Before> burst);
  std::optional<std::string> check_sent(Packet& packet, std::span<const Before> burst) const;
  std::optional<std::string> check_books() const;

  GuardedPool pool_{3 * kBurst + FragmentStore::kMostHeld};
  BoxCounters counters_;
  ManualClock clock_;
  Quiescence quiescence_;
  Output output_{WorkerId{0}, pool_, nullptr};
  NatGateway gateway_;
  std::vector<Sent> sent_;
  uint64_t frames_ = 0;
  uint64_t refused_ = 0;
  uint64_t arp_ = 0;
};

}  // namespace lapse::test
