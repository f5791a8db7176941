#include "control/metrics/metrics.h"

#include <algorithm>

#include "dataplane/box/nat_gateway.h"
#include "dataplane/wire/ethernet.h"

namespace lapse::metrics {
namespace {

constexpr std::string_view kNatGateway = "nat-gateway";
constexpr std::string_view kCount = "Count";
constexpr std::string_view kBytes = "Bytes";
constexpr std::string_view kSource = "aws-behaviour 9.1";

constexpr size_t kClients = index(NatGateway::kInside);
constexpr size_t kDestinations = index(NatGateway::kOutside);

uint64_t ip_bytes(uint64_t frame_bytes, uint64_t frames) {
  return frame_bytes - frames * sizeof(EthernetHeader);
}

// A connection is active from the end of its handshake until both ends have closed it.
uint64_t active(const std::array<uint64_t, kTimeoutClassCount>& by_class) {
  return by_class[static_cast<size_t>(TimeoutClass::kTcpEstablished)] +
         by_class[static_cast<size_t>(TimeoutClass::kTcpClosing)];
}

// What was answered or meant for the gateway itself was not lost.
uint64_t lost(const Totals& totals) {
  uint64_t sum = 0;
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    const auto why = static_cast<DropReason>(reason);
    sum += why == DropReason::kAnswered || why == DropReason::kConsumed ? 0 : totals.dropped[reason];
  }
  return sum;
}

constexpr uint64_t event(const Totals& totals, EventKind kind) {
  return totals.events[static_cast<size_t>(kind)];
}

constexpr std::array<Metric, 14> kNatGatewayMetrics{{
    {"ActiveConnectionCount", kCount, true, "TCP connections that are established and not closed by both ends", kSource,
     [](const Totals& totals) { return active(totals.living); }},
    {"BytesInFromDestination", kBytes, false, "received from destinations", kSource,
     [](const Totals& totals) {
       return ip_bytes(totals.received_bytes[kDestinations], totals.received_packets[kDestinations]);
     }},
    {"BytesInFromSource", kBytes, false, "received from clients", kSource,
     [](const Totals& totals) { return ip_bytes(totals.received_bytes[kClients], totals.received_packets[kClients]); }},
    {"BytesOutToDestination", kBytes, false, "sent to destinations", kSource,
     [](const Totals& totals) {
       return ip_bytes(totals.sent_bytes[kDestinations], totals.sent_packets[kDestinations]);
     }},
    {"BytesOutToSource", kBytes, false, "sent to clients", kSource,
     [](const Totals& totals) { return ip_bytes(totals.sent_bytes[kClients], totals.sent_packets[kClients]); }},
    {"ConnectionAttemptCount", kCount, false, "connections opened by a SYN, each once however often it is sent (C-16)",
     kSource, [](const Totals& totals) { return totals.tcp_flows_opened; }},
    {"ConnectionEstablishedCount", kCount, false, "connections that a SYN+ACK answered (C-16)", kSource,
     [](const Totals& totals) { return event(totals, EventKind::kFlowEstablished); }},
    {"ErrorPortAllocation", kCount, false, "packets for which there was no source port", kSource,
     [](const Totals& totals) { return totals.dropped[static_cast<size_t>(DropReason::kPortsExhausted)]; }},
    {"IdleTimeoutCount", kCount, false,
     "active connections that became idle, counted when they do and not when somebody speaks (C-17)", kSource,
     [](const Totals& totals) { return active(totals.expired); }},
    {"PacketsDropCount", kCount, false, "packets dropped and not answered", kSource, lost},
    {"PacketsInFromDestination", kCount, false, "received from destinations", kSource,
     [](const Totals& totals) { return totals.received_packets[kDestinations]; }},
    {"PacketsInFromSource", kCount, false, "received from clients", kSource,
     [](const Totals& totals) { return totals.received_packets[kClients]; }},
    {"PacketsOutToDestination", kCount, false, "sent to destinations", kSource,
     [](const Totals& totals) { return totals.sent_packets[kDestinations]; }},
    {"PacketsOutToSource", kCount, false, "sent to clients, resets of the gateway's own among them", kSource,
     [](const Totals& totals) { return totals.sent_packets[kClients]; }},
}};

constexpr std::array<std::string_view, 2> kPeaks{"PeakBytesPerSecond", "PeakPacketsPerSecond"};

template <size_t N>
void add(const std::array<Counter, N>& counters, std::array<uint64_t, N>& sums) {
  for (size_t i = 0; i < N; ++i) {
    sums[i] += counters[i].get();
  }
}

}  // namespace

void add(const BoxCounters& counters, Totals& totals) {
  add(counters.received_packets, totals.received_packets);
  add(counters.received_bytes, totals.received_bytes);
  add(counters.sent_packets, totals.sent_packets);
  add(counters.sent_bytes, totals.sent_bytes);
  add(counters.dropped, totals.dropped);
  add(counters.events, totals.events);
  add(counters.expired, totals.expired);
  totals.tcp_flows_opened += counters.tcp_flows_opened.get();
}

Totals totals(Network& network, BoxId box) {
  Totals sums;
  for (size_t worker = 0; worker < network.workers(); ++worker) {
    add(network.box_counters(box, WorkerId{static_cast<uint8_t>(worker)}), sums);
  }
  return sums;
}

void count_flow(const FlowSnapshot& flow, const Timeouts& timeouts, Tick now, Totals& totals) {
  const TimeoutClass timeout_class = flow.control.timeout_class;
  // A stamp may be newer than 'now' by a tick.
  const auto idle = static_cast<int32_t>(now - flow.last_seen);
  if (idle < 0 || static_cast<uint32_t>(idle) < timeouts.dead_after(timeout_class)) {
    ++totals.living[static_cast<size_t>(timeout_class)];
  }
}

void count_flows(const FlowTable& table, Tick now, Totals& totals) {
  for (uint32_t record = 0; record < table.record_count(); ++record) {
    if (const auto flow = table.snapshot(FlowId{record})) {
      count_flow(*flow, table.timeouts(), now, totals);
    }
  }
}

std::span<const Metric> metrics_of(std::string_view kind) {
  return kind == kNatGateway ? std::span<const Metric>(kNatGatewayMetrics) : std::span<const Metric>();
}

const Metric* find(std::string_view kind, std::string_view name) {
  const auto known = metrics_of(kind);
  const auto found =
      std::find_if(known.begin(), known.end(), [name](const Metric& metric) { return metric.name == name; });
  return found == known.end() ? nullptr : &*found;
}

std::vector<std::string_view> names_of(std::string_view kind) {
  std::vector<std::string_view> names;
  for (const Metric& metric : metrics_of(kind)) {
    names.push_back(metric.name);
  }
  return names;
}

std::optional<std::string_view> why_not(std::string_view kind, std::string_view name) {
  if (kind == kNatGateway && std::find(kPeaks.begin(), kPeaks.end(), name) != kPeaks.end()) {
    return "it is the highest of ten-second averages, and the box keeps sums only";
  }
  return std::nullopt;
}

}  // namespace lapse::metrics
