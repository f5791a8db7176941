// instance.h - a running data plane as control sees it: one topology, its boxes, workers, clock and events.
//
// Owner:    `lab` and `run`; the API serves it. Every function may be called from any control thread.
// Memory:   ordinary; the data plane's share is allocated in start().
// Time:     virtual time is the instance's TscClock.
// Bytes:    none.
// Cost:     flows() copies; it holds up no worker.
// Lifetime: stop() (or the destructor) ends the workers first.
// Spec:     design, "Time" and "Control".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/topology/directory.h"
#include "control/topology/topology.h"
#include "dataplane/counters.h"
#include "dataplane/event.h"
#include "dataplane/flow/flow.h"
#include "dataplane/frame_ring.h"
#include "dataplane/io/dpdk_port.h"
#include "dataplane/io/eal.h"
#include "dataplane/time.h"
#include "dataplane/worker.h"

namespace lapse {

struct InstanceOptions {
  double scale = 1.0;
  size_t workers = 1;
  std::vector<int> cores;  // one for each worker, its own; empty: wherever the kernel puts them
  Polling polling = Polling::kAdaptive;
  bool trace_packets = true;                 // kPacket events: what the ladder is drawn from
  bool keep_frames = false;                  // and the frames themselves, for a capture
  bool verbose = false;                      // let DPDK's log lines through
  std::string runtime_directory = "/tmp";    // exists; for what the data plane leaves on disk while it runs
  std::map<std::string, std::string> ports;  // link -> EAL device, e.g. "net_tap0,iface=lapse-private"
  // link -> what is wanted of a device that is not ours: whether its link is up is watched. 'workers' is filled in.
  std::map<std::string, io::PortWish> wishes;
  io::EalMemory memory = io::EalMemory::kOrdinary;
  size_t memory_mebibytes = 256;
  // What whoever runs the instance should know while it runs, a sentence; called on a thread of its own.
  std::function<void(const std::string&)> say;
};

struct FlowView {
  BoxId box = kNoBox;
  FlowSnapshot flow;
  Duration idle{};
  Duration timeout{};
  Duration left{};  // until the box forgets it; zero or less: it has, and the next packet will find out
};

struct BoxStatus {
  BoxId box = kNoBox;
  uint32_t flows = 0;  // records in use: those of flows that are over and not noticed yet are among them
  uint32_t capacity = 0;
  size_t memory_bytes = 0;
  Conservation conservation;
  std::map<std::string, uint64_t> received, sent;  // packets by side
  std::map<DropReason, uint64_t> dropped;          // only those that are not zero
  std::map<EventKind, uint64_t> events;            // only those that are not zero
  std::array<Duration, kTimeoutClassCount> timeouts{};
  std::array<uint64_t, kTimeoutClassCount> living{};  // flows that are alive, by what they would be over by
  std::map<std::string, uint64_t> metrics;            // by the provider's names
};

// A device as it was configured, and as it is now.
struct PortStatus {
  std::string driver;
  io::DevicePlan plan;
  io::LinkState state;
};

struct LinkStatus {
  LinkId link = kNoLink;
  std::string device;  // empty: internal
  uint64_t received_packets = 0, received_bytes = 0, sent_packets = 0, sent_bytes = 0;
  std::map<DropReason, uint64_t> dropped;
  std::optional<PortStatus> port;  // not of an internal one
  Impairments impairments;
  uint64_t seed = 0;  // what the impairments' chance comes from
  uint64_t held = 0;  // packets under way
};

struct WorkerStatus {
  uint64_t polls = 0, bursts = 0, sleeps = 0;
  uint64_t packets = 0;      // that it received from ports
  uint64_t handed = 0;       // that other workers received and handed over
  uint64_t busy_cycles = 0;  // of the time stamp counter, in passes that found packets
  uint64_t events_lost = 0;
  std::optional<int> core;  // that it is bound to
  bool asleep = false;
  std::optional<Duration> stalled_for;     // it neither polls nor sleeps
  std::map<DropReason, uint64_t> dropped;  // by boxes and links, on this worker; only those that are not zero
};

struct InstanceStatus {
  Now now;
  double scale = 1.0;
  std::vector<BoxStatus> boxes;
  std::vector<LinkStatus> links;
  std::vector<WorkerStatus> workers;
  Conservation process;  // over all ports
};

// The result of moving the clock.
struct ClockMove {
  Now now;  // after the move
  Duration moved{};
  std::optional<FlowView> stopped_by;  // the flow whose cadence (or, for next, whose expiry) ended the move early
};

// What the API serves: a running data plane, or a test's stand-in for one.
class InstanceView {
 public:
  virtual ~InstanceView() = default;

