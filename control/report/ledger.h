// ledger.h - what each box did over a run: its flows from birth to end, and its provider's metrics minute by minute.
//
// Owner:    whoever feeds it; add() and the readers may be called from any thread.
// Memory:   bounded: kMostFlows flows and kMostMinutes minutes a box; what came later is only counted.
// Time:     none but the events'.
// Bytes:    tuples in wire order.
// Cost:     add(): a look-up or two.
// Lifetime: the directory outlives it.
// Spec:     control/metrics says what a metric counts.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "control/metrics/metrics.h"
#include "control/story/conversation.h"
#include "control/topology/directory.h"

namespace lapse::report {

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
  TimeoutClass timeout_class = TimeoutClass::kOther;
};

// How many flows a box carries from 'time' on.
struct FlowStep {
  Instant time;
  uint64_t flows = 0;
};

struct BoxLedger {
  BoxId box = kNoBox;
  std::vector<FlowLine> flows;  // in the order of their opening
  uint64_t flows_left_out = 0;
  std::map<uint64_t, metrics::Totals> minutes;  // by minute of virtual time; those with anything in them
  uint64_t minutes_left_out = 0;

  std::vector<FlowStep> steps() const;
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

  // A TCP flow whose SYN nobody has answered yet, by what its answer looks like.
  struct Unanswered {
    BoxId box;
    FiveTuple reply;
    friend bool operator==(const Unanswered&, const Unanswered&) = default;
  };
  struct UnansweredHash {
    size_t operator()(const Unanswered& flow) const { return hash(flow.reply, {}) ^ index(flow.box); }
  };

  void count(const Event& event, metrics::Totals& totals);
  void add_packet(const Event& event);
  void add_flow_event(const Event& event);
  // What the box counted in that minute; null when there is no room for another one, or no such box.
  metrics::Totals* minute_of(BoxId box, Instant time);
  FlowLine* line_of(const Event& event);

  const topology::Directory& directory_;
  mutable std::mutex mutex_;
  std::vector<BoxLedger> boxes_;
  std::unordered_map<story::FlowKey, size_t, KeyHash> lines_;  // into its box's flows
  std::unordered_set<Unanswered, UnansweredHash> unanswered_;
  Instant last_{};
};

}  // namespace lapse::report
