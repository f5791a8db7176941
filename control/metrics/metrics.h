// metrics.h - what a box has counted, under the names and with the meaning that its provider's metrics have.
//
// Owner:    none; pure functions and constant tables. The one place where counters become metrics, for sim, lab and run.
// Memory:   Totals is a plain value; names are static.
// Time:     values are sums since the box was built, and gauges of the moment; a period's sum is the difference of two.
// Bytes:    byte metrics count IP packets: the provider's network has no Ethernet.
// Cost:     totals(): one pass over the workers' counters.
// Lifetime: none.
// Spec:     aws-behaviour 9.1; conflicts C-16 and C-17 of its section 12.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/net/network.h"

namespace lapse::metrics {

// A box's counters, summed over its workers, and what its table holds.
struct Totals {
  std::array<uint64_t, kMaxSides> received_packets{};
  std::array<uint64_t, kMaxSides> received_bytes{};
  std::array<uint64_t, kMaxSides> sent_packets{};
  std::array<uint64_t, kMaxSides> sent_bytes{};
  std::array<uint64_t, kDropReasonCount> dropped{};
  std::array<uint64_t, kEventKindCount> events{};
  std::array<uint64_t, kTimeoutClassCount> expired{};
  uint64_t tcp_flows_opened = 0;
  std::array<uint64_t, kTimeoutClassCount> living{};  // flows; filled in by count_flow()
};

// 'living' stays as it is: only who may read the table can count it.
void add(const BoxCounters& counters, Totals& totals);
Totals totals(Network& network, BoxId box);

// Counts the flow in 'living' unless it is over at 'now'.
void count_flow(const FlowSnapshot& flow, const Timeouts& timeouts, Tick now, Totals& totals);
// Every flow of a table beside which no other thread works, as in a simulation.
void count_flows(const FlowTable& table, Tick now, Totals& totals);

struct Metric {
  std::string_view name;     // the provider's, as CloudWatch has it
  std::string_view unit;     // the provider's: "Count", "Bytes"
  bool gauge = false;        // of the moment; else a sum
  std::string_view meaning;  // one phrase
  std::string_view source;   // where the reference has it
  uint64_t (*of)(const Totals& totals) = nullptr;
};

// The metrics of a kind of box ("nat-gateway"), by name; empty for a kind that has none.
std::span<const Metric> metrics_of(std::string_view kind);
const Metric* find(std::string_view kind, std::string_view name);
std::vector<std::string_view> names_of(std::string_view kind);

// Why a metric that the provider has cannot be had here; none when the provider has no such metric, either.
std::optional<std::string_view> why_not(std::string_view kind, std::string_view name);

}  // namespace lapse::metrics