  virtual const topology::Topology& topology() const = 0;
  virtual const topology::Directory& directory() const = 0;
  virtual InstanceStatus status() const = 0;

  // Living flows; those that are over and not noticed yet are left out unless 'with_dead'.
  virtual std::vector<FlowView> flows(bool with_dead = false) const = 0;

  // Called on the drain thread for every event, a cause before its effect, until the returned handle is destroyed.
  using EventHandler = std::function<void(const Event&)>;
  class Subscription {
   public:
    virtual ~Subscription() = default;
  };
  [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(EventHandler handler) = 0;
  // Hands over the frames that workers have kept since the last call: nothing unless the instance keeps them. One
  // thread at a time.
  using FrameHandler = std::function<void(const CapturedFrame&)>;
  virtual void take_frames(const FrameHandler& handler) = 0;
  // Returns when everything that workers had recorded before the call has been handed to the subscribers.
  virtual void flush_events() = 0;

  // ---- the clock ----
  virtual Now now() const = 0;
  virtual double scale() const = 0;
  // Stops just before the expiry of a flow that was refreshed at a cadence below its timeout, unless 'force'.
  virtual absl::StatusOr<ClockMove> advance(Duration duration, bool force) = 0;
  // Goes to the next expiry and stops there; kNotFound without any flow.
  virtual absl::StatusOr<ClockMove> advance_to_next_expiry() = 0;
  virtual absl::Status set_scale(double scale) = 0;

  // ---- the addresses of a NAT gateway: see control/network/addresses.h ----
  virtual absl::StatusOr<std::vector<NatAddresses::Entry>> addresses(std::string_view box) const = 0;
  virtual absl::Status associate_address(std::string_view box, Ipv4Address address) = 0;
  virtual absl::Status disassociate_address(std::string_view box, Ipv4Address address,
                                            std::optional<Duration> drain) = 0;
};

class Instance final : public InstanceView {
 public:
  // Fails with a message that names the remedy. Nothing is left behind then.
  static absl::StatusOr<std::unique_ptr<Instance>> start(const topology::Topology& topology,
                                                         const InstanceOptions& options);
  ~Instance() override;

  // Ends the workers, which drop what they hold: the counters stay, and are final.
  void stop_workers();
  void stop();

  const topology::Topology& topology() const override;
  const topology::Directory& directory() const override;
  InstanceStatus status() const override;
  std::vector<FlowView> flows(bool with_dead = false) const override;
  [[nodiscard]] std::unique_ptr<Subscription> subscribe(EventHandler handler) override;
  void take_frames(const FrameHandler& handler) override;
  void flush_events() override;
  Now now() const override;
  double scale() const override;
  absl::StatusOr<ClockMove> advance(Duration duration, bool force) override;
  absl::StatusOr<ClockMove> advance_to_next_expiry() override;
  absl::Status set_scale(double scale) override;
  absl::StatusOr<std::vector<NatAddresses::Entry>> addresses(std::string_view box) const override;
  absl::Status associate_address(std::string_view box, Ipv4Address address) override;
  absl::Status disassociate_address(std::string_view box, Ipv4Address address, std::optional<Duration> drain) override;

 private:
  struct Impl;
  explicit Instance(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lapse
