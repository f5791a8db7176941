// simulated_ground.h - a story's programs on simulated hosts.
//
// Owner:    one play.
// Memory:   a world, and a small object for each connection's end.
// Time:     virtual.
// Bytes:    tuples in wire order.
// Cost:     none by itself.
// Lifetime: outlives the programs; outlived by the topology.
// Spec:     ground.h.
//
// No box changes where a connection's sequence numbers begin: they name the connection at both ends, whatever happens to
// addresses and ports between them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "sim/scenario/ground.h"
#include "sim/world.h"

namespace lapse::sim {

class SimulatedGround final : public Ground {
 public:
  SimulatedGround(const Scenario& scenario, uint64_t seed, World::EventSink sink, World::FrameSink frames = nullptr);
  ~SimulatedGround() override;

  World& world() { return world_; }

  Engine& engine() override { return world_.engine(); }
  const topology::Directory& directory() const override { return world_.directory(); }
  Connection* connect(const Connect& how, ConnectionUser& user, std::string& error) override;
  void listen(const std::string& host, Be16 port, Acceptor acceptor) override;
  bool listens(const std::string& host, Be16 port) const override;
  void bind(const std::string& host, Be16 port, DatagramHandler handler) override;
  std::optional<FiveTuple> request(const Datagram& how, DatagramHandler handler) override;
  void send_datagram(const std::string& host, Be16 port, Ipv4Address to, Be16 to_port, uint16_t size) override;
  bool owns(const std::string& host, Ipv4Address address) const override;
  void vanish(const std::string& host) override;
  void readdress(const Readdress& how) override;
  std::vector<Socket> sockets(const std::string& host) override;
  void visit_flows(BoxId box, const FlowVisitor& visit) override;
  uint64_t metric(BoxId box, const std::string& name) override;

 private:
  class End;

  End& new_end(TcpSocket* socket);

  World world_;
  std::vector<std::unique_ptr<End>> ends_;
};

}  // namespace lapse::sim
