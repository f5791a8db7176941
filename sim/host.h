// host.h - a simulated machine: interfaces, routes, and a kernel that answers ARP, echo, TCP and UDP.
//
// Owner:    the world.
// Memory:   its sockets.
// Time:     the simulation's.
// Bytes:    addresses and ports in wire order.
// Cost:     a packet: one look-up of a socket.
// Lifetime: as its world.
// Spec:     RFC 1122; RFC 9293 section 3.10.7.1 (no connection: RST); Linux's timer wheel.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"

#include "dataplane/net/routes.h"
#include "dataplane/packet.h"
#include "sim/engine.h"
#include "sim/tcp_socket.h"

namespace lapse::sim {

// Where hosts put their frames, and where they learn who has an address: nobody waits for ARP among simulated hosts.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual Packet* allocate() = 0;
  virtual void transmit(LinkId link, Packet* packet) = 0;
  virtual std::optional<MacAddress> station(LinkId link, Ipv4Address address) const = 0;
};

class Host {
 public:
  static constexpr uint8_t kWindowScale = 7;
  static constexpr uint32_t kWindow = 64256;

  struct Interface {
    LinkId link = kNoLink;
    MacAddress mac;
    std::vector<Ipv4Address> addresses;
    Routes routes;
    uint16_t mtu = 1500;
  };

  Host(std::string name, Engine& engine, Wire& wire, std::vector<Interface> interfaces, const TcpSettings& settings);

  const std::string& name() const { return name_; }
  Engine& engine() { return *engine_; }
  // The largest segment towards 'to': what its first link carries, or a router said that a later one does, without the
  // headers of IP and TCP.
  uint16_t mss(Ipv4Address to) const;
  TcpSettings& settings() { return settings_; }

  // ---- programs ----
  using Acceptor = std::function<TcpUser*(TcpSocket&)>;                               // who serves the new connection
  using DatagramHandler = std::function<void(const FiveTuple& from, uint16_t size)>;  // 'from' as it arrived

  // Null when no route leads there, or no port is free. The connection's outcome comes through 'user'.
  TcpSocket* connect(Ipv4Address to, Be16 port, TcpUser& user);
  TcpSocket* connect(Ipv4Address to, Be16 port, TcpUser& user, const TcpSettings& settings);
  bool reaches(Ipv4Address to) const;
  void listen(Be16 port, Acceptor acceptor) { listeners_[port] = std::move(acceptor); }
  bool listens(Be16 port) const { return listeners_.contains(port); }
  void bind(Be16 port, DatagramHandler handler) { datagram_handlers_[port] = std::move(handler); }
  // From 'port', or from a fresh one that is bound to 'handler'; the tuple that was sent, none without a route or a free port.
  std::optional<FiveTuple> send_datagram(Ipv4Address to, Be16 to_port, Be16 port, uint16_t size);
  std::optional<FiveTuple> request(Ipv4Address to, Be16 to_port, uint16_t size, DatagramHandler handler);
  void ping(Ipv4Address to, uint16_t identifier, uint16_t sequence);
  uint64_t echo_replies() const { return echo_replies_; }

  // Out of power: it hears and says nothing any more, and its timers count on.
  void vanish() { vanished_ = true; }
  // Another address on its first interface: what comes for the old one is nobody's.
  void readdress(Ipv4Address address);

  // ---- the wire's side ----
  const std::vector<Interface>& interfaces() const { return interfaces_; }
  bool owns(Ipv4Address address) const;
  void receive(LinkId link, Packet* packet);
  void collect_finished() { finished_.clear(); }

  // ---- sockets' side ----
  void send(const Segment& segment);
  void send_reset_to(const Segment& segment);
  void accepted(TcpSocket& socket);
  void socket_finished(TcpSocket& socket);
  // When a kernel timer that is armed now for 'delay' fires.
  Instant timer_expiry(TimerStep step, Duration delay) const;

  size_t socket_count() const { return sockets_.size(); }
  // In no order: nothing that is printed may depend on it.
  template <typename Visit>
  void visit_sockets(Visit&& visit) const {
    for (const auto& [tuple, socket] : sockets_) {
      visit(*socket);
    }
  }

 private:
  struct TupleHash {
    size_t operator()(const FiveTuple& tuple) const { return static_cast<size_t>(hash(tuple, {1, 2})); }
  };

  const Interface* route(Ipv4Address to, Ipv4Address& next_hop) const;
  void transmit(Packet* packet);
  void receive_tcp(const Packet& packet);
  void receive_udp(const Packet& packet);
  void receive_echo(const Packet& packet);
  void receive_error(const Packet& packet);
  void answer_arp(LinkId link, const Packet& packet);
  TcpSocket& open(const FiveTuple& tuple, const TcpSettings& settings);
  // None when each of Linux's ephemeral ports is taken.
  std::optional<Be16> fresh_port(Protocol protocol, Ipv4Address to, Be16 to_port);

  std::string name_;
  Engine* engine_;
  Wire* wire_;
  std::vector<Interface> interfaces_;
  TcpSettings settings_;
  bool vanished_ = false;
  uint64_t timer_phase_;
  uint16_t next_port_;
  uint64_t echo_replies_ = 0;
  std::map<Ipv4Address, uint16_t> path_mtu_;  // where a router said something
  absl::flat_hash_map<FiveTuple, std::unique_ptr<TcpSocket>, TupleHash> sockets_;
  std::vector<std::unique_ptr<TcpSocket>> finished_;
  std::map<Be16, Acceptor> listeners_;
  std::map<Be16, DatagramHandler> datagram_handlers_;
};

}  // namespace lapse::sim
