// switchboard.h - finds, for a connection that a host accepts, the program that opened it.
//
// Owner:    the stage.
// Memory:   an entry for each connection under way.
// Time:     none.
// Bytes:    none.
// Cost:     a look-up for each connection.
// Lifetime: outlives the programs; outlived by its world.
// Spec:     none.
//
// No box changes where a connection's sequence numbers begin: they name the connection at both ends, whatever happens to
// addresses and ports between them.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "sim/world.h"

namespace lapse::sim {

class Client;
class Responder;

class Switchboard {
 public:
  // Makes the end that answers what 'client' asks, on a connection that it has opened.
  using Service = std::function<Responder&(Client& client)>;

  explicit Switchboard(World& world) : world_(&world) {}

  World& world() { return *world_; }
  void serve(Host& host, Be16 port, Service service);
  void dialled(uint32_t initial_sequence, Client& client) { callers_[initial_sequence] = &client; }
  void hung_up(uint32_t initial_sequence) { callers_.erase(initial_sequence); }

 private:
  World* world_;
  std::unordered_map<uint32_t, Client*> callers_;
};

}  // namespace lapse::sim
