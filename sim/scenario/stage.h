// stage.h - a scenario's programs on their hosts: does each step at its time.
//
// Owner:    one play.
// Memory:   the programs, and every event that is no packet.
// Time:     the engine's.
// Bytes:    tuples in wire order.
// Cost:     as its events.
// Lifetime: outlived by scenario and ground.
// Spec:     design, "What each application experiences is reported as its errno or its hang".
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario/client.h"
#include "sim/scenario/ground.h"
#include "sim/scenario/pool.h"
#include "sim/scenario/proxy.h"
#include "sim/scenario/scenario.h"
#include "sim/scenario/switchboard.h"

namespace lapse::sim {

// What one end of a connection, or of a datagram conversation, has lived through.
struct Experience {
  std::string flow;
  Party party = Party::kClient;
  std::string host;
  bool began = true;  // false: this end never had the connection
  std::string error;  // empty: none
  Instant error_at{};
  bool waiting = false;  // for an answer, without an end in sight unless it has patience of its own
  Instant waiting_since{};
  uint64_t received = 0;
  uint64_t status = 0;  // of the newest answer; 0: none
  uint64_t connections = 0;
  uint64_t lost = 0;  // of a client: connections that it lost, before it spoke or heard last
};

class Stage {
 public:
  Stage(const Scenario& scenario, Ground& ground);

  Ground& ground() { return ground_; }
  // What happens in boxes and on links, packets left out: for who asks later.
  void take_note(const Event& event) { events_.push_back(event); }
  const Scenario& scenario() const { return scenario_; }
  const std::vector<Event>& events() const { return events_; }
  // The step that was done last, or null.
  const Step* last_step() const { return last_step_; }

  Experience experience(const std::string& flow, Party party);
  // Of the connections of that name as their client sends them, the newest last; of a proxy: those to its upstream.
  std::vector<FiveTuple> tuples(const std::string& flow) const;
  std::vector<std::string> flow_names() const;
  const std::map<std::string, std::unique_ptr<Proxy>>& proxies() const { return proxies_; }

 private:
  // A datagram conversation: a client with one port, and whatever answers it.
  struct Talk {
    Datagram first;
    FiveTuple tuple;                     // as the client sends it
    std::optional<FiveTuple> at_server;  // as it last arrived there
    uint64_t received[2] = {0, 0};
    uint64_t spoke = 0;  // the client, as which of all datagrams
    Instant spoke_at{};
    std::vector<std::unique_ptr<Timer>> work;
  };

  void act(const Connect& connect);
  void act(const OpenPool& pool);
  void act(const OpenProxy& proxy);
  void act(const Request& request);
  void act(const Send& send);
  void act(const Close& close);
  void act(const Datagram& datagram);
  void act(const Vanish& vanish) { ground_.vanish(vanish.host); }
  void act(const Readdress& readdress) { ground_.readdress(readdress); }
  void act(const Stop&) {}

  void serve(const Connect& connect);
  void serve_datagrams(const std::string& host, Be16 port);
  Talk* talk_of(const FiveTuple& from);
  void answer_later(Talk& talk, const std::string& host, const FiveTuple& from);
  Program* program(const std::string& flow, Party party);
  std::string host_of(const std::string& flow, Party party) const;

  const Scenario& scenario_;
  Ground& ground_;
  Switchboard switchboard_;
  std::vector<Event> events_;
  std::vector<std::unique_ptr<Timer>> deeds_;
  const Step* last_step_ = nullptr;
  std::map<std::string, std::unique_ptr<Client>> clients_;
  std::map<std::string, std::unique_ptr<Pool>> pools_;
  std::map<std::string, std::unique_ptr<Proxy>> proxies_;
  std::map<std::string, Talk> talks_;
  uint64_t datagrams_sent_ = 0;
  std::vector<std::unique_ptr<Server>> servers_;
};

}  // namespace lapse::sim
