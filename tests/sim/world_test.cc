// Hosts and boxes in virtual time: what a connection through a NAT gateway experiences. Rows of aws-behaviour section 11.
#include "sim/world.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

#include "control/story/ladder.h"
#include "control/story/recorder.h"
#include "tests/support/nat_topology.h"

namespace lapse::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One end of a connection, and what it lived through.
struct Program final : TcpUser {
  explicit Program(World& owner) : world(owner) {}

  void on_connected(TcpSocket& connected) override {
    socket = &connected;
    connected_at = world.engine().now();
  }
  void on_data(TcpSocket& from, uint64_t bytes) override {
    received += bytes;
    last_data = world.engine().now();
    if (answer > 0) {
      const uint64_t size = answer;
      answers.push_back(std::make_unique<Timer>(world.engine(), [&from, size] { from.write(size); }));
      answers.back()->arm(world.engine().now() + answer_after);
    }
  }
  void on_end(TcpSocket& ended) override {
    end_at = world.engine().now();
    if (closes_in_turn) {
      ended.close();
      socket = nullptr;
    }
  }
  void on_error(TcpSocket&, int code) override {
    error = code;
    error_at = world.engine().now();
    socket = nullptr;
    for (const auto& timer : answers) {
      timer->cancel();
    }
  }

  World& world;
  TcpSocket* socket = nullptr;
  uint64_t answer = 0;
  Duration answer_after{};
  bool closes_in_turn = false;
  uint64_t received = 0;
  Instant connected_at{};
  Instant last_data{};
  std::optional<Instant> end_at;
  int error = 0;
  Instant error_at{};
  std::vector<std::unique_ptr<Timer>> answers;
};

class SimulatedNat : public testing::Test {
 protected:
  explicit SimulatedNat(const std::string& change = "", const std::string& by = "") {
    std::string text = test::kNatTopology;
    if (!change.empty()) {
      text.replace(text.find(change), change.size(), by);
    }
    topology::Findings findings;
    topology = topology::load_text(text, "nat.yaml", findings);
    EXPECT_TRUE(topology) << findings.errors.front();
    world = std::make_unique<World>(*topology, World::Options{.seed = 7}, [this](const Event& event) {
      recorder->add(event);
      if (event.kind != EventKind::kPacket) {
        events.push_back(event);
      }
    });
    recorder = std::make_unique<story::Recorder>(world->directory());
    client = std::make_unique<Program>(*world);
    server = std::make_unique<Program>(*world);
    world->host("api")->listen(be16(8080), [this](TcpSocket&) { return server.get(); });
  }

  void connect() {
    world->host("app")->connect(ip("203.0.113.80"), be16(8080), *client);
    world->settle();
  }
  void ask(uint64_t request, uint64_t response, Duration after) {
    server->answer = response;
    server->answer_after = after;
    client->socket->write(request);
    world->settle();
  }
  void at(Duration time) { world->run_until(Instant(time)); }

  size_t count(EventKind kind) const {
    return static_cast<size_t>(
        std::count_if(events.begin(), events.end(), [kind](const Event& event) { return event.kind == kind; }));
  }
  const Event* first(EventKind kind) const {
    const auto found =
        std::find_if(events.begin(), events.end(), [kind](const Event& event) { return event.kind == kind; });
    return found == events.end() ? nullptr : &*found;
  }
  std::string ladder() const {
    const auto stories = recorder->find("last");
    return stories.empty() ? "" : story::render_ladder(stories.back(), world->directory());
  }
  static Ipv4Address ip(const char* text) { return *parse_ipv4(text); }

  std::optional<topology::Topology> topology;
  std::unique_ptr<story::Recorder> recorder;
  std::vector<Event> events;
  std::unique_ptr<World> world;
  std::unique_ptr<Program> client;
  std::unique_ptr<Program> server;
};

TEST_F(SimulatedNat, AConnectionIsMadeUsedAndClosed) {
  server->closes_in_turn = true;
  connect();
  ask(120, 57, milliseconds(100));
  at(seconds(1));
  EXPECT_EQ(server->received, 120u);
  EXPECT_EQ(client->received, 57u);
  client->socket->close();
  at(seconds(2));
  EXPECT_TRUE(server->end_at);
  EXPECT_EQ(world->host("api")->socket_count(), 0u);
  EXPECT_EQ(world->host("app")->socket_count(), 1u) << "TIME-WAIT";
  at(seconds(70));
  EXPECT_EQ(world->host("app")->socket_count(), 0u);
  EXPECT_EQ(client->error, 0);
  EXPECT_EQ(count(EventKind::kFlowClosed), 1u) << ladder();
}

