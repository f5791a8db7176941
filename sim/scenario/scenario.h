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
  std::variant<Connect, Request, Send, Close, Datagram, Vanish, Readdress, Stop> action;
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
  std::optional<std::string> error;  // "ECONNRESET", "none"
  std::optional<uint64_t> received;
  std::optional<bool> waiting;  // for an answer
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

struct Expectation {
  std::optional<Instant> at;  // none: at the end
  bool happens_at = false;    // the thing itself happens at that time, rather than being so then
  Place place;
  std::string text;  // as a message shows it
  std::variant<ExpectEvent, ExpectCount, ExpectProgram, ExpectSocket, ExpectFlow> what;
};

struct Change {
  std::vector<std::string> settings;
  Place place;
};

// How the story is played on real kernels.
struct Live {
  bool jumps = true;    // over silence in which no kernel has anything to do
  unsigned scale = 1;   // boxes and keepalives are so many times as fast; the kernels' own timers are not
  std::string why_not;  // empty: it can be
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
