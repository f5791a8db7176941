// run.h - what explanations are made of: a run's conversations, and what is known of its boxes, hosts and programs.
//
// Owner:    whoever made it: a played scenario, a recorded run, a running instance.
// Memory:   ordinary; conversations are bounded by the recorder that they come from.
// Time:     virtual, from the start of the run.
// Bytes:    addresses and ports in wire order.
// Cost:     none.
// Lifetime: a plain value.
// Spec:     design, "Control": `lapse explain CODE|FLOW|FILE`.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/story/conversation.h"
#include "control/topology/directory.h"
#include "control/topology/topology.h"
#include "dataplane/box/late_packet.h"
#include "dataplane/flow/timeouts.h"

namespace lapse::explain {

// Who gave a setting its value.
enum class SetBy : uint8_t { kDefault, kFile, kCommandLine };
struct Origin {
  SetBy by = SetBy::kDefault;
  std::string place;       // "nat-gateway.yaml:19", "--set natgw.timeouts.udp=60s"; empty: the default
  std::string reference;   // of a default: the row of the reference
  std::string confidence;  // of a default: "documented", "reported", "inferred"

  friend bool operator==(const Origin&, const Origin&) = default;
};

struct TimeoutFacts {
  Duration value{};
  Origin origin;
  Duration provider_least{};  // what the provider lets its customers choose from
  Duration provider_most{};

  // As the provider has it, and it lets nobody change that.
  bool fixed() const { return provider_least == provider_most && value == provider_least; }
};

struct LateFacts {
  std::string side;  // "inside"
  LatePacket behaviour = LatePacket::kDrop;
  Origin origin;
};

struct BoxFacts {
  std::string name;
  std::string kind;
  std::array<TimeoutFacts, kTimeoutClassCount> timeouts;
  std::vector<LateFacts> late;  // by side
};

struct SysctlFacts {
  std::string value;
  Origin origin;
};
struct HostFacts {
  std::string name;
  std::map<std::string, SysctlFacts> sysctls;  // of keepalive; those that the topology sets
};

// A flow that a box has at the end of the run, or now.
struct HeldFlow {
  story::FlowKey key;
  std::string state;
  Instant last_seen;
  Duration timeout{};
  TimeoutClass timeout_class = TimeoutClass::kOther;
};

struct KeepaliveFacts {
  bool on = false;        // SO_KEEPALIVE
  bool own_time = false;  // TCP_KEEPIDLE; otherwise the host's sysctl
  bool windows = false;   // whose timer is not Linux'
  Duration time{};
  Duration interval{};
  uint32_t probes = 0;
};

// What one end's program has lived through. Only of runs that see into their programs.
struct EndFacts {
  std::string host;
  KeepaliveFacts keepalive;
  std::string error;  // "ECONNRESET", "TIMEOUT" for its own patience, "EOF"; empty: none
  Instant error_at;
  bool waiting = false;  // for an answer
  Instant waiting_since;
  Duration patience{};  // its own timeout; zero: none
  uint64_t received = 0;
  uint64_t status = 0;  // of its newest answer
};

enum class ConnectionKind : uint8_t { kConnection, kPool, kProxy, kDatagrams };

// The connections that a story calls by one name.
struct ConnectionFacts {
  std::string name;
  ConnectionKind kind = ConnectionKind::kConnection;
  std::array<EndFacts, 2> ends;   // client, server
  std::vector<FiveTuple> tuples;  // as the client sends them
  std::vector<std::string> log;   // of a proxy: "502 at 400 s"
  // ---- by which the story can be played again with something changed ----
  std::string step;          // "steps.0"
  std::string request_step;  // of the newest request with an answer: "steps.1"
  Duration answer_after{};   // how long the server works on it
};

// A socket option that a warped program was seen to ask for; whose connection it was for is not known.
struct SocketOption {
  std::string host;
  std::string program;
  std::string option;  // "SO_KEEPALIVE", "TCP_KEEPIDLE"
  int64_t value = 0;   // seconds
};

enum class Source : uint8_t { kScenario, kLab, kInstance };

struct Run {
  Source source = Source::kScenario;
  std::string name;  // of the scenario, or of the instance
  std::string command;
  Instant end;
  unsigned hertz = 250;  // of the hosts' kernels' timers; 0: they are exact
  unsigned factor = 1;   // of the warp
  topology::Directory directory;
  std::vector<BoxFacts> boxes;  // by BoxId
  std::vector<HostFacts> hosts;
  std::vector<story::Conversation> conversations;
  std::vector<HeldFlow> held;
  std::vector<ConnectionFacts> connections;  // empty: what programs did is not known
  std::vector<SocketOption> options;
  uint64_t let_go = 0;  // conversations that are not recorded any more

  const BoxFacts* box(BoxId id) const;
  const HostFacts* host(std::string_view name) const;
  // The one that the conversation belongs to; null: not known.
  const ConnectionFacts* connection_of(const story::Conversation& conversation) const;
};

// Boxes, hosts and names.
void add_topology(const topology::Topology& topology, Run& run);

}  // namespace lapse::explain
