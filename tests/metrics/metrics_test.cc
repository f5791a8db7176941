// A gateway's counters under their provider's names, after conversations in virtual time: each metric of aws-behaviour
// 9.1 has a test of its name, which a wrong definition of it would fail.
#include "control/metrics/metrics.h"

#include <fstream>
#include <sstream>

#include "gtest/gtest.h"

#include "tests/box/nat_bench.h"
#include "tests/metrics/gateway.h"

namespace lapse::metrics {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::NatBench;

class Metrics : public Gateway {};

// A gateway alone, packet by packet.
uint64_t value(const NatBench& bench, std::string_view name) {
  Totals sums;
  add(bench.counters(), sums);
  return find("nat-gateway", name)->of(sums);
}

// Concurrent and TCP: of three connections one is open, one half closed, one closed, and a datagram is none.
TEST_F(Metrics, ActiveConnectionCount) {
  api().listen(be16(8081), [this](sim::TcpSocket&) { return &keeps_open; });
  connect();
  End half_closed;
  app().connect(kApi, be16(8081), half_closed);
  End closed;
  app().connect(kApi, be16(8080), closed);
  request(32);
  pass(seconds(1));
  EXPECT_EQ(value("ActiveConnectionCount"), 3U);
  half_closed.socket->close();
  closed.socket->close();
  pass(seconds(1));
  EXPECT_EQ(value("ActiveConnectionCount"), 2U) << "one FIN does not end a connection";
  pass(seconds(346));
  EXPECT_EQ(value("ActiveConnectionCount"), 2U);
  pass(seconds(10));
  EXPECT_EQ(value("ActiveConnectionCount"), 0U) << "idle ones are not active";
}

// Bytes are those of IP packets: a datagram of 32 bytes is one of 60. A late answer comes in and does not go out (S0.1).
TEST_F(Metrics, BytesInFromSource) {
  request(32);
  pass(seconds(1));
  EXPECT_EQ(value("BytesInFromSource"), 60U);
  api().send_datagram(kGatewayOutside, be16(9), be16(53), 100);
  pass(seconds(1));
  EXPECT_EQ(value("BytesInFromSource"), 60U);
}

TEST_F(Metrics, BytesOutToDestination) {
  request(32);
  app().send_datagram(kGatewayOutside, be16(53), be16(9), 100);  // hairpin: it comes in, and nobody gets it
  pass(seconds(1));
  EXPECT_EQ(value("BytesOutToDestination"), 60U);
  EXPECT_EQ(value("BytesInFromSource"), 60U + 128U);
}

TEST_F(Metrics, BytesInFromDestination) {
  answer_with(20);
  request(32);
  pass(seconds(1));
  EXPECT_EQ(value("BytesInFromDestination"), 48U);
  api().send_datagram(kGatewayOutside, be16(9), be16(53), 100);  // nobody asked for it
  pass(seconds(1));
  EXPECT_EQ(value("BytesInFromDestination"), 48U + 128U);
}

TEST_F(Metrics, BytesOutToSource) {
  answer_with(20);
  request(32);
  api().send_datagram(kGatewayOutside, be16(9), be16(53), 100);
  pass(seconds(1));
  EXPECT_EQ(value("BytesOutToSource"), 48U);
}

TEST_F(Metrics, PacketsInFromSource) {
  answer_with(20);
  request(32);
  app().send_datagram(kGatewayOutside, be16(53), be16(9), 100);
  pass(seconds(1));
  EXPECT_EQ(value("PacketsInFromSource"), 2U);
}

TEST_F(Metrics, PacketsOutToDestination) {
  answer_with(20);
  request(32);
  app().send_datagram(kGatewayOutside, be16(53), be16(9), 100);
  pass(seconds(1));
  EXPECT_EQ(value("PacketsOutToDestination"), 1U);
}

// S0.1: the late answer is sent again and again, and comes in each time.
TEST_F(Metrics, PacketsInFromDestination) {
  connect();
  pass(seconds(360));
  const uint64_t before = value("PacketsInFromDestination");
  const uint64_t out_before = value("PacketsOutToSource");
  server.socket->write(57);
  pass(seconds(10));
  EXPECT_GE(value("PacketsInFromDestination"), before + 2);
  EXPECT_EQ(value("PacketsOutToSource"), out_before);
}

// S1.4: the gateway's own reset goes out to the source, too.
TEST_F(Metrics, PacketsOutToSource) {
  connect();
  pass(seconds(360));
  const uint64_t before = value("PacketsOutToSource");
  const uint64_t in_before = value("PacketsInFromDestination");
  client.socket->write(5);
  pass(seconds(1));
  EXPECT_EQ(value("PacketsOutToSource"), before + 1);
  EXPECT_EQ(value("PacketsInFromDestination"), in_before);
}

// C-16: "initial SYN only"; nobody has to answer it, and a datagram is none.
TEST_F(Metrics, ConnectionAttemptCount) {
  request(32);
  api().vanish();
  connect();
  pass(seconds(10));
  EXPECT_GT(value("PacketsInFromSource"), 2U) << "the SYN was sent again";
  EXPECT_EQ(value("ConnectionAttemptCount"), 1U);
  EXPECT_EQ(value("ConnectionEstablishedCount"), 0U);
}

// The same ports after the end are a new attempt.
TEST(MetricsOfABench, ConnectionAttemptCountOfReusedPorts) {
  NatBench b;
  const test::Connection c = test::establish(b);
  b.inside.send(c.from_client().rst());
  b.outside.expect(c.from_nat().rst());
  EXPECT_EQ(value(b, "ConnectionAttemptCount"), 1U);
  test::open_half(b);
  EXPECT_EQ(value(b, "ConnectionAttemptCount"), 2U);
  EXPECT_EQ(value(b, "ConnectionEstablishedCount"), 1U);
}

// C-16: established on SYN+ACK, once however often it is sent, and whether or not the third segment comes.
TEST(MetricsOfABench, ConnectionEstablishedCount) {
  NatBench b;
  const test::Connection c = test::open_half(b);
  EXPECT_EQ(value(b, "ConnectionEstablishedCount"), 0U);
  for (int times = 0; times < 2; ++times) {
    b.outside.send(test::tcp(c.server, c.nat).syn().seq(5000).ack(1001));
    b.inside.expect_any();
    EXPECT_EQ(value(b, "ConnectionEstablishedCount"), 1U);
  }
  EXPECT_EQ(b.event_count(EventKind::kFlowEstablished), 0U);
  b.inside.send(c.from_client());
  b.outside.expect_any();
  EXPECT_EQ(value(b, "ConnectionEstablishedCount"), 1U);
  EXPECT_EQ(b.event_count(EventKind::kFlowEstablished), 1U);
}

TEST(MetricsOfABench, ConnectionEstablishedCountOfARefusedOne) {
  NatBench b;
  const test::Connection c = test::open_half(b);
  b.outside.send(test::tcp(c.server, c.nat).rst().seq(0).ack(1001));
  b.inside.expect_any();
  EXPECT_EQ(value(b, "ConnectionEstablishedCount"), 0U);
  EXPECT_EQ(value(b, "ConnectionAttemptCount"), 1U);
}

// Each packet that finds no port is one, of any protocol; a full table is not, and neither opens a connection.
TEST(MetricsOfABench, ErrorPortAllocation) {
  NatGateway::Config config = test::nat_config();
  config.ports_per_destination = 1;
  config.capacity = 3;
  NatBench b(config);
  test::open_half(b);
  b.inside.send({test::tcp(test::other_client, test::web).syn(), test::tcp(test::other_client, test::web).syn()});
  b.expect_dropped(DropReason::kPortsExhausted, 2);
  b.inside.send(test::udp(test::client, test::dns));
  b.outside.expect_any();
  b.inside.send(test::udp(test::other_client, test::dns));
  b.expect_dropped(DropReason::kPortsExhausted);
  EXPECT_EQ(value(b, "ErrorPortAllocation"), 3U);
  b.inside.send(test::icmp_echo(test::client, test::web, 7));
  b.outside.expect_any();
  b.inside.send(test::tcp(test::client, test::stranger).syn());
  b.expect_dropped(DropReason::kTableFull);
  EXPECT_EQ(value(b, "ErrorPortAllocation"), 3U);
  EXPECT_EQ(value(b, "PacketsDropCount"), 4U);
  EXPECT_EQ(value(b, "ConnectionAttemptCount"), 1U);
}

// C-17: at the transition, nobody has to speak, and once; what nobody answered or what was closed never was active.
TEST_F(Metrics, IdleTimeoutCount) {
  connect();
  request(32);
  End closed;
  app().connect(kApi, be16(8080), closed);
  End unanswered;
  app().connect(*parse_ipv4("203.0.113.81"), be16(8080), unanswered);
  pass(milliseconds(500));
  closed.socket->close();
  pass(seconds(348));
  EXPECT_EQ(value("IdleTimeoutCount"), 0U);
  pass(seconds(2));
  EXPECT_EQ(value("IdleTimeoutCount"), 1U);
  client.socket->write(5);
  pass(seconds(1000));
  EXPECT_EQ(value("IdleTimeoutCount"), 1U);
}

// "Not closed gracefully": one FIN is no end.
TEST_F(Metrics, IdleTimeoutCountOfAHalfClosedConnection) {
  api().listen(be16(8081), [this](sim::TcpSocket&) { return &keeps_open; });
  End half_closed;
  app().connect(kApi, be16(8081), half_closed);
  pass(seconds(1));
  half_closed.socket->shutdown_write();
  pass(seconds(1000));
  EXPECT_EQ(value("IdleTimeoutCount"), 1U);
}

// Ours, the reference is silent: late packets that are dropped count, those that a reset answers do not.
TEST_F(Metrics, PacketsDropCount) {
  connect();
  pass(seconds(360));
  const uint64_t before = value("PacketsInFromDestination");
  server.socket->write(57);
  pass(seconds(10));
  const uint64_t late = value("PacketsInFromDestination") - before;
  EXPECT_GE(late, 2U);
  EXPECT_EQ(value("PacketsDropCount"), late);
  client.socket->write(5);
  pass(milliseconds(100));
  EXPECT_EQ(value("PacketsDropCount"), late);
}

// 100 questions in one second, 100 answers: 200 packets in ten seconds. Minutes, seconds, one side alone, or what is sent
// as well would give another number.
TEST_F(Metrics, PeakPacketsPerSecond) {
  answer_with(20);
  pass(seconds(21));
  for (int times = 0; times < 100; ++times) {
    request(32);
    pass(milliseconds(10));
  }
  EXPECT_EQ(value("PeakPacketsPerSecond"), 20U) << "the window under way counts";
  pass(seconds(20));
  request(32);
  pass(seconds(3600));
  EXPECT_EQ(value("PeakPacketsPerSecond"), 20U) << "it is the highest of all";
}

// 60 bytes a question, 48 an answer.
TEST_F(Metrics, PeakBytesPerSecond) {
  answer_with(20);
  request(32);  // the neighbours know each other from now on
  pass(seconds(11));
  for (int times = 0; times < 100; ++times) {
    request(32);
  }
  pass(seconds(1));
  EXPECT_EQ(value("PeakBytesPerSecond"), 100U * (60 + 48) / 10);
}

// Windows begin at multiples of ten seconds: what lies in two of them is not added up.
TEST_F(Metrics, PeakPacketsPerSecondOnBothSidesOfAWindowsEnd) {
  pass(milliseconds(9'999));
  for (int times = 0; times < 50; ++times) {
    request(32);
  }
  pass(milliseconds(1));
  for (int times = 0; times < 60; ++times) {
    request(32);
  }
  pass(seconds(30));
  EXPECT_EQ(value("PeakPacketsPerSecond"), 6U);
}

// What is dropped was received.
TEST_F(Metrics, PeakPacketsPerSecondOfUnsolicitedPackets) {
  for (int times = 0; times < 30; ++times) {
    api().send_datagram(kGatewayOutside, be16(9), be16(53), 100);
  }
  pass(seconds(1));
  EXPECT_EQ(value("PeakPacketsPerSecond"), 3U);
}

// Silence costs no event, however long it is.
TEST_F(Metrics, PeaksCostNothingWhileNothingHappens) {
  request(32);
  pass(seconds(400));
  const uint64_t before = world.happenings();
  pass(std::chrono::hours(24 * 5));
  EXPECT_EQ(world.happenings(), before);
}

TEST(MetricNames, AreThoseOfTheProvider) {
  EXPECT_EQ(names_of("nat-gateway").size(), 16U);
  EXPECT_EQ(find("nat-gateway", "idletimeoutcount"), nullptr);
  EXPECT_TRUE(names_of("firewall").empty());
}

// Prometheus: a counter ends in _total, and nothing else does; bytes say so.
TEST(MetricNames, FollowTheirTypeInPrometheus) {
  for (const Metric& metric : metrics_of("nat-gateway")) {
    EXPECT_EQ(metric.prometheus.ends_with("_total"), !metric.gauge) << metric.name;
    EXPECT_EQ(metric.prometheus.find("bytes") != std::string_view::npos,
              metric.name.find("Bytes") != std::string_view::npos)
        << metric.name;
  }
  EXPECT_EQ(prometheus_name("nat-gateway", *find("nat-gateway", "PacketsOutToDestination")),
            "lapse_nat_gateway_packets_out_to_destination_total");
}

TEST(MetricNames, StandInTheReadme) {
  std::ifstream file(std::string(LAPSE_SOURCE_ROOT) + "/control/metrics/README.md");
  ASSERT_TRUE(file.is_open());
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_NE(text.str().find(markdown_table("nat-gateway")), std::string::npos) << "the table has to be:\n"
                                                                               << markdown_table("nat-gateway");
}

}  // namespace
}  // namespace lapse::metrics
