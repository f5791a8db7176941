// A gateway's counters under their provider's names, after conversations in virtual time. Rows of aws-behaviour 9.1.
#include "control/metrics/metrics.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "sim/world.h"
#include "tests/support/nat_topology.h"

namespace lapse::metrics {
namespace {

using sim::TcpSocket;
using std::chrono::seconds;

constexpr BoxId kGateway{0};

struct End final : sim::TcpUser {
  void on_connected(TcpSocket& connected) override { socket = &connected; }
  void on_data(TcpSocket&, uint64_t) override {}
  void on_end(TcpSocket& ended) override { ended.close(); }
  void on_error(TcpSocket&, int) override { socket = nullptr; }

  TcpSocket* socket = nullptr;
};

class Metrics : public testing::Test {
 protected:
  Metrics() {
    api().listen(be16(8080), [this](TcpSocket&) { return &server; });
    api().bind(be16(53), [](const FiveTuple&, uint16_t) {});
  }

  sim::Host& app() { return *world.host("app"); }
  sim::Host& api() { return *world.host("api"); }
  void connect() {
    app().connect(*parse_ipv4("203.0.113.80"), be16(8080), client);
    pass(seconds(1));
  }
  void pass(Duration duration) {
    world.settle();
    world.run_until(world.engine().now() + duration);
  }
  uint64_t value(std::string_view name) {
    Totals sums = totals(world.network(), kGateway);
    count_flows(*world.network().box(kGateway).flows(), to_tick(world.engine().now()), sums);
    const Metric* const metric = find("nat-gateway", name);
    EXPECT_NE(metric, nullptr) << name;
    return metric == nullptr ? 0 : metric->of(sums);
  }

  topology::Topology topology = test::nat_topology();
  sim::World world{topology, {}, [](const Event&) {}};
  End client;
  End server;
};

TEST_F(Metrics, ConnectionIsAttemptedOnceEstablishedAndActive) {
  connect();
  EXPECT_EQ(value("ConnectionAttemptCount"), 1U);
  EXPECT_EQ(value("ConnectionEstablishedCount"), 1U);
  EXPECT_EQ(value("ActiveConnectionCount"), 1U);
  EXPECT_EQ(value("IdleTimeoutCount"), 0U);
}

// C-16: "initial SYN only".
TEST_F(Metrics, RepeatedSynIsOneAttempt) {
  api().vanish();
  connect();
  pass(seconds(10));
  EXPECT_GT(value("PacketsInFromSource"), 1U);
  EXPECT_EQ(value("ConnectionAttemptCount"), 1U);
  EXPECT_EQ(value("ConnectionEstablishedCount"), 0U);
  EXPECT_EQ(value("ActiveConnectionCount"), 0U);
}

// C-17: at the transition; nobody has to speak.
TEST_F(Metrics, IdleConnectionIsCountedWhenItBecomesIdle) {
  connect();
  pass(seconds(348));
  EXPECT_EQ(value("IdleTimeoutCount"), 0U);
  pass(seconds(2));
  EXPECT_EQ(value("IdleTimeoutCount"), 1U);
  EXPECT_EQ(value("ActiveConnectionCount"), 0U);
}

TEST_F(Metrics, GracefulCloseIsNoIdleTimeout) {
  connect();
  client.socket->close();
  pass(seconds(1000));
  EXPECT_EQ(value("IdleTimeoutCount"), 0U);
  EXPECT_EQ(value("ActiveConnectionCount"), 0U);
}

TEST_F(Metrics, DatagramsAreNoConnections) {
  app().request(*parse_ipv4("203.0.113.80"), be16(53), 32, [](const FiveTuple&, uint16_t) {});
  pass(seconds(1000));
  EXPECT_EQ(value("ConnectionAttemptCount"), 0U);
  EXPECT_EQ(value("IdleTimeoutCount"), 0U);
  EXPECT_EQ(value("PacketsInFromSource"), 1U);
  EXPECT_EQ(value("BytesInFromSource"), 20U + 8U + 32U) << "of the IP packet";
  EXPECT_EQ(value("PacketsOutToDestination"), 1U);
  EXPECT_EQ(value("BytesOutToDestination"), 20U + 8U + 32U);
}

// S0.1: what comes in from the destination exceeds what goes out to the source, and is dropped.
TEST_F(Metrics, LateAnswerComesInAndDoesNotGoOut) {
  connect();
  pass(seconds(360));
  const uint64_t before = value("PacketsOutToSource");
  const uint64_t in_before = value("PacketsInFromDestination");
  server.socket->write(57);
  pass(seconds(10));
  const uint64_t late = value("PacketsInFromDestination") - in_before;
  EXPECT_GE(late, 2U) << "it is sent again";
  EXPECT_EQ(value("PacketsOutToSource"), before);
  EXPECT_EQ(value("PacketsDropCount"), late);
}

// S1.4: the gateway's own reset goes out to the source, and what it answers is not lost.
TEST_F(Metrics, LateClientIsResetAndNothingIsLost) {
  connect();
  pass(seconds(360));
  const uint64_t before = value("PacketsOutToSource");
  client.socket->write(5);
  pass(seconds(1));
  EXPECT_EQ(value("PacketsOutToSource"), before + 1);
  EXPECT_EQ(value("PacketsDropCount"), 0U);
}

TEST(MetricNames, AreThoseOfTheProvider) {
  EXPECT_EQ(names_of("nat-gateway").size(), 14U);
  EXPECT_EQ(find("nat-gateway", "idletimeoutcount"), nullptr);
  EXPECT_TRUE(why_not("nat-gateway", "PeakBytesPerSecond").has_value());
  EXPECT_FALSE(why_not("nat-gateway", "PeakTimeouts").has_value());
  EXPECT_TRUE(names_of("firewall").empty());
}

}  // namespace
}  // namespace lapse::metrics
