#include "control/metrics/metrics.h"

#include <algorithm>
#include <sstream>

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

// While packets pass, a frame may have been counted whose bytes are not yet.
uint64_t ip_bytes(uint64_t frame_bytes, uint64_t frames) {
  const uint64_t headers = frames * sizeof(EthernetHeader);
  return frame_bytes < headers ? 0 : frame_bytes - headers;
}

// A connection is active from the end of its handshake until both ends have closed it.
uint64_t active(const std::array<uint64_t, kTimeoutClassCount>& by_class) {
  return by_class[static_cast<size_t>(TimeoutClass::kTcpEstablished)] +
         by_class[static_cast<size_t>(TimeoutClass::kTcpClosing)];
}

// What was answered or meant for the gateway itself was not lost. Whether the provider counts late packets is unstated
// (aws-behaviour 9.1): here they count, because nobody gets them and nobody hears of it.
uint64_t lost(const Totals& totals) {
  uint64_t sum = 0;
  for (size_t reason = 0; reason < kDropReasonCount; ++reason) {
    const auto why = static_cast<DropReason>(reason);
    sum += why == DropReason::kAnswered || why == DropReason::kConsumed ? 0 : totals.dropped[reason];
  }
  return sum;
}

constexpr std::array<Metric, 16> kNatGatewayMetrics{{
    {"ActiveConnectionCount", "active_connections", kCount, true,
     "TCP connections that are established and not closed by both ends", kSource,
     [](const Totals& totals) { return active(totals.living); }},
    {"BytesInFromDestination", "bytes_in_from_destination_total", kBytes, false, "received from destinations", kSource,
     [](const Totals& totals) {
       return ip_bytes(totals.received_bytes[kDestinations], totals.received_packets[kDestinations]);
     }},
    {"BytesInFromSource", "bytes_in_from_source_total", kBytes, false, "received from clients", kSource,
     [](const Totals& totals) { return ip_bytes(totals.received_bytes[kClients], totals.received_packets[kClients]); }},
    {"BytesOutToDestination", "bytes_out_to_destination_total", kBytes, false, "sent to destinations", kSource,
     [](const Totals& totals) {
       return ip_bytes(totals.sent_bytes[kDestinations], totals.sent_packets[kDestinations]);
     }},
    {"BytesOutToSource", "bytes_out_to_source_total", kBytes, false, "sent to clients", kSource,
     [](const Totals& totals) { return ip_bytes(totals.sent_bytes[kClients], totals.sent_packets[kClients]); }},
    {"ConnectionAttemptCount", "connection_attempts_total", kCount, false,
     "TCP connections opened by a SYN, each once however often it is sent (C-16)", kSource,
     [](const Totals& totals) { return totals.tcp_flows_opened; }},
    {"ConnectionEstablishedCount", "connections_established_total", kCount, false,
     "TCP connections that a SYN+ACK answered, each once, whether or not an ACK follows (C-16)", kSource,
     [](const Totals& totals) { return totals.tcp_flows_answered; }},
    {"ErrorPortAllocation", "port_allocation_errors_total", kCount, false, "packets for which there was no source port",
     kSource, [](const Totals& totals) { return totals.dropped[static_cast<size_t>(DropReason::kPortsExhausted)]; }},
    {"IdleTimeoutCount", "idle_timeouts_total", kCount, false,
     "active connections that became idle, counted when they do and not when somebody speaks (C-17)", kSource,
     [](const Totals& totals) { return active(totals.expired); }},
    {"PacketsDropCount", "packets_dropped_total", kCount, false,
     "packets dropped and not answered, late ones among them", kSource, lost},
    {"PacketsInFromDestination", "packets_in_from_destination_total", kCount, false, "received from destinations",
     kSource, [](const Totals& totals) { return totals.received_packets[kDestinations]; }},
    {"PacketsInFromSource", "packets_in_from_source_total", kCount, false, "received from clients", kSource,
     [](const Totals& totals) { return totals.received_packets[kClients]; }},
    {"PacketsOutToDestination", "packets_out_to_destination_total", kCount, false, "sent to destinations", kSource,
     [](const Totals& totals) { return totals.sent_packets[kDestinations]; }},
    {"PacketsOutToSource", "packets_out_to_source_total", kCount, false,
     "sent to clients, resets of the gateway's own among them", kSource,
     [](const Totals& totals) { return totals.sent_packets[kClients]; }},
    {"PeakBytesPerSecond", "peak_bytes_per_second", kCount, true,
     "received from both sides, the highest average of ten seconds", kSource,
     [](const Totals& totals) { return totals.peak_per_second.bytes; }},
    {"PeakPacketsPerSecond", "peak_packets_per_second", kCount, true,
     "received from both sides, the highest average of ten seconds", kSource,
     [](const Totals& totals) { return totals.peak_per_second.packets; }},
}};

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
  totals.tcp_flows_answered += counters.tcp_flows_answered.get();
}

Totals totals(Network& network, BoxId box) {
  Totals sums;
  for (size_t worker = 0; worker < network.workers(); ++worker) {
    add(network.box_counters(box, WorkerId{static_cast<uint8_t>(worker)}), sums);
  }
  return sums;
}

Processed processed(const Totals& totals) {
  Processed sum;
  for (size_t side = 0; side < kMaxSides; ++side) {
    sum.packets += totals.received_packets[side];
    sum.bytes += ip_bytes(totals.received_bytes[side], totals.received_packets[side]);
  }
  return sum;
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

std::string prometheus_name(std::string_view kind, const Metric& metric) {
  std::string name = "lapse_" + std::string(kind) + "_" + std::string(metric.prometheus);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string markdown_table(std::string_view kind) {
  std::ostringstream text;
  text << "| metric | Prometheus | unit | what it says |\n|---|---|---|---|\n";
  for (const Metric& metric : metrics_of(kind)) {
    text << "| `" << metric.name << "` | `" << prometheus_name(kind, metric) << "` | " << metric.unit << " | "
         << metric.meaning << " |\n";
  }
  return text.str();
}

}  // namespace lapse::metrics
