// warp_report.h - what a warp scaled, rounded and could not resolve, in sentences.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     values are of the program's own time, and real where they say `given`.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, section 6 "What a warp cannot resolve".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/lab/resolution.h"
#include "control/lab/sysctls.h"
#include "control/topology/topology.h"

namespace lapse::lab {

// One line that the preload library wrote.
struct SeenOption {
  std::string host;
  int pid = 0;
  std::string program;
  std::string option;
  std::string unit;
  long long wanted = 0;
  long long given = 0;
};

// Lines that a program damaged are left out.
std::vector<SeenOption> parse_seen_options(std::string_view report);

// A keepalive of a program, or that a host's programs get by default, against one box's timeout.
struct Check {
  std::string whose;
  std::string against;  // "natgw's tcp_established"
  Resolution resolution;
};

// For hosts whose topology sets tcp_keepalive_time.
std::vector<Check> checks_before(const topology::Topology& topology, unsigned factor, unsigned hertz);

// For the programs that asked for keepalives: with a time of their own, or with their host's.
std::vector<Check> checks_after(const topology::Topology& topology, const std::vector<Scaled>& sysctls,
                                const std::vector<SeenOption>& seen, unsigned factor, unsigned hertz);

// What was divided, hosts with equal values in one line, and what was not.
std::string scaled_text(const std::vector<Scaled>& sysctls, const std::vector<SeenOption>& seen, unsigned factor);

}  // namespace lapse::lab