// net.ipv4.ip_local_port_range: 32768 to 60999, each of them once towards one port of a server; connect(2): EADDRNOTAVAIL.
TEST_F(SimulatedNat, AHostHasAsManyConnectionsToAServerAsItsKernelHasPorts) {
  constexpr size_t kPorts = 60999 - 32768 + 1;
  const Ipv4Address api = *parse_ipv4("203.0.113.80");
  Host& app = *world->host("app");
  Program idle(*world);
  for (size_t opened = 0; opened < kPorts; ++opened) {
    ASSERT_NE(app.connect(api, be16(8080), idle), nullptr) << opened;
    world->settle();
  }
  EXPECT_EQ(app.connect(api, be16(8080), idle), nullptr);
  EXPECT_TRUE(app.reaches(api));
  EXPECT_NE(app.connect(api, be16(8081), idle), nullptr) << "another port of the server has ports of its own";
  world->settle();
}

// S0.1: the answer after 363.627 s meets nobody; the client goes on waiting, the server repeats itself and gives up.
TEST_F(SimulatedNat, AnAnswerAfterTheTimeoutIsLostInSilence) {
  connect();
  ask(120, 57, milliseconds(363'627));
  at(seconds(1200));
  EXPECT_EQ(client->received, 0u);
  EXPECT_EQ(client->error, 0);
  EXPECT_EQ(client->socket->state(), TcpSocketState::kEstablished);
  ASSERT_NE(first(EventKind::kFlowExpired), nullptr);
  EXPECT_EQ(first(EventKind::kFlowExpired)->time, Instant(seconds(350)));
  EXPECT_EQ(count(EventKind::kRstSent), 0u);
  EXPECT_GT(count(EventKind::kLatePacket), 5u) << "the server's retransmissions";
}

// S0.3: before the timeout it arrives.
TEST_F(SimulatedNat, AnAnswerBeforeTheTimeoutArrives) {
  connect();
  ask(120, 57, seconds(340));
  at(seconds(400));
  EXPECT_EQ(client->received, 57u);
  EXPECT_EQ(client->last_data, Instant(seconds(340)));
  EXPECT_EQ(count(EventKind::kFlowExpired), 0u);
}

// S0.2: probes after 349 s and then every 10 s hold the flow.
TEST_F(SimulatedNat, KeepaliveBelowTheTimeoutBringsTheAnswer) {
  connect();
  client->socket->set_keepalive({.on = true, .time = seconds(349), .interval = seconds(10), .probes = 3});
  ask(120, 57, milliseconds(363'627));
  at(seconds(400));
  EXPECT_EQ(client->received, 57u) << ladder();
  EXPECT_EQ(client->last_data, Instant(milliseconds(363'627)));
  EXPECT_EQ(count(EventKind::kFlowExpired), 0u);
}

// S0.8: at 350 s the probe finds the flow gone.
TEST_F(SimulatedNat, KeepaliveAtTheTimeoutIsTooLate) {
  connect();
  client->socket->set_keepalive({.on = true, .time = seconds(350), .interval = seconds(10), .probes = 3});
  at(seconds(400));
  EXPECT_EQ(client->error, ECONNRESET);
  EXPECT_EQ(client->error_at, Instant(seconds(350)));
  EXPECT_EQ(server->error, 0);
}

// S0.9: the kernel's default of two hours.
TEST_F(SimulatedNat, DefaultKeepaliveIsResetAfterTwoHours) {
  connect();
  client->socket->set_keepalive({.on = true});
  at(seconds(7199));
  EXPECT_EQ(client->error, 0);
  at(seconds(7200));
  EXPECT_EQ(client->error, ECONNRESET);
}

// S0.10: the other end has gone; three probes and the connection is given up.
TEST_F(SimulatedNat, ADeadPeerIsFoundByKeepalive) {
  connect();
  client->socket->set_keepalive({.on = true, .time = seconds(349), .interval = seconds(10), .probes = 3});
  world->host("api")->vanish();
  at(seconds(500));
  EXPECT_EQ(client->error, ETIMEDOUT);
  EXPECT_EQ(client->error_at, Instant(seconds(379)));
}

// S1.4: the client speaks after the timeout and is reset; the server is not told.
TEST_F(SimulatedNat, ALateClientIsReset) {
  connect();
  at(seconds(351));
  client->socket->write(5);
  at(seconds(352));
  EXPECT_EQ(client->error, ECONNRESET);
  EXPECT_EQ(client->error_at, Instant(seconds(351)));
  EXPECT_EQ(server->error, 0);
  EXPECT_EQ(count(EventKind::kRstSent), 1u);
}

// S1.7: a dead peer is declared at 45 + 9 * 45 s.
TEST_F(SimulatedNat, SysctlsOf45SecondsDeclareADeadPeerAt450) {
  connect();
  client->socket->set_keepalive({.on = true, .time = seconds(45), .interval = seconds(45), .probes = 9});
  world->host("api")->vanish();
  at(seconds(1000));
  EXPECT_EQ(client->error, ETIMEDOUT);
  EXPECT_EQ(client->error_at, Instant(seconds(450)));
}

TEST_F(SimulatedNat, APortWithoutAListenerRefuses) {
  world->host("app")->connect(ip("203.0.113.80"), be16(81), *client);
  at(seconds(1));
  EXPECT_EQ(client->error, ECONNREFUSED);
}

// Linux's six retries behind four linear ones: 131 s.
TEST_F(SimulatedNat, ASynThatNobodyAnswersGivesUp) {
  world->host("api")->vanish();
  world->host("app")->connect(ip("203.0.113.80"), be16(8080), *client);
  at(seconds(200));
  EXPECT_EQ(client->error, ETIMEDOUT);
  EXPECT_EQ(client->error_at, Instant(seconds(131)));
}

// tcp_retries2 = 15: 924.6 s after the first retransmission, when the next one would be due.
TEST_F(SimulatedNat, DataThatNobodyAcknowledgesGivesUp) {
  connect();
  world->host("api")->vanish();
  client->socket->write(100);
  at(seconds(2000));
  EXPECT_EQ(client->error, ETIMEDOUT);
  EXPECT_GE(client->error_at, Instant(milliseconds(924'600)));
  EXPECT_LE(client->error_at, Instant(seconds(1045)));
}

TEST_F(SimulatedNat, TcpUserTimeoutGivesUpSooner) {
  connect();
  world->host("api")->vanish();
  client->socket->set_user_timeout(seconds(30));
  client->socket->write(100);
  at(seconds(2000));
  EXPECT_EQ(client->error, ETIMEDOUT);
  EXPECT_GE(client->error_at, Instant(seconds(30)));
  EXPECT_LE(client->error_at, Instant(seconds(60)));
}

TEST_F(SimulatedNat, TenMebibytesArrive) {
  connect();
  client->socket->write(10 << 20);
  at(seconds(60));
  EXPECT_EQ(server->received, 10u << 20);
}

// A gateway that lowers no MSS, and carries less than the hosts' links do: it tells them, and they send less (RFC 1191).
class SimulatedNarrowNat : public SimulatedNat {
 protected:
  SimulatedNarrowNat() : SimulatedNat("kind: nat-gateway", "kind: nat-gateway\n    mtu: 1000\n    mss_clamping: off") {}
};

TEST_F(SimulatedNarrowNat, Row3_2_PathMtuDiscoveryFromInside) {
  connect();
  client->socket->write(10 << 20);
  at(seconds(60));
  EXPECT_EQ(server->received, 10u << 20) << ladder();
  EXPECT_GE(count(EventKind::kIcmpSent), 1u);
  EXPECT_LE(count(EventKind::kIcmpSent), 20u) << "told once for each segment that was under way";
  EXPECT_EQ(world->host("app")->mss(ip("203.0.113.80")), 960);
}

TEST_F(SimulatedNarrowNat, Row3_2_PathMtuDiscoveryFromOutside) {
  connect();
  ask(100, 1 << 20, milliseconds(10));
  at(seconds(60));
  EXPECT_EQ(client->received, 1u << 20) << ladder();
  EXPECT_EQ(world->host("api")->mss(ip("203.0.113.10")), 960);
}

class SimulatedClampingNat : public SimulatedNat {
 protected:
  SimulatedClampingNat() : SimulatedNat("kind: nat-gateway", "kind: nat-gateway\n    mtu: 1000") {}
};

TEST_F(SimulatedClampingNat, Row3_2_LoweredMssNeedsNoDiscovery) {
  connect();
  client->socket->write(10 << 20);
  at(seconds(60));
  EXPECT_EQ(server->received, 10u << 20);
  EXPECT_EQ(count(EventKind::kIcmpSent), 0u);
}

// A half-closed connection still carries the answer.
TEST_F(SimulatedNat, AHalfClosedConnectionCarriesTheAnswer) {
  connect();
  ask(100, 1000, seconds(5));
  client->socket->shutdown_write();
  at(seconds(3));
  EXPECT_TRUE(server->end_at);
  EXPECT_EQ(client->socket->state(), TcpSocketState::kFinWait2);
  at(seconds(10));
  EXPECT_EQ(client->received, 1000u);
}

TEST_F(SimulatedNat, DatagramsAndEchoAreAnswered) {
  Host& app = *world->host("app");
  Host& api = *world->host("api");
  api.bind(be16(53), [&api](const FiveTuple& from, uint16_t) {
    api.send_datagram(from.source, from.source_port, from.destination_port, 120);
  });
  uint16_t answered = 0;
  app.request(ip("203.0.113.80"), be16(53), 33, [&answered](const FiveTuple&, uint16_t size) { answered = size; });
  app.ping(ip("203.0.113.80"), 7, 1);
  at(seconds(1));
  EXPECT_EQ(answered, 120);
  EXPECT_EQ(app.echo_replies(), 1u);
}

// Five days of silence are a handful of events.
TEST_F(SimulatedNat, FiveDaysCostNothing) {
  connect();
  at(std::chrono::hours(24 * 5));
  EXPECT_LT(world->engine().events(), 100u);
  EXPECT_EQ(count(EventKind::kFlowExpired), 1u);
}

TEST_F(SimulatedNat, ConservationIsExact) {
  connect();
  ask(120, 57, milliseconds(363'627));
  at(seconds(1200));
  const Conservation sum = world->network().process_conservation();
  EXPECT_EQ(sum.received + sum.originated, sum.sent + sum.dropped + sum.held);
  EXPECT_GT(sum.received, 0u);
}

// The same seed makes the same run, to the last byte of every event.
TEST(World, IsRepeatable) {
  const auto run = [](uint64_t seed) {
    topology::Findings findings;
    const auto topology = topology::load_text(test::kNatTopology, "nat.yaml", findings);
    std::string trace;
    World world(*topology, {.seed = seed}, [&trace](const Event& event) {
      trace += std::to_string(event.time.time_since_epoch().count()) + " " + to_string(event.tuple) + " " +
               std::to_string(event.sequence) + "\n";
    });
    Program client(world);
    Program server(world);
    server.answer = 10;
    server.answer_after = seconds(400);
    world.host("api")->listen(be16(80), [&server](TcpSocket&) { return &server; });
    TcpSettings settings;
    settings.timer_step = TimerStep::kHz250;
    settings.keepalive = {.on = true, .time = seconds(60)};
    TcpSocket* const socket = world.host("app")->connect(*parse_ipv4("203.0.113.80"), be16(80), client, settings);
    socket->write(100);
    world.run_until(Instant(seconds(1000)));
    return trace;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
  EXPECT_GT(run(1).size(), 1000u);
}

// The kernel's timer is never early, and late by a step that grows with the delay: at HZ=250 0.25 s near 7 s, 2 s near
// 60 s, 16 s near 349 s.
TEST(HostTimers, AreLateByAStepOfTheWheel) {
  topology::Findings findings;
  const auto topology = topology::load_text(test::kNatTopology, "nat.yaml", findings);
  const struct {
    Duration delay;
    Duration most;
  } cases[] = {{milliseconds(200), milliseconds(4)},
               {seconds(7), milliseconds(256)},
               {seconds(60), milliseconds(2048)},
               {seconds(349), milliseconds(16384)}};
  for (const auto& [delay, most] : cases) {
    Duration latest{};
    for (uint64_t seed = 0; seed < 200; ++seed) {
      World world(*topology, {.seed = seed, .packets = 64}, [](const Event&) {});
      const Duration late = world.host("app")->timer_expiry(TimerStep::kHz250, delay) - Instant(delay);
      EXPECT_GE(late, Duration{});
      EXPECT_LT(late, most);
      latest = std::max(latest, late);
    }
    EXPECT_GT(latest, most / 2);
  }
}

}  // namespace
}  // namespace lapse::sim
