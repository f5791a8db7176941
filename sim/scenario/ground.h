// ground.h - where a story's programs run: simulated hosts, or hosts of a lab. The programs are the same on both.
//
// Owner:    one play.
// Memory:   the connections that were opened or accepted, until the play is over.
// Time:     the engine's, which a simulation is, and which follows the clock of a lab.
// Bytes:    addresses and ports in wire order.
// Cost:     simulated: none; in a lab: a message to the host's endpoint.
// Lifetime: outlives the programs.
// Spec:     issue C, "Live twin": the same steps, with the same expectations.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/topology/directory.h"
#include "dataplane/flow/flow_table.h"
#include "sim/engine.h"
#include "sim/scenario/scenario.h"

namespace lapse::sim {

// A TCP connection in its program's hand; of no use after on_error(), close() and abort().
class Connection {
 public:
  virtual ~Connection() = default;
  virtual void write(uint64_t bytes) = 0;
  virtual void shutdown_write() = 0;
  virtual void close() = 0;
  virtual void abort() = 0;
  virtual void set_options(const ProgramSettings& settings) = 0;  // SO_KEEPALIVE, TCP_USER_TIMEOUT
  virtual const FiveTuple& tuple() const = 0;                     // as this end sends it
  // The same at both ends, and of no other connection.
  virtual uint64_t id() const = 0;
};

// What a program hears of its connection.
class ConnectionUser {
 public:
  virtual ~ConnectionUser() = default;
  virtual void on_connected(Connection& connection) = 0;
  virtual void on_data(uint64_t bytes) = 0;
  virtual void on_end() = 0;                            // the other end sends no more
  virtual void on_error(const std::string& error) = 0;  // "ECONNRESET"; the connection is gone
};

class Ground {
 public:
  // Who serves the new connection; null: it is reset.
  using Acceptor = std::function<ConnectionUser*(Connection&)>;
  using DatagramHandler = std::function<void(const FiveTuple& from, uint16_t size)>;  // 'from' as it arrived
  using FlowVisitor = std::function<void(const FlowSnapshot&)>;

  struct Socket {
    FiveTuple tuple;    // as its host sends it
    std::string state;  // as ss(8) prints it
  };

  virtual ~Ground() = default;
  virtual Engine& engine() = 0;
  virtual const topology::Directory& directory() const = 0;

  // The connection's outcome comes through 'user'. Null when it fails at once, with 'error' as connect(2) has it.
  virtual Connection* connect(const Connect& how, ConnectionUser& user, std::string& error) = 0;
  virtual void listen(const std::string& host, Be16 port, Acceptor acceptor) = 0;
  virtual bool listens(const std::string& host, Be16 port) const = 0;

  virtual void bind(const std::string& host, Be16 port, DatagramHandler handler) = 0;
  // From a fresh port that is bound to 'handler'; the tuple that was sent, none without a route.
  virtual std::optional<FiveTuple> request(const Datagram& how, DatagramHandler handler) = 0;
  // From a port that is bound.
  virtual void send_datagram(const std::string& host, Be16 port, Ipv4Address to, Be16 to_port, uint16_t size) = 0;
  virtual bool owns(const std::string& host, Ipv4Address address) const = 0;

  virtual void vanish(const std::string& host) = 0;
  virtual void readdress(const Readdress& how) = 0;

  // ---- what there is to see ----
  virtual std::vector<Socket> sockets(const std::string& host) = 0;
  // Those that are alive.
  virtual void visit_flows(BoxId box, const FlowVisitor& visit) = 0;
  // Zero for one that the box's kind does not have.
  virtual uint64_t metric(BoxId box, const std::string& name) = 0;
};

}  // namespace lapse::sim
