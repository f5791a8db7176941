// nat_gateway_turn.h - inside a NAT gateway: what its workers share, and one worker's decisions during one call.
//
// Owner:    the box; a Turn lives for one process() or advance().
// Memory:   that of its members.
// Time:     as the call's.
// Bytes:    wire order.
// Cost:     see nat_gateway.h.
// Lifetime: as the box, and as the call.
// Spec:     as nat_gateway.h.
#pragma once

#include <memory>
#include <vector>

#include "dataplane/box/fragment_store.h"
#include "dataplane/box/identifications.h"
#include "dataplane/box/nat_addresses.h"
#include "dataplane/box/nat_gateway.h"
#include "dataplane/box/random.h"
#include "dataplane/box/rate_ceiling.h"
#include "dataplane/flow/flow_table.h"

namespace lapse {

struct alignas(64) NatWorker {
  NatWorker(const NatGateway::Config& config, WorkerId id);

  Random random;
  Identifications identifications;
  FragmentStore fragments;
  uint32_t releases_seen = 0;    // of addresses, whose flows have been ended
  uint32_t releases_sought = 0;  // as of the beginning of the look at all records that is under way
  uint32_t next_to_check = 0;    // the record at which it goes on
};

struct NatGateway::Impl {
  Impl(const Config& settings, Quiescence& quiescence);

  const Config config;
  FlowTable table;
  PortAllocator ports;
  NatAddresses addresses;
  std::array<uint16_t, 2> mss_limits;  // by the side that a SYN leaves by; 0: none
  RateCeiling ceiling;
  std::vector<std::unique_ptr<NatWorker>> workers;
};

// An echo request where only its reply is awaited, or a reply where only a request may come from.
bool asks_the_other_way(const Packet& packet, Direction direction);

// One call of process() or advance(): the box, the worker that makes the call, its time and its output.
class NatGateway::Turn final : public ExpiryListener {
 public:
  // 'to_decide': how many packets the call has to decide about; there is room in 'out' for one each.
  Turn(Impl& box, const Now& now, Output& out, size_t to_decide = 0);

  // Every way ends with the packet forwarded, dropped, answered or held.
  void decide(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess);
  // Fragments that waited for the first of their datagram, as far as there is room that nothing else needs.
  void send_ready_fragments();
  // Ends flows of addresses that were released, looking at 'budget' records at most.
  void end_flows_of_released_addresses(size_t budget);
  void on_expired(const FlowRef& flow, Tick deadline) override;

 private:
  // What another worker did in the middle of a decision is answered by making the decision again.
  enum class Outcome : uint8_t { kDone, kLookAgain };

  // nat_gateway_turn.cc
  void decide_flow(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess);
  void decide_error(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess);
  void decide_fragment(Packet* packet, Side side, uint64_t hash, FlowTable::Guess guess);
  void send_fragment(Packet* packet, const FragmentRewrite& rewrite);
  bool match(const FiveTuple& key, Direction direction, uint64_t hash, FlowTable::Guess guess, FlowRef& flow);
  Outcome pass(FlowRef& flow, Packet* packet, Side side);
  Outcome follow_tcp(FlowRef& flow, const Packet& packet, Side side);
  void announce(TcpState before, const FlowRef& flow, const Packet& packet, Side side);
  Outcome handle_unmatched(Packet* packet, Side side, uint64_t hash);
  Outcome handle_unmatched_inside(Packet* packet, uint64_t hash);
  void handle_unmatched_outside(Packet* packet);
  void send(Packet* packet, const FlowRef& flow, Side to);

  // nat_gateway_open.cc
  Outcome open(Packet* packet, uint64_t hash);
  bool take_port(FlowRef& opening, const FiveTuple& original);
  bool take_port_of_any(FlowRef& opening, const FiveTuple& original, uint32_t& probes);
  bool take_port_of(Ipv4Address nat_address, FlowRef& opening, const FiveTuple& original, uint32_t& probes);
  void bury_a_dead_holder(const FiveTuple& original);
  void reject(Packet* packet, DropReason reason);
  void give_port_back(const FlowRef& flow);

  FlowTable& table_;
  Impl& box_;
  NatWorker& worker_;
  const Now& now_;
  const Tick tick_;
  const Tick last_jump_;
  Output& out_;
  size_t to_decide_;
  bool first_fragment_passed_ = false;
};

}  // namespace lapse
