// judge.h - compares what a scenario expects with what has come of it.
//
// Owner:    one play.
// Memory:   the tuples of each connection, as they become known.
// Time:     the stage's; a lab's moments may be off by a tolerance, because kernels and machines are late.
// Bytes:    tuples in wire order.
// Cost:     an expectation about events: all events.
// Lifetime: outlived by the stage.
// Spec:     none.
#pragma once

#include <map>
#include <set>
#include <string>

#include "sim/scenario/stage.h"

namespace lapse::sim {

class Judge {
 public:
  // Boxes stamp flows with a tick.
  explicit Judge(Stage& stage, Duration tolerance = kTick) : stage_(stage), tolerance_(tolerance) {}

  // What was there instead; empty when the expectation is met.
  std::string found_instead(const Expectation& expectation);

 private:
  // By which some box or link knows a connection, in both directions.
  struct Known {
    std::set<std::string> tuples;
    size_t events_seen = 0;
    size_t connections_seen = 0;
  };

  std::string found(const Expectation& expectation, const ExpectEvent& expected);
  std::string found(const Expectation& expectation, const ExpectCount& expected);
  std::string found(const Expectation& expectation, const ExpectProgram& expected);
  std::string found(const Expectation& expectation, const ExpectSocket& expected);
  std::string found(const Expectation& expectation, const ExpectFlow& expected);
  std::string found(const Expectation& expectation, const ExpectFlows& expected);
  std::string found(const Expectation& expectation, const ExpectMetric& expected);
  std::string found(const Expectation& expectation, const ExpectLog& expected);

  bool fits(const Event& event, const EventFilter& filter);
  bool is_of(const FiveTuple& tuple, const std::string& flow) { return known(flow).contains(to_string(tuple)); }
  const std::set<std::string>& known(const std::string& flow);
  bool from_client(const Event& event, const std::string& flow) const;
  BoxId box(const std::string& name) const;
  bool near(Duration left, Duration right) const;
  bool near(Instant left, Instant right) const { return near(left.time_since_epoch(), right.time_since_epoch()); }

  Stage& stage_;
  Duration tolerance_;
  std::map<std::string, Known> known_;
};

}  // namespace lapse::sim
