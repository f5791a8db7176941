// switchboard.h - finds, for a connection that a host accepts, the program that opened it.
//
// Owner:    the stage.
// Memory:   an entry for each connection under way.
// Time:     none.
// Bytes:    none.
// Cost:     a look-up for each connection.
// Lifetime: outlives the programs; outlived by its ground.
// Spec:     none.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "sim/scenario/ground.h"

namespace lapse::sim {

class Client;
class Responder;

class Switchboard {
 public:
  // Makes the end that answers what 'client' asks, on a connection that it has opened.
  using Service = std::function<Responder&(Client& client)>;

  explicit Switchboard(Ground& ground) : ground_(&ground) {}

  Ground& ground() { return *ground_; }
  void serve(const std::string& host, Be16 port, Service service);
  void dialled(const Connection& connection, Client& client) { callers_[connection.id()] = &client; }
  void hung_up(uint64_t connection) { callers_.erase(connection); }

 private:
  Ground* ground_;
  std::unordered_map<uint64_t, Client*> callers_;  // by Connection::id()
};

}  // namespace lapse::sim
