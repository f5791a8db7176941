// link_stage.h - impaired links, for one worker: what becomes of each packet on them, and the packets under way.
//
// Owner:    one worker's path. The rate of a line is shared by all workers; everything else is this one's.
// Memory:   fixed after the constructor: room for 'capacity' packets under way on all links together.
// Time:     callers pass virtual 'now'; a jump of the clock makes everything due that it jumps over.
// Bytes:    none.
// Cost:     a packet: a random number for each impairment that the link has; held: O(log n) in and out.
// Lifetime: outlived by the network.
// Spec:     design, "The packet's way": a link is one function; tc-netem(8) for what each impairment means.
//
// A line is one direction of a link: what one box side puts on it, or what all hosts do. Each line of each worker has a
// random stream of its own, from the link's seed. A line keeps the order of its packets whatever their jitter: one that
// would arrive before its predecessor arrives with it; only those that `reorder` chooses overtake.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/drop_reason.h"
#include "dataplane/net/network.h"
#include "dataplane/packet.h"

namespace lapse {

class LinkStage {
 public:
  static constexpr size_t kCapacity = 8192;

  LinkStage(WorkerId worker, Network& network, size_t capacity = kCapacity);

  bool impairs(LinkId link) const { return impaired_[index(link)]; }

  // The questions that a packet on an impaired link is asked, in this order. Its link and who sent it are in the packet.
  // Why the link does not take it, if so.
  std::optional<DropReason> loses(const Packet& packet);
  // Whether it shall be there twice: the copy is only held, not asked again.
  bool duplicates(const Packet& packet);

  enum class Fate : uint8_t { kArrives, kHeld, kDropped };
  struct Verdict {
    Fate fate = Fate::kArrives;
    DropReason reason{};  // kDropped
  };
  // Sends it on its way to 'to'. A held packet belongs to the stage until it is due.
  Verdict send(Packet* packet, InterfaceId to, Instant now);

  struct Arrival {
    Packet* packet;
    InterfaceId to;
  };
  // The next packet that is there by 'now'. Equal times come in the order of sending.
  std::optional<Arrival> take_due(Instant now);
  std::optional<Instant> next_arrival() const;
  size_t held() const { return held_.size(); }

 private:
  struct Line {
    Random random{0};
    Instant last;       // arrival of the packet that keeps its place in the line
    uint32_t held = 0;  // packets under way
    Duration longest_wait{};
  };
  struct Held {
    Instant arrival;
    uint64_t order;
    Packet* packet;
    InterfaceId to;

    // For a heap that has the first on top.
    bool operator<(const Held& other) const {
      return arrival != other.arrival ? arrival > other.arrival : order > other.order;
    }
  };

  Line& line_of(const Packet& packet) { return lines_[index(Network::line(packet.link, packet.from_interface))]; }

  Network* network_;
  size_t capacity_;
  std::array<bool, kMaxLinks> impaired_{};
  std::vector<Line> lines_;  // by LineId
  std::vector<Held> held_;   // a heap
  uint64_t next_order_ = 0;
};

}  // namespace lapse
