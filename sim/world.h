// world.h - a topology in virtual time: its boxes on a path as in a worker, its hosts simulated.
//
// Owner:    one simulation; used by one thread. Any number of them may live in one process.
// Memory:   the boxes' tables, the hosts' sockets, a bounded pool of packets.
// Time:     the engine's.
// Bytes:    whole frames between hosts and boxes.
// Cost:     none by itself.
// Lifetime: outlived by the topology.
// Spec:     design, "One data plane, three ways to drive it".
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "control/metrics/peaks.h"
#include "control/topology/directory.h"
#include "control/topology/topology.h"
#include "dataplane/frame_ring.h"
#include "dataplane/net/memory_port.h"
#include "dataplane/net/network.h"
#include "dataplane/net/path.h"
#include "dataplane/packet_pool.h"
#include "dataplane/quiescence.h"
#include "sim/engine.h"
#include "sim/host.h"

namespace lapse::sim {

class World final : private Wire {
 public:
  using EventSink = std::function<void(const Event&)>;
  using FrameSink = std::function<void(const CapturedFrame&)>;
  struct Options {
    uint64_t seed = 1;
    Trace trace = Trace::kPackets;
    size_t packets = 2048;  // in flight at any moment
    FrameSink frames;       // gets what crosses links on its way to or from a box; none: nothing is kept
  };

  World(const topology::Topology& topology, const Options& options, EventSink sink);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Engine& engine() { return engine_; }
  const topology::Directory& directory() const { return directory_; }
  Network& network() { return *network_; }
  Host* host(std::string_view name) const;

  // Everything that happens until 'end', which is then the time; false when that is more than 'most' happenings in all.
  bool run_until(Instant end, uint64_t most = UINT64_MAX);
  // Carries what hosts have sent since, as after every timer: for steps that a caller takes itself.
  void settle();
  // What a box has counted, all of it, until now.
  metrics::Totals totals(BoxId box);
  // Timers that fired, and frames that reached a host.
  uint64_t happenings() const { return engine_.events() + delivered_; }

 private:
  Packet* allocate() override { return pool_.allocate(); }
  void transmit(LinkId link, Packet* packet) override;
  std::optional<MacAddress> station(LinkId link, Ipv4Address address) const override;

  void add_host(const topology::Host& host, size_t number);
  bool carry_once(const Now& now);
  void deliver(LinkId link, Packet* packet);
  Host* listener(LinkId link, const Packet& packet);
  void pass_events_on();
  void arm_housekeeping(const Now& now);
  void observe_rates();
  bool exhausted() const { return happenings() > most_; }

  EventSink sink_;
  FrameSink frame_sink_;
  Engine engine_;
  topology::Directory directory_;
  Quiescence quiescence_;
  MemoryPacketPool pool_;
  EventRing events_;
  std::array<Event, 64> batch_;        // here and not on the stack, where it would be cleared each time
  std::unique_ptr<FrameRing> frames_;  // null: not wanted
  std::unique_ptr<Network> network_;
  metrics::Peaks peaks_;
  std::vector<std::unique_ptr<MemoryPort>> ports_;  // by LinkId
  std::unique_ptr<Path> path_;
  std::vector<std::unique_ptr<Host>> hosts_;
  struct Frame {
    LinkId link;
    Packet* packet;
  };
  std::deque<Frame> between_hosts_;
  std::unique_ptr<Timer> housekeeping_;
  uint64_t delivered_ = 0;
  uint64_t most_ = UINT64_MAX;
};

// What a host's sysctls say of its connections.
TcpSettings tcp_settings(const std::map<std::string, std::string>& sysctls);

}  // namespace lapse::sim
