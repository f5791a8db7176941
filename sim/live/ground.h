// ground.h - a story's programs on the hosts of a lab: what they do are system calls of the host's endpoint.
//
// Owner:    the director.
// Memory:   a small object for each end of each connection.
// Time:     the engine's, which the timeline moves.
// Bytes:    tuples in wire order.
// Cost:     a message to the endpoint and its answer for each thing that is done.
// Lifetime: outlives the programs; outlived by instance, engine and hosts.
// Spec:     sim/scenario/ground.h.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "control/instance/instance.h"
#include "sim/live/hosts.h"
#include "sim/scenario/ground.h"

namespace lapse::live {

class KernelGround final : public sim::Ground {
 public:
  // Boxes and keepalives are 'scale' times as fast as the hosts' kernels.
  KernelGround(Instance& instance, sim::Engine& engine, Hosts& hosts, unsigned scale);
  ~KernelGround() override;

  // What an endpoint tells goes to the program whose socket it is about.
  void take(const News& news);
  // Has the endpoints do what programs have said since: what one says in one breath, its kernel hears in one. Returns the
  // first thing that a host could not do; what the story says after that is worth nothing.
  absl::Status flush();

  sim::Engine& engine() override { return engine_; }
  const topology::Directory& directory() const override { return instance_.directory(); }
  sim::Connection* connect(const sim::Connect& how, sim::ConnectionUser& user, std::string& error) override;
  void listen(const std::string& host, Be16 port, Acceptor acceptor) override;
  bool listens(const std::string& host, Be16 port) const override;
  void bind(const std::string& host, Be16 port, DatagramHandler handler) override;
  std::optional<FiveTuple> request(const sim::Datagram& how, DatagramHandler handler) override;
  void send_datagram(const std::string& host, Be16 port, Ipv4Address to, Be16 to_port, uint16_t size) override;
  bool owns(const std::string& host, Ipv4Address address) const override;
  void vanish(const std::string& host) override;
  void readdress(const sim::Readdress& how) override;
  std::vector<Socket> sockets(const std::string& host) override;
  void visit_flows(BoxId box, const FlowVisitor& visit) override;
  uint64_t metric(BoxId box, const std::string& name) override;

 private:
  class End;
  using SocketKey = std::pair<std::string, int>;  // host, and the number by which its endpoint knows it
  struct Listener {
    Be16 port;
    Acceptor acceptor;
  };
  struct Bound {
    Be16 port;
    DatagramHandler handler;
  };

  // For the endpoint's next flush(): no answer is waited for.
  void post(const std::string& host, nlohmann::json command);
  // What the endpoint answers; null when it could not, which flush() says then.
  nlohmann::json ask(const std::string& host, const nlohmann::json& command);
  nlohmann::json carried_out(const std::string& host, const nlohmann::json& command);
  void send_posted();
  void add_options(nlohmann::json& command, const sim::ProgramSettings& settings) const;
  // Done with; what is still told about it is nobody's.
  void let_go(const End& end);
  void accept(const News& news);
  uint64_t caller_of(const FiveTuple& accepted);
  void take_datagram(const News& news);

  Instance& instance_;
  sim::Engine& engine_;
  Hosts& hosts_;
  unsigned scale_;
  absl::Status status_;
  std::vector<std::pair<std::string, nlohmann::json>> posted_;  // for one host after the other: lists of commands
  int next_socket_ = 1;
  uint64_t next_id_ = 1;
  std::vector<std::unique_ptr<End>> ends_;
  std::map<SocketKey, End*> open_;
  std::vector<const End*> unaccepted_;  // whose other end is not known yet, oldest first
  std::map<SocketKey, Listener> listeners_;
  std::map<SocketKey, Bound> bound_;
};

}  // namespace lapse::live
