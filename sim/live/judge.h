// judge.h - compares what a scenario expects with what a live play has come to.
//
// Owner:    the director.
// Memory:   none of its own.
// Time:     of the story; moments may be off by a tolerance, because kernels and machines are late.
// Bytes:    tuples in wire order.
// Cost:     an expectation about events: all events.
// Lifetime: outlived by what it looks at.
// Spec:     none.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "control/instance/instance.h"
#include "sim/live/hosts.h"
#include "sim/live/stage.h"
#include "sim/scenario/scenario.h"

namespace lapse::live {

class Judge {
 public:
  struct Evidence {
    Instance& instance;
    Hosts& hosts;
    const Stage& stage;
    const std::vector<Event>& events;  // but packets; in story time
    Duration tolerance;
  };

  explicit Judge(const Evidence& evidence) : evidence_(evidence) {}

  // What was there instead; empty when the expectation is met.
  absl::StatusOr<std::string> found_instead(const sim::Expectation& expectation);

 private:
  using Answer = absl::StatusOr<std::string>;

  Answer found(const sim::Expectation& expectation, const sim::ExpectEvent& expected);
  Answer found(const sim::Expectation& expectation, const sim::ExpectCount& expected);
  Answer found(const sim::Expectation& expectation, const sim::ExpectProgram& expected);
  Answer found(const sim::Expectation& expectation, const sim::ExpectSocket& expected);
  Answer found(const sim::Expectation& expectation, const sim::ExpectFlow& expected);
  Answer found(const sim::Expectation& expectation, const sim::ExpectFlows& expected);
  Answer found(const sim::Expectation& expectation, const sim::ExpectMetric& expected);
  Answer found(const sim::Expectation& expectation, const sim::ExpectLog& expected);

  bool near(Instant left, Instant right) const;
  bool fits(const Event& event, const sim::EventFilter& filter) const;
  bool is_from_client(const Event& event, const Talk& talk) const;
  // Every tuple, in both directions, by which some box or link knows the connection.
  std::set<std::string> known(const Talk& talk) const;
  std::string box_name(BoxId box) const;

  Evidence evidence_;
};

}  // namespace lapse::live
