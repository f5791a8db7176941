#include "sim/scenario/simulated_ground.h"

#include <cstring>
#include <utility>

#include "control/metrics/metrics.h"

namespace lapse::sim {

// One end of a connection: the program's on one side, the simulated kernel's on the other.
class SimulatedGround::End final : public Connection, public TcpUser {
 public:
  explicit End(TcpSocket* socket) { take(socket); }

  void set_user(ConnectionUser* user) { user_ = user; }
  void take(TcpSocket* socket) {
    socket_ = socket;
    if (socket != nullptr) {
      tuple_ = socket->tuple();
      id_ = socket->initial_sequence();
    }
  }
  void accepted_from(uint64_t id) { id_ = id; }

  void write(uint64_t bytes) override { socket_->write(bytes); }
  void shutdown_write() override { socket_->shutdown_write(); }
  void close() override { std::exchange(socket_, nullptr)->close(); }
  void abort() override { std::exchange(socket_, nullptr)->abort(); }
  void set_options(const ProgramSettings& settings) override {
    socket_->set_user_timeout(settings.user_timeout);
    if (settings.keepalive) {
      socket_->set_keepalive(*settings.keepalive);
    }
  }
  const FiveTuple& tuple() const override { return tuple_; }
  uint64_t id() const override { return id_; }

  void on_connected(TcpSocket&) override { user_->on_connected(*this); }
  void on_data(TcpSocket&, uint64_t bytes) override { user_->on_data(bytes); }
  void on_end(TcpSocket&) override { user_->on_end(); }
  void on_error(TcpSocket&, int error) override {
    socket_ = nullptr;
    user_->on_error(strerrorname_np(error));
  }

 private:
  TcpSocket* socket_ = nullptr;
  ConnectionUser* user_ = nullptr;
  FiveTuple tuple_;
  uint64_t id_ = 0;
};

SimulatedGround::SimulatedGround(const Scenario& scenario, uint64_t seed, World::EventSink sink,
                                 World::FrameSink frames)
    : world_(scenario.topology, {.seed = seed, .frames = std::move(frames)}, std::move(sink)) {
  for (const topology::Host& host : scenario.topology.hosts) {
    world_.host(host.name)->settings().timer_step = scenario.defaults.timer_step;
  }
}

SimulatedGround::~SimulatedGround() = default;

SimulatedGround::End& SimulatedGround::new_end(TcpSocket* socket) {
  return *ends_.emplace_back(std::make_unique<End>(socket));
}

// A program sets its options before it connects.
Connection* SimulatedGround::connect(const Connect& how, ConnectionUser& user, std::string& error) {
  End& end = new_end(nullptr);
  end.set_user(&user);
  Host& host = *world_.host(how.host);
  TcpSettings settings = host.settings();
  settings.user_timeout = how.client.user_timeout;
  TcpSocket* const socket = host.connect(how.to, how.port, end, settings);
  end.take(socket);
  if (socket == nullptr) {
    error = host.reaches(how.to) ? "EADDRNOTAVAIL" : "ENETUNREACH";
    return nullptr;
  }
  return &end;
}

void SimulatedGround::listen(const std::string& host, Be16 port, Acceptor acceptor) {
  world_.host(host)->listen(port, [this, acceptor = std::move(acceptor)](TcpSocket& socket) -> TcpUser* {
    End& end = new_end(&socket);
    end.accepted_from(socket.peer_initial_sequence());
    ConnectionUser* const user = acceptor(end);
    end.set_user(user);
    return user == nullptr ? nullptr : &end;
  });
}

bool SimulatedGround::listens(const std::string& host, Be16 port) const {
  return world_.host(host)->listens(port);
}

void SimulatedGround::bind(const std::string& host, Be16 port, DatagramHandler handler) {
  world_.host(host)->bind(port, std::move(handler));
}

std::optional<FiveTuple> SimulatedGround::request(const Datagram& how, DatagramHandler handler) {
  return world_.host(how.host)->request(how.to, how.port, static_cast<uint16_t>(how.size), std::move(handler));
}

void SimulatedGround::send_datagram(const std::string& host, Be16 port, Ipv4Address to, Be16 to_port, uint16_t size) {
  world_.host(host)->send_datagram(to, to_port, port, size);
}

bool SimulatedGround::owns(const std::string& host, Ipv4Address address) const {
  return world_.host(host)->owns(address);
}

void SimulatedGround::vanish(const std::string& host) {
  world_.host(host)->vanish();
}

void SimulatedGround::readdress(const Readdress& how) {
  world_.host(how.host)->readdress(how.address);
}

std::vector<Ground::Socket> SimulatedGround::sockets(const std::string& host) {
  std::vector<Socket> all;
  world_.host(host)->visit_sockets([&all](const TcpSocket& socket) {
    all.push_back({socket.tuple(), std::string(name(socket.state()))});
  });
  return all;
}

void SimulatedGround::visit_flows(BoxId box, const FlowVisitor& visit) {
  const FlowTable* const table = world_.network().box(box).flows();
  const Tick tick = to_tick(engine().now());
  for (uint32_t record = 0; table != nullptr && record < table->record_count(); ++record) {
    const auto flow = table->snapshot(FlowId{record});
    if (flow && tick - flow->last_seen < table->timeouts().dead_after(flow->control.timeout_class)) {
      visit(*flow);
    }
  }
}

uint64_t SimulatedGround::metric(BoxId box, const std::string& name) {
  const metrics::Metric* const metric = metrics::find(directory().boxes[index(box)].kind, name);
  return metric == nullptr ? 0 : metric->of(world_.totals(box));
}

}  // namespace lapse::sim
