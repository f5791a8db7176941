// metrics.h - what a box has counted, under the names and with the meaning that its provider's metrics have.
//
// Owner:    none; pure functions and constant tables. The one place where counters become metrics, for sim, lab and run.
// Memory:   Totals is a plain value; names are static.
// Time:     values are sums since the box was built, gauges of the moment, and the highest of all minutes; a period's sum
//           is the difference of two.
// Bytes:    byte metrics count IP packets: the provider's network has no Ethernet.
// Cost:     totals(): one pass over the workers' counters.
// Lifetime: none.
// Spec:     aws-behaviour 9.1; conflicts C-16 and C-17 of its section 12.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/flow/flow_table.h"
#include "dataplane/net/network.h"

namespace lapse::metrics {

// What a box has received on all sides. The provider does not say what its peaks add up; with what is sent, too, a packet
// that passes would count twice, and load is what comes in.
struct Processed {
  uint64_t packets = 0;
  uint64_t bytes = 0;
};

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
  uint64_t tcp_flows_answered = 0;
  std::array<uint64_t, kTimeoutClassCount> living{};  // flows; filled in by count_flow()
  Processed peak_per_second;                          // filled in by Peaks
};

// 'living' and 'peak_per_second' stay as they are: only who may read the table, and who has watched, knows them.
void add(const BoxCounters& counters, Totals& totals);
Totals totals(Network& network, BoxId box);

Processed processed(const Totals& totals);

// Counts the flow in 'living' unless it is over at 'now'.
void count_flow(const FlowSnapshot& flow, const Timeouts& timeouts, Tick now, Totals& totals);
// Every flow of a table beside which no other thread works, as in a simulation.
void count_flows(const FlowTable& table, Tick now, Totals& totals);

struct Metric {
  std::string_view name;        // the provider's, as CloudWatch has it
  std::string_view prometheus;  // behind the prefix of the kind; a sum's ends in _total
  std::string_view unit;        // the provider's: "Count", "Bytes"
  bool gauge = false;           // of the moment, or the highest so far; else a sum
  std::string_view meaning;     // one phrase
  std::string_view source;      // where the reference has it
  uint64_t (*of)(const Totals& totals) = nullptr;
};

// The metrics of a kind of box ("nat-gateway"), by name; empty for a kind that has none.
std::span<const Metric> metrics_of(std::string_view kind);
const Metric* find(std::string_view kind, std::string_view name);
std::vector<std::string_view> names_of(std::string_view kind);

// "lapse_nat_gateway_idle_timeouts_total".
std::string prometheus_name(std::string_view kind, const Metric& metric);

// All metrics of a kind as a Markdown table: name, Prometheus name, unit, meaning.
std::string markdown_table(std::string_view kind);

}  // namespace lapse::metrics
