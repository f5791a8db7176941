// network.h - links, the attachments of boxes to them, and the boxes: what a topology becomes.
//
// Owner:    the instance or simulation; shared by all workers.
// Memory:   ordinary, built before the workers start.
// Time:     none.
// Bytes:    addresses in wire order.
// Cost:     none by itself.
// Lifetime: immutable while workers run, but for counters, neighbours and rings; outlives them.
// Spec:     design, "Vocabulary": link, box, path.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "dataplane/box/box.h"
#include "dataplane/counters.h"
#include "dataplane/line_rate.h"
#include "dataplane/net/handoff.h"
#include "dataplane/net/impairments.h"
#include "dataplane/net/neighbours.h"
#include "dataplane/net/port.h"
#include "dataplane/net/queue_plan.h"
#include "dataplane/net/routes.h"
#include "dataplane/wire/ipv4.h"

namespace lapse {

// Whether packets to an interface's own addresses concern the box: a NAT's outside addresses stand for its flows.
enum class OwnAddresses : uint8_t { kAnswerNothing, kTranslated };

// RFC 791: every host takes a packet of this size.
inline constexpr uint16_t kLeastMtu = 576;

// One attachment of one side of a box to a link.
struct Interface {
  BoxId box = kNoBox;
  Side side{};
  LinkId link = kNoLink;
  MacAddress mac;
  std::vector<Ipv4Address> addresses;  // ARP is answered for them; the first is the source of what the hop itself sends
  OwnAddresses own_addresses = OwnAddresses::kAnswerNothing;
  Routes routes;
  uint16_t mtu = kIpv4LongestPacket;          // the largest packet that leaves here
  uint16_t forward_mtu = kIpv4LongestPacket;  // that comes in here and leaves by the box's other side

  bool owns(Ipv4Address address) const {
    for (const Ipv4Address own : addresses) {
      if (own == address) {
        return true;
      }
    }
    return false;
  }
};

// What happened on a link outside of any box, for one worker.
struct alignas(64) LinkCounters {
  Counter received_packets;
  Counter received_bytes;
  Counter sent_packets;
  Counter sent_bytes;
  Counter originated;  // ARP messages, ICMP time exceeded, copies
  Counter held;        // packets that did not cross at once
  Counter released;    // of those, the ones that are across
  DropCounters dropped;
};

struct Link {
  Port* port = nullptr;  // null: the link is internal
  QueuePlan queues;
  std::vector<InterfaceId> interfaces;
  Impairments impairments;
  uint64_t seed = 0;  // of its random streams
};

struct BoxSlot {
  std::unique_ptr<Box> box;
  std::vector<InterfaceId> interface_of_side;
  std::vector<Ipv4Address> own_addresses;  // of the sides that answer nothing
};

class Network {
 public:
  explicit Network(size_t workers) : workers_(workers), handoff_(workers) {}

  LinkId add_link();
  BoxId add_box(std::unique_ptr<Box> box);
  // Sides of a box are added in their order.
  InterfaceId add_interface(Interface interface);
  // Null takes the port away. Ports with fewer queues than workers go to one worker after the other.
  void set_port(LinkId link, Port* port);
  // Before the first path is made.
  void impair(LinkId link, const Impairments& impairments, uint64_t seed);
  bool has_impaired_links() const;
  bool has_links_that_hold_packets() const;

  size_t workers() const { return workers_; }
  const std::vector<Link>& links() const { return links_; }
  const std::vector<BoxSlot>& boxes() const { return boxes_; }
  const std::vector<Interface>& interfaces() const { return interfaces_; }

  const Link& link(LinkId id) const { return links_[index(id)]; }
  const Interface& interface(InterfaceId id) const { return interfaces_[index(id)]; }
  Box& box(BoxId id) const { return *boxes_[index(id)].box; }
  InterfaceId interface_of(BoxId id, Side side) const { return boxes_[index(id)].interface_of_side[index(side)]; }

  // The box side on 'link' with this address, or kNoInterface.
  InterfaceId find_by_mac(LinkId link, const MacAddress& mac) const;
  InterfaceId find_by_address(LinkId link, Ipv4Address address) const;
  // Whether nobody but the box itself can send from this address. Translated ones come and go: the box looks at those.
  bool is_own(BoxId id, Ipv4Address address) const {
    for (const Ipv4Address own : boxes_[index(id)].own_addresses) {
      if (own == address) {
        return true;
      }
    }
    return false;
  }
  // Which of its addresses stand for flows is for the box to say; they come and go.
  bool owns(InterfaceId id, Ipv4Address address) const;

  // What 'from' puts on 'link'; kNoInterface: what comes from outside the process.
  static LineId line(LinkId link, InterfaceId from) {
    return LineId{static_cast<uint8_t>(from == kNoInterface ? kMaxInterfaces + index(link) : index(from))};
  }
  LineRate& line_rate(LineId line) { return line_rates_[index(line)]; }

  Neighbours& neighbours() { return neighbours_; }
  Handoff& handoff() { return handoff_; }

  BoxCounters& box_counters(BoxId id, WorkerId worker) { return *box_counters_[index(id)][index(worker)]; }
  LinkCounters& link_counters(LinkId id, WorkerId worker) { return *link_counters_[index(id)][index(worker)]; }
  // Packets that wait for a next hop's address.
  Counter& waiting(WorkerId worker) { return waiting_in_[index(worker)]; }
  Counter& waited(WorkerId worker) { return waiting_out_[index(worker)]; }

  // Sums over workers. Exact while no burst is under way.
  Conservation box_conservation(BoxId id) const;
  Conservation process_conservation() const;
  uint64_t waiting_packets() const;
  uint64_t packets_on(LinkId link) const;  // held by its impairments

 private:
  size_t workers_;
  std::vector<Link> links_;
  std::vector<BoxSlot> boxes_;
  std::vector<Interface> interfaces_;
  size_t next_poller_ = 0;
  Neighbours neighbours_;
  Handoff handoff_;
  std::vector<std::vector<std::unique_ptr<BoxCounters>>> box_counters_;
  std::vector<std::vector<std::unique_ptr<LinkCounters>>> link_counters_;
  std::array<LineRate, kMaxLines> line_rates_;
  std::array<Counter, kMaxWorkers> waiting_in_;
  std::array<Counter, kMaxWorkers> waiting_out_;
};

}  // namespace lapse
