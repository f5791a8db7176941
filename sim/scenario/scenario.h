// scenario.h - a story as loaded: a topology, steps in time, and what is expected of everybody.
//
// Owner:    the caller; a plain value.
// Memory:   ordinary.
// Time:     virtual, from the start of the simulation.
// Bytes:    addresses in wire order.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "Control"; aws-behaviour section 11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/topology/topology.h"
#include "dataplane/event.h"
#include "sim/tcp_settings.h"

namespace lapse::sim {

using topology::Place;

// The client is who connects, or sends the first datagram.
enum class Party : uint8_t { kClient, kServer };

// What a program does about its connection beside what the steps tell it.
struct ProgramSettings {
  std::optional<Keepalive> keepalive;  // SO_KEEPALIVE, with the host's sysctls where an option is not said
  bool own_keepalive_time = false;     // TCP_KEEPIDLE was said
  Duration user_timeout{};
  Duration idle_timeout{};  // closes a connection on which nothing was said for so long; zero: never
};

struct Connect {
  std::string host;
  Ipv4Address to;
  Be16 port;
  std::string flow;
  ProgramSettings client;
  ProgramSettings server;
  bool reconnects = false;  // on a reset: a new connection, and the unanswered request once more
};
// What a program does with connections that it may use again.
enum class OnStale : uint8_t { kFail, kRetryOnce };
struct PoolSettings {
  Duration discard_after{};           // a connection that has been idle for so long is closed; zero: kept for ever
  OnStale on_stale = OnStale::kFail;  // the answer does not come because a connection used again turns out to be dead
};
// A client that keeps its connections: requests name it as 'flow', and each takes an idle connection or opens one.
struct OpenPool {
  Connect connect;
  PoolSettings pool;
};
// A program that serves one port, and asks another program for every answer through connections of its own.
struct OpenProxy {
  Connect upstream;  // 'flow' is the proxy's name
  PoolSettings pool;
  Be16 port;                // on which it is asked
  Duration timeout{};       // answers 504 after so long; zero: never
  Duration idle_timeout{};  // closes a client's connection without a request for so long; zero: never
  bool abandons = true;     // its client left: gives up the request that it has asked for it
};
struct Request {
  std::string flow;
  uint64_t size = 0;
  uint64_t response = 0;
  Duration after{};    // the server works so long
  Duration timeout{};  // the client waits so long; zero: for ever
};
struct Send {
  std::string flow;
  Party party = Party::kClient;
  uint64_t size = 0;
};
enum class CloseHow : uint8_t { kFin, kHalf, kRst };
struct Close {
  std::string flow;
  Party party = Party::kClient;
  CloseHow how = CloseHow::kFin;
};
struct Datagram {
  std::string host;
  Ipv4Address to;
  Be16 port;
  std::string flow;
  uint64_t size = 0;
  uint64_t response = 0;
  Duration after{};
};
struct Vanish {
  std::string host;
};
struct Readdress {
  std::string host;
  Ipv4Address address;
};
struct Stop {};

struct Step {
  Instant at;
  Place place;
  std::variant<Connect, OpenPool, OpenProxy, Request, Send, Close, Datagram, Vanish, Readdress, Stop> action;
};

// Events that are meant: every part that is said has to fit.
struct EventFilter {
  EventKind kind = EventKind::kFlowExpired;
  std::string box;
  std::string flow;
  std::optional<Told> told;
  std::optional<Party> to;  // who spoke, and is answered
};

struct ExpectEvent {
  EventFilter filter;
  std::optional<Instant> at;
};
struct ExpectCount {
  EventFilter filter;
  uint64_t least = 0;
  uint64_t most = UINT64_MAX;
};
// What a program has lived through, at a time.
struct ExpectProgram {
  std::string flow;
  Party party = Party::kClient;
  std::optional<std::string> error;  // "ECONNRESET", "TIMEOUT", "EOF", "none"
  std::optional<uint64_t> received;
  std::optional<bool> waiting;          // for an answer
  std::optional<uint64_t> status;       // of its newest answer: 200, or what a proxy said instead
  std::optional<uint64_t> connections;  // that it has opened until then
};
struct ExpectSocket {
  std::string host;
  std::string flow;
  std::string state;  // as ss(8) prints it; "none": the host has no such socket
};
struct ExpectFlow {
  std::string box;
  std::string flow;
  std::string state;  // of the box's flow; "none": it has forgotten it
};
// How many flows a box remembers.
struct ExpectFlows {
  std::string box;
  uint64_t count = 0;
};
// What the provider of the box would have counted until then: control/metrics.
struct ExpectMetric {
  std::string box;
  std::string metric;
  uint64_t least = 0;
  uint64_t most = UINT64_MAX;
};
// Lines of a proxy's access log that are like this.
struct ExpectLog {
  std::string proxy;
  std::optional<uint64_t> status;
  std::optional<Duration> took;
  uint64_t least = 1;
  uint64_t most = UINT64_MAX;
};

struct Expectation {
  std::optional<Instant> at;  // none: at the end
  bool happens_at = false;    // the thing itself happens at that time, rather than being so then
  Place place;
  std::string text;  // as a message shows it
  std::variant<ExpectEvent, ExpectCount, ExpectProgram, ExpectSocket, ExpectFlow, ExpectFlows, ExpectMetric, ExpectLog>
      what;
};

struct Change {
  std::vector<std::string> settings;
  Place place;
};

// How the story is played on real kernels.
struct Live {
  bool jumps = true;             // over silence in which no kernel has anything to do
  unsigned scale = 1;            // boxes and keepalives are so many times as fast; the kernels' own timers are not
  std::optional<Instant> until;  // what comes later is simulated only
  std::string why_not;           // empty: it can be
};

struct Scenario {
  std::string name;
  std::string title;
  std::string file;
  topology::Topology topology;
  TcpSettings defaults;
  Live live;
  Instant end;
  std::vector<Step> steps;
  std::vector<Expectation> expectations;
  std::vector<Change> must_fail_with;
};

// Reads a scenario and its topology, with 'settings' (PATH=VALUE: of a box, host or link; or of this file,
// "steps.0.keepalive.time=60s"). Every error is in 'findings'; a scenario is returned only when there is none.
std::optional<Scenario> load_scenario(const std::string& path, const std::vector<std::string>& settings,
                                      topology::Findings& findings);

// A file's path as it is, or the path of the shipped scenario of that name.
absl::StatusOr<std::string> locate_scenario(const std::string& name);
std::vector<std::string> shipped_scenarios();

}  // namespace lapse::sim
