// nat_gateway.h - a cloud NAT gateway: symmetric address and port translation that forgets idle flows.
//
// Owner:    built from a topology; shared by all workers.
// Memory:   table and port counts, allocated in the constructor.
// Time:     callers pass 'now'; a flow is dead when it has been idle for its timeout or longer.
// Bytes:    wire order.
// Cost:     one find and one record line a packet; a new flow: two puts.
// Lifetime: outlives its workers.
// Spec:     aws-behaviour 1, 2.1 L1-L8, 2.3, 3.1, 3.2; RFC 5382, RFC 5508.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "dataplane/box/box.h"
#include "dataplane/box/late_packet.h"
#include "dataplane/box/nat_addresses.h"
#include "dataplane/box/rate_ceiling.h"
#include "dataplane/flow/port_allocator.h"

namespace lapse {

class NatGateway final : public Box {
 public:
  static constexpr Side kInside{0};
  static constexpr Side kOutside{1};

  struct Config {
    std::vector<Ipv4Address> outside_addresses;  // 1 to 8, the first is primary
    uint32_t capacity = 65536;
    size_t workers = 1;
    LatePacket late_inside = LatePacket::kRst;    // L1
    LatePacket late_outside = LatePacket::kDrop;  // C-1: L2 or L3
    std::array<Duration, kTimeoutClassCount> timeouts{};
    HashKey hash_key;
    uint64_t random_seed = 0;
    uint32_t ports_per_destination = 55000;
    // The largest packet that leaves by each side, from which the MSS that a SYN announces is limited; 0: it is not.
    std::array<uint16_t, 2> clamp_mss_to_mtu{};
    RateCeiling::Options ceiling{};
  };

  NatGateway(const Config& config, Quiescence& quiescence);
  ~NatGateway() override;

  void process(std::span<Packet* const> burst, Side side, const Now& now, Output& out) override;
  void advance(const Now& now, size_t budget, Output& out) override;
  std::optional<Instant> next_deadline(WorkerId worker, const Now& now) const override;
  std::optional<Instant> next_retry(WorkerId worker, const Now& now) const override;
  size_t held() const override;
  void drop_held(Output& out) override;
  bool owns(Side side, Ipv4Address address) const override;
  bool would_pass(const Packet& packet, Side side, const Now& now) const override;
  FlowTable* flows() override;

  // For control, one thread at a time.
  NatAddresses& addresses();

 private:
  struct Impl;
  class Turn;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lapse
