// path.h - a packet's way between receive and transmit: from link to box to link, by a work list, never recursion.
//
// Owner:    one worker (or the simulator); not shared.
// Memory:   fixed after the constructor.
// Time:     callers pass 'now'.
// Bytes:    whole frames.
// Cost:     a packet: one look for its interface, the box, one route, one neighbour.
// Lifetime: outlived by the network.
// Spec:     design, "The packet's way"; RFC 826, RFC 1812 sections 5.2 and 5.3.1.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/net/network.h"
#include "dataplane/output.h"

namespace lapse {

// Whether every packet on every link becomes an event: what the ladder is drawn from.
enum class Trace : uint8_t { kOff, kPackets };

class Path {
 public:
  static constexpr uint8_t kMaxHops = 32;
  static constexpr size_t kWaitingCapacity = 64;
  static constexpr size_t kWaitingPerNeighbour = 8;
  static constexpr Duration kWaitFor = std::chrono::seconds(3);

  // 'events' may be null. 'pool' supplies what boxes and links originate.
  Path(WorkerId worker, Network& network, PacketPool& pool, EventRing* events, Trace trace);
  ~Path();

  // Frames that came in from outside the process, not parsed yet.
  void receive(LinkId link, std::span<Packet* const> frames, const Now& now);

  // Serves the work list until it is empty, then hands everything for the ports to them.
  void run(const Now& now);

  // Housekeeping of the boxes, and packets that wait for a next hop.
  void advance(const Now& now, size_t budget);

  // How long a worker may sleep: virtual time of the boxes' next deadline, real time of the next retry.
  std::optional<Instant> next_deadline(const Now& now) const;
  std::optional<Instant> next_retry(const Now& now) const;

  // Gives every held packet back; for the end.
  void drop_held();

 private:
  // Packets that wait to enter one box side.
  struct Pending {
    static constexpr size_t kCapacity = 8 * Output::kCapacity;
    BoxCounters* counters = nullptr;  // of the box, for this worker
    std::array<Packet*, kCapacity> packets;
    size_t first = 0;
    size_t count = 0;
  };
  // Where the packet before this one went: the next hop of most packets of a burst. Good for one call of a box.
  struct Hop {
    InterfaceId from = kNoInterface;
    Ipv4Address address;
    MacAddress mac;
  };
  // Whom the frame before this one was addressed to. The network does not change under it.
  struct Station {
    LinkId link = kNoLink;
    MacAddress mac;
    InterfaceId interface = kNoInterface;
  };
  struct Waiting {
    Packet* packet;
    InterfaceId from;
    Ipv4Address next_hop;
    Instant deadline;  // real
  };
  struct TransmitBuffer {
    std::array<Packet*, kBurst> packets;
    size_t count = 0;
  };

  InterfaceId station(LinkId link, const MacAddress& mac);
  void handle_arp(LinkId link, Packet* packet, const Now& now);
  void enter(InterfaceId to, Packet* packet, const Now& now);
  void answer_expired_ttl(const Interface& interface, Packet* packet, const Now& now);
  void serve(InterfaceId interface, const Now& now);
  void collect(BoxId box, const Now& now);
  void leave(InterfaceId from, Packet* packet, const Now& now);
  void send_to(InterfaceId from, Packet* packet, const MacAddress& next_hop, const Now& now);
  void wait(InterfaceId from, Packet* packet, Ipv4Address next_hop, const Now& now);
  void retry_waiting(const Now& now);
  void ask(InterfaceId from, Ipv4Address address, const Now& now);
  void carry(Packet* packet, LinkId link, const Now& now);
  void flush(LinkId link);
  void drop(LinkId link, Packet* packet, DropReason reason);
  void trace_crossing(const Packet& packet, LinkId link, InterfaceId to, const Now& now);

  const Now* trace_at(const Now& now) const { return trace_ == Trace::kPackets ? &now : nullptr; }
  LinkCounters& counters(LinkId link) { return network_->link_counters(link, worker_); }

  WorkerId worker_;
  Network* network_;
  PacketPool* pool_;
  EventRing* events_;
  Trace trace_;
  Output output_;
  std::vector<std::unique_ptr<Pending>> pending_;  // by InterfaceId
  std::vector<TransmitBuffer> transmit_;           // by LinkId
  Hop last_hop_;
  Station last_station_;
  std::array<Waiting, kWaitingCapacity> waiting_;
  size_t waiting_count_ = 0;
  size_t work_ = 0;  // packets in all of pending_
};

}  // namespace lapse
