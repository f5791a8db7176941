// path.h - a packet's way between receive and transmit: from link to box to link, by a work list, never recursion.
//
// Owner:    one worker (or the simulator); not shared. Packets go to other workers by the network's rings.
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

#include "dataplane/net/link_stage.h"
#include "dataplane/net/network.h"
#include "dataplane/output.h"

namespace lapse {

// Whether every packet on every link becomes an event: what the ladder is drawn from.
enum class Trace : uint8_t { kOff, kPackets };

class Path {
 public:
  static constexpr uint8_t kMaxHops = 32;
  static constexpr size_t kMuchWork = 4 * Output::kCapacity;  // is served before more is taken in
  static constexpr size_t kMostFragments = 128;               // of the longest packet on the smallest MTU
  static constexpr size_t kMostArrivals = kMuchWork;          // of packets that links have held, in one run()
  static constexpr size_t kWaitingCapacity = 128;
  static constexpr size_t kWaitingPerNeighbour = 64;  // the fragments of the longest datagram, and some more
  static constexpr Duration kWaitFor = std::chrono::seconds(3);

  // 'events' may be null. 'pool' supplies what boxes and links originate.
  Path(WorkerId worker, Network& network, PacketPool& pool, EventRing* events, Trace trace);
  ~Path();

  // Frames that came in from outside the process, not parsed yet. Those of a port with fewer queues than workers, and
  // fragments, may be another worker's.
  void receive(LinkId link, std::span<Packet* const> frames, const Now& now);

  // Takes what other workers handed over, a burst of each at most, and goes on with it in the next receive_handed(): in
  // two steps, so that the time is read in between. Returns the number of packets.
  size_t take_handed();
  void receive_handed(const Now& now);

  // Takes what links have held until now, serves the work list until it is empty, then hands everything for the ports
  // and for other workers to them.
  void run(const Now& now);

  // Housekeeping of the boxes, and packets that wait for a next hop; then as run().
  void advance(const Now& now, size_t budget);

  // How long a worker may sleep: virtual time of the boxes' next deadline or the next arrival from a link, real time of
  // the next retry.
  std::optional<Instant> next_deadline(const Now& now) const;
  std::optional<Instant> next_retry(const Now& now) const;
  // Whether others have left something for this worker since it looked: asked between falling asleep and sleeping.
  bool has_news() const;

  // Gives every held packet back, those in the rings to this worker included; for the end.
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

  void hand_over(WorkerId to, LinkId link, Packet* packet);
  void go_on_with(Packet* packet, const Now& now);
  WorkerId worker_for(const Packet& packet, bool distribute) const;
  InterfaceId station(LinkId link, const MacAddress& mac);
  void handle_arp(LinkId link, Packet* packet, const Now& now);
  void impair(InterfaceId to, Packet* packet, const Now& now);
  void send_along(InterfaceId to, Packet* packet, const Now& now);
  Packet* copy_of(const Packet& packet);
  void arrive(InterfaceId to, Packet* packet, const Now& now);
  void take_arrivals(const Now& now);
  void enter(InterfaceId to, Packet* packet, const Now& now);
  void answer(InterfaceId to, Packet* packet, DropReason reason, const Now& now);
  void serve_all(const Now& now);
  void serve(InterfaceId interface, const Now& now);
  void collect(BoxId box, const Now& now);
  void leave(InterfaceId from, Packet* packet, const Now& now);
  void leave_in_fragments(InterfaceId from, Packet* packet, const Now& now);
  void route(InterfaceId from, Packet* packet, const Now& now);
  void send_to(InterfaceId from, Packet* packet, const MacAddress& next_hop, const Now& now);
  void wait(InterfaceId from, Packet* packet, Ipv4Address next_hop, const Now& now);
  void retry_waiting(const Now& now);
  void ask(InterfaceId from, Ipv4Address address, const Now& now);
  void carry(Packet* packet, LinkId link, const Now& now);
  void put_on_wire(LinkId link, Packet* packet);
  void flush(LinkId link);
  void drop(LinkId link, Packet* packet, DropReason reason);
  void drop_on_link(InterfaceId to, Packet* packet, DropReason reason, const Now& now);
  void drop_on_leaving(InterfaceId from, Packet* packet, DropReason reason, const Now& now);
  void drop_on_entering(InterfaceId to, Packet* packet, DropReason reason, const Now& now);
  void trace(EventKind kind, const Packet& packet, InterfaceId to, const Now& now, DropReason reason, BoxId box);

  const Now* trace_at(const Now& now) const { return trace_ == Trace::kPackets ? &now : nullptr; }
  LinkCounters& counters(LinkId link) { return network_->link_counters(link, worker_); }

  WorkerId worker_;
  Network* network_;
  PacketPool* pool_;
  EventRing* events_;
  Trace trace_;
  Output output_;
  std::unique_ptr<LinkStage> stage_;               // null: no link is impaired
  std::vector<std::unique_ptr<Pending>> pending_;  // by InterfaceId
  std::vector<TransmitBuffer> transmit_;           // by LinkId
  std::vector<Packet*> handed_;                    // between take_handed() and receive_handed()
  Hop last_hop_;
  Station last_station_;
  std::array<Waiting, kWaitingCapacity> waiting_;
  size_t waiting_count_ = 0;
  uint32_t lessons_seen_ = 0;  // of the neighbours, before the last look at them for all of waiting_
  size_t work_ = 0;            // packets in all of pending_
};

}  // namespace lapse
