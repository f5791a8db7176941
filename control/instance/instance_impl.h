// instance_impl.h - what an instance is made of, for the files that implement it.
//
// Owner:    Instance.
// Memory:   ordinary; the data plane's share is allocated in Instance::start().
// Time:     now() and scale() are for control threads; workers read the clock themselves, inside a burst.
// Bytes:    none.
// Cost:     see instance.h.
// Lifetime: members are destroyed after Instance::stop().
// Spec:     design, "Control".
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "control/instance/event_hub.h"
#include "control/instance/instance.h"
#include "control/instance/monitor.h"
#include "control/metrics/peaks.h"
#include "control/network/addresses.h"
#include "dataplane/clock.h"
#include "dataplane/io/dpdk_port.h"
#include "dataplane/net/network.h"
#include "dataplane/quiescence.h"

namespace lapse {

struct Instance::Impl {
  topology::Topology topology;
  topology::Directory directory;
  InstanceOptions options;
  Quiescence quiescence;
  std::unique_ptr<io::DpdkPacketPool> pool;
  std::map<LinkId, std::unique_ptr<io::DpdkPort>> ports;
  std::unique_ptr<Network> network;
  std::unique_ptr<TscClock> clock;
  std::vector<std::unique_ptr<EventRing>> rings;
  std::vector<std::unique_ptr<FrameRing>> frame_rings;  // by worker; none when no frames are kept
  std::unique_ptr<EventRing> monitor_ring;              // what the monitor has to tell
  std::unique_ptr<EventHub> hub;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  std::unique_ptr<Monitor> monitor;
  std::mutex peaks_mutex;
  std::unique_ptr<metrics::Peaks> peaks;
  mutable std::mutex reader_mutex;        // of the slot that control reads flows with
  std::mutex clock_mutex;                 // one move at a time
  std::mutex addresses_mutex;             // one change at a time
  mutable std::mutex clock_reader_mutex;  // while it is held no mapping of the clock is freed
  bool eal_started = false;

  Now now() const;
  AddressesOf addresses_of() const { return {*network, topology, directory}; }
  double scale() const;
  io::PortWish wish_for(const std::string& link) const;
  absl::Status open_ports();
  absl::Status run_workers();
  void start_monitor();
  absl::Status start_workers();
  // Until now; returns the real time until the window under way ends.
  Duration read_rates();
  void jump(Duration duration);
  void move_clock(Duration duration);
  void wait_until_caught_up();
  void after_clock_change();
  // A slice at a time, so that no worker's memory is held up for long. The caller has the readers' lock.
  template <typename Visit>
  void visit_flows(const FlowTable& table, Visit&& visit);
  void read_flows(BoxId box, const FlowTable& table, bool with_dead, std::vector<FlowView>& views);
  BoxStatus box_status(BoxId box);
  metrics::Totals totals_of(BoxId box);
  LinkStatus link_status(LinkId link) const;
  WorkerStatus worker_status(size_t worker) const;
};

template <typename Visit>
void Instance::Impl::visit_flows(const FlowTable& table, Visit&& visit) {
  constexpr uint32_t kFlowsPerSlice = 4096;
  constexpr Quiescence::Slot kReaderSlot{kMaxWorkers};
  for (uint32_t first = 0; first < table.record_count(); first += kFlowsPerSlice) {
    quiescence.online(kReaderSlot);
    const uint32_t end = std::min(table.record_count(), first + kFlowsPerSlice);
    for (uint32_t id = first; id < end; ++id) {
      if (const auto flow = table.snapshot(FlowId{id})) {
        visit(*flow);
      }
    }
    quiescence.offline(kReaderSlot);
  }
}

}  // namespace lapse
