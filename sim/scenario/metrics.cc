#include "sim/scenario/metrics.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "dataplane/box/nat_gateway.h"
#include "dataplane/wire/ethernet.h"

namespace lapse::sim {
namespace {

bool is_tcp(const FiveTuple& tuple) {
  return tuple.protocol == static_cast<uint8_t>(Protocol::kTcp);
}

// One box's counters, and what else a metric may need.
struct Reading {
  Network& network;
  BoxId box;
  std::span<const Event> events;
  Instant now;

  template <typename Pick>
  uint64_t sum(Pick pick) const {
    uint64_t total = 0;
    for (size_t worker = 0; worker < network.workers(); ++worker) {
      total += pick(network.box_counters(box, WorkerId{static_cast<uint8_t>(worker)}));
    }
    return total;
  }
  uint64_t events_of(EventKind kind) const {
    return sum([kind](const BoxCounters& counters) { return counters.events[static_cast<size_t>(kind)].get(); });
  }
  uint64_t dropped(DropReason reason) const {
    return sum([reason](const BoxCounters& counters) { return counters.dropped[static_cast<size_t>(reason)].get(); });
  }
  uint64_t received(Side side) const {
    return sum([side](const BoxCounters& counters) { return counters.received_packets[index(side)].get(); });
  }
  uint64_t sent(Side side) const {
    return sum([side](const BoxCounters& counters) { return counters.sent_packets[index(side)].get(); });
  }
  uint64_t received_bytes(Side side) const {
    return sum([side](const BoxCounters& counters) { return counters.received_bytes[index(side)].get(); }) -
           received(side) * sizeof(EthernetHeader);
  }
  uint64_t sent_bytes(Side side) const {
    return sum([side](const BoxCounters& counters) { return counters.sent_bytes[index(side)].get(); }) -
           sent(side) * sizeof(EthernetHeader);
  }
  template <typename Fits>
  uint64_t living(Fits fits) const {
    const FlowTable* const table = network.box(box).flows();
    uint64_t count = 0;
    for (uint32_t record = 0; table != nullptr && record < table->record_count(); ++record) {
      const auto flow = table->snapshot(FlowId{record});
      if (flow && to_tick(now) - flow->last_seen < table->timeouts().dead_after(flow->control.timeout_class) &&
          fits(*flow)) {
        ++count;
      }
    }
    return count;
  }
  template <typename Fits>
  uint64_t happened(EventKind kind, Fits fits) const {
    return static_cast<uint64_t>(std::count_if(events.begin(), events.end(), [&](const Event& event) {
      return event.kind == kind && event.box == box && fits(event);
    }));
  }
  uint64_t attempts() const {
    return happened(EventKind::kFlowNew, [](const Event& event) { return is_tcp(event.tuple); });
  }
  // What both ends have closed is kept for a while and expires, too: that is no idle timeout.
  uint64_t idle_timeouts() const {
    return happened(EventKind::kFlowExpired, [](const Event& event) {
      return event.timeout_class != static_cast<uint8_t>(TimeoutClass::kTcpClosed);
    });
  }
  // A packet that is answered has not been lost.
  uint64_t dropped_packets() const {
    uint64_t total = 0;
    for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
      const auto one = static_cast<DropReason>(reason);
      total += one == DropReason::kAnswered || one == DropReason::kConsumed ? 0 : dropped(one);
    }
    return total;
  }
};

struct Metric {
  std::string_view name;
  uint64_t (*value)(const Reading& reading);
};

constexpr std::array<Metric, 14> kNatGatewayMetrics{{
    {"ActiveConnectionCount",
     [](const Reading& r) { return r.living([](const FlowSnapshot& flow) { return is_tcp(flow.original); }); }},
    {"BytesInFromDestination", [](const Reading& r) { return r.received_bytes(NatGateway::kOutside); }},
    {"BytesInFromSource", [](const Reading& r) { return r.received_bytes(NatGateway::kInside); }},
    {"BytesOutToDestination", [](const Reading& r) { return r.sent_bytes(NatGateway::kOutside); }},
    {"BytesOutToSource", [](const Reading& r) { return r.sent_bytes(NatGateway::kInside); }},
    {"ConnectionAttemptCount", [](const Reading& r) { return r.attempts(); }},
    {"ConnectionEstablishedCount", [](const Reading& r) { return r.events_of(EventKind::kFlowEstablished); }},
    {"ErrorPortAllocation", [](const Reading& r) { return r.dropped(DropReason::kPortsExhausted); }},
    {"IdleTimeoutCount", [](const Reading& r) { return r.idle_timeouts(); }},
    {"PacketsDropCount", [](const Reading& r) { return r.dropped_packets(); }},
    {"PacketsInFromDestination", [](const Reading& r) { return r.received(NatGateway::kOutside); }},
    {"PacketsInFromSource", [](const Reading& r) { return r.received(NatGateway::kInside); }},
    {"PacketsOutToDestination", [](const Reading& r) { return r.sent(NatGateway::kOutside); }},
    {"PacketsOutToSource", [](const Reading& r) { return r.sent(NatGateway::kInside); }},
}};

}  // namespace

std::span<const std::string_view> nat_gateway_metrics() {
  static constexpr auto kNames = [] {
    std::array<std::string_view, kNatGatewayMetrics.size()> names;
    for (size_t i = 0; i < names.size(); ++i) {
      names[i] = kNatGatewayMetrics[i].name;
    }
    return names;
  }();
  return kNames;
}

uint64_t nat_gateway_metric(Network& network, BoxId box, std::string_view metric, std::span<const Event> events,
                            Instant now) {
  const auto found = std::find_if(kNatGatewayMetrics.begin(), kNatGatewayMetrics.end(),
                                  [metric](const Metric& one) { return one.name == metric; });
  assert(found != kNatGatewayMetrics.end());
  return found->value({network, box, events, now});
}

uint64_t living_flows(Network& network, BoxId box, Instant now) {
  return Reading{network, box, {}, now}.living([](const FlowSnapshot&) { return true; });
}

}  // namespace lapse::sim
