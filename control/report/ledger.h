// ledger.h - what each box did over a run: its flows from birth to end, and its provider's metrics minute by minute.
//
// Owner:    whoever feeds it; add() and the readers may be called from any thread.
// Memory:   bounded: kMostFlows flows and kMostMinutes minutes a box; what came later is only counted.
// Time:     none but the events'.
// Bytes:    tuples in wire order; byte counts are those of the boxes' counters, frames with their Ethernet headers.
// Cost:     add(): a look-up or two.
// Lifetime: the directory outlives it.
// Spec:     aws-behaviour 9.1 for the names; C-16 and C-17 for what they count.
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/story/conversation.h"
#include "control/topology/directory.h"

namespace lapse::report {

// X(enumerator, the provider's name)
#define LAPSE_NAT_METRICS(X)                               \
  X(kConnectionAttempt, "ConnectionAttemptCount")          \
  X(kConnectionEstablished, "ConnectionEstablishedCount")  \
  X(kIdleTimeout, "IdleTimeoutCount")                      \
  X(kErrorPortAllocation, "ErrorPortAllocation")           \
  X(kPacketsDrop, "PacketsDropCount")                      \
  X(kPacketsInFromSource, "PacketsInFromSource")           \
  X(kPacketsOutToDestination, "PacketsOutToDestination")   \
  X(kPacketsInFromDestination, "PacketsInFromDestination") \
  X(kPacketsOutToSource, "PacketsOutToSource")             \
  X(kBytesInFromSource, "BytesInFromSource")               \
  X(kBytesOutToDestination, "BytesOutToDestination")       \
  X(kBytesInFromDestination, "BytesInFromDestination")     \
  X(kBytesOutToSource, "BytesOutToSource")

enum class NatMetric : uint8_t {
#define LAPSE_NAT_METRIC(name, text) name,
  LAPSE_NAT_METRICS(LAPSE_NAT_METRIC)
#undef LAPSE_NAT_METRIC
};
#define LAPSE_NAT_METRIC(name, text) +1
inline constexpr size_t kNatMetricCount = 0 LAPSE_NAT_METRICS(LAPSE_NAT_METRIC);
#undef LAPSE_NAT_METRIC
inline constexpr std::array<std::string_view, kNatMetricCount> kNatMetricNames{
#define LAPSE_NAT_METRIC(name, text) text,
    LAPSE_NAT_METRICS(LAPSE_NAT_METRIC)
#undef LAPSE_NAT_METRIC
};

// Sums over one minute of virtual time.
using MinuteSums = std::array<uint64_t, kNatMetricCount>;

// A flow of a box: when what became of it.
struct FlowLine {
  story::FlowKey key;
  FiveTuple original;
  FiveTuple reply;
  Instant opened;
  std::optional<Instant> established;
  std::optional<Instant> closed;   // both FINs, or a RST
  std::optional<Instant> expired;  // its timeout ran out; of a closed flow: the record's, which nobody misses
  uint32_t timeout_ms = 0;         // that ran out
  uint8_t timeout_class = 0;
  Told told = Told::kNobody;

  bool forgotten() const { return expired && !closed; }
  std::optional<Instant> over() const { return closed ? closed : expired; }
};

// A flow that a box has in its table at the end of a run.
struct LivingFlow {
  story::FlowKey key;
  std::string state;  // "ESTABLISHED", "open"
  Instant last_seen;
  Duration timeout{};
};

// How many flows a box carries from 'time' on.
struct FlowStep {
  Instant time;
  uint64_t flows = 0;
};

struct BoxLedger {
  BoxId box = kNoBox;
  bool has_nat_metrics = false;
  std::vector<FlowLine> flows;  // in the order of their opening
  uint64_t flows_left_out = 0;
  std::map<uint64_t, MinuteSums> minutes;  // by minute of virtual time; those with anything in them
  uint64_t minutes_left_out = 0;

  std::vector<FlowStep> steps() const;
  MinuteSums total() const;
};

class Ledger {
 public:
  static constexpr size_t kMostFlows = 20'000;
  static constexpr size_t kMostMinutes = 20'000;

  explicit Ledger(const topology::Directory& directory);

  void add(const Event& event);

  std::vector<BoxLedger> boxes() const;
  Instant last() const;  // the time of the latest event

 private:
  struct KeyHash {
    size_t operator()(const story::FlowKey& key) const;
  };

  void add_packet(const Event& event);
  void add_flow_event(const Event& event);
  void count(BoxId box, Instant time, NatMetric metric, uint64_t amount = 1);
  FlowLine* line_of(const Event& event);

  const topology::Directory& directory_;
  mutable std::mutex mutex_;
  std::vector<BoxLedger> boxes_;
  std::unordered_map<story::FlowKey, size_t, KeyHash> lines_;  // into its box's flows
  Instant last_{};
};

}  // namespace lapse::report
