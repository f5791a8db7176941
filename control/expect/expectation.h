// expectation.h - what the run of a real program has to leave in its boxes: their metrics, events and flows.
//
// Owner:    the command; plain values.
// Memory:   ordinary.
// Time:     none: an expectation is compared when the program has ended.
// Bytes:    none.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     design, section 8: `--expect E`. The words are those of a scenario's `expect`; 'to' names the host that is
//           told, because a program's connections have no names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "control/topology/topology.h"
#include "dataplane/event.h"

namespace lapse::expect {

// Numbers that are accepted: from 'least' to 'most', but for one.
struct Bounds {
  uint64_t least = 0;
  uint64_t most = UINT64_MAX;
  std::optional<uint64_t> but;

  bool hold(uint64_t value) const { return value >= least && value <= most && value != but; }
};

struct MetricIs {
  std::string box;
  std::string metric;  // one that the box's kind has
  Bounds bounds;
};
// Flows that the box remembers.
struct FlowsLeft {
  std::string box;
  Bounds bounds;
};
// Events that are like this, whatever is not said.
struct EventsAre {
  EventKind kind = EventKind::kFlowExpired;
  std::string box;
  std::optional<Told> told;
  std::string to;  // the host that learns of it by a packet
  Bounds bounds;
};

struct Expectation {
  topology::Place place;
  std::string text;  // as it was written
  std::variant<MetricIs, FlowsLeft, EventsAre> what;
};

// 'word' is a file of expectations when there is a file of that name, and else "natgw.IdleTimeoutCount == 0". Appends
// to 'expectations'. Every error is in 'findings', with the nearest name for one that 'topology' does not have.
void read(const std::string& word, const topology::Topology& topology, std::vector<Expectation>& expectations,
          topology::Findings& findings);

}  // namespace lapse::expect
