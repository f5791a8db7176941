// proxy.h - a program that ends TCP on both of its legs, asks another program for every answer, and writes a log.
//
// Owner:    the stage.
// Memory:   its clients' connections, its own, the lines of its log.
// Time:     the simulation's.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by the switchboard.
// Spec:     aws-behaviour 11.1 (what the load balancers and nginx log); nginx: 499, 502, 504 and whole answers are buffered.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/scenario/pool.h"

namespace lapse::sim {

class Proxy {
 public:
  struct Line {
    Instant at;  // when the request ended for the proxy
    uint64_t status = 0;
    Duration took{};  // since it had the request whole
  };

  Proxy(Switchboard& switchboard, const OpenProxy& settings);
  ~Proxy();

  // The end for a client's connection.
  Responder& accept();
  const std::vector<Line>& log() const { return log_; }
  Pool& upstream() { return upstream_; }

 private:
  class Leg;

  Switchboard* switchboard_;
  OpenProxy settings_;
  Pool upstream_;
  std::vector<std::unique_ptr<Leg>> legs_;
  std::vector<Line> log_;
};

// "499 after 1200 s at 1200 s".
std::string to_string(const Proxy::Line& line);

}  // namespace lapse::sim
