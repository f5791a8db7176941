// gateway.h - app and api with a NAT gateway between them, in virtual time, and what the gateway has counted.
//
// Owner:    a test.
// Memory:   a simulated world.
// Time:     virtual; pass() lets it go on.
// Bytes:    none.
// Cost:     none.
// Lifetime: the ends outlive their sockets.
// Spec:     none.
#pragma once

#include "gtest/gtest.h"

#include "control/metrics/metrics.h"
#include "sim/world.h"
#include "tests/support/nat_topology.h"

namespace lapse::metrics {

inline const Ipv4Address kApi = *parse_ipv4("203.0.113.80");
inline const Ipv4Address kGatewayOutside = *parse_ipv4("203.0.113.10");

// A program that closes when the other end has, or never.
struct End final : sim::TcpUser {
  explicit End(bool closes_after = true) : closes(closes_after) {}
  void on_connected(sim::TcpSocket& connected) override { socket = &connected; }
  void on_data(sim::TcpSocket&, uint64_t) override {}
  void on_end(sim::TcpSocket& ended) override {
    if (closes) {
      ended.close();
    }
  }
  void on_error(sim::TcpSocket&, int) override { socket = nullptr; }

  bool closes;
  sim::TcpSocket* socket = nullptr;
};

class Gateway : public testing::Test {
 protected:
  Gateway() {
    api().listen(be16(8080), [this](sim::TcpSocket&) { return &server; });
    api().bind(be16(53), [](const FiveTuple&, uint16_t) {});
  }

  sim::Host& app() { return *world.host("app"); }
  sim::Host& api() { return *world.host("api"); }

  void connect() {
    app().connect(kApi, be16(8080), client);
    pass(std::chrono::seconds(1));
  }
  // A datagram to api, which says nothing unless it is to answer.
  void request(uint16_t size) {
    app().request(kApi, be16(53), size, [](const FiveTuple&, uint16_t) {});
  }
  void answer_with(uint16_t size) {
    api().bind(be16(53), [this, size](const FiveTuple& from, uint16_t) {
      api().send_datagram(from.source, from.source_port, from.destination_port, size);
    });
  }
  void pass(Duration duration) {
    world.settle();
    world.run_until(world.engine().now() + duration);
  }
  uint64_t value(std::string_view name) {
    const Metric* const metric = find("nat-gateway", name);
    EXPECT_NE(metric, nullptr) << name;
    return metric == nullptr ? 0 : metric->of(world.totals(BoxId{0}));
  }

  topology::Topology topology = test::nat_topology();
  sim::World world{topology, {}, [](const Event&) {}};
  End client;
  End server;
  End keeps_open{false};
};

}  // namespace lapse::metrics
