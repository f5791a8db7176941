// Kernel TCP, UDP and ICMP on both sides of a NAT gateway whose clock is moved by hand.
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"
#include "tests/e2e/steering.h"

namespace lapse::test {
namespace {

constexpr int kTcpFin = 0x01;
constexpr int kTcpRst = 0x04;
constexpr int kTcpAck = 0x10;

// A connection from app to api through the gateway, one request answered.
struct Connected {
  explicit Connected(const Lab& lab, int keepalive = 0) : app(lab, "app"), api(lab, "api") {
    const Json listener = api.ok({{"op", "listen"}, {"port", 8080}});
    Json connect{{"op", "connect"}, {"host", "api.example.com"}, {"port", 8080}};
    if (keepalive > 0) {
      connect["keepalive"] = keepalive;
    }
    client = app.ok(connect)["socket"];
    const Json accepted = api.ok({{"op", "accept"}, {"socket", listener["socket"]}});
    seen_from = accepted["address"];
    server = accepted["socket"];
    app.ok({{"op", "send"}, {"socket", client}, {"data", "request"}});
    EXPECT_EQ(api.ok({{"op", "recv"}, {"socket", server}})["data"], "request");
    api.ok({{"op", "send"}, {"socket", server}, {"data", "answer"}});
    EXPECT_EQ(app.ok({{"op", "recv"}, {"socket", client}})["data"], "answer");
    be_quiet();
  }

  // Nothing more comes of what was said: time may jump.
  void be_quiet() {
    app.ok({{"op", "acknowledged"}, {"socket", client}});
    api.ok({{"op", "acknowledged"}, {"socket", server}});
  }

  void sniff() {
    app.ok({{"op", "sniff"}, {"interface", "eth0"}});
    api.ok({{"op", "sniff"}, {"interface", "eth0"}});
  }
  std::vector<Json> captured(Peer& peer) { return peer.ok({{"op", "sniffed"}})["packets"]; }
  Json state(Peer& peer, const Json& socket) { return peer.ok({{"op", "state"}, {"socket", socket}})["state"]; }

  Peer app;
  Peer api;
  Json client;
  Json server;
  std::string seen_from;
};

// The RST that answered 'late' (the last segment that app sent), as app's kernel saw it.
void expect_rst_answers_late_segment(const std::vector<Json>& packets) {
  const Json* late = nullptr;
  const Json* rst = nullptr;
  for (const Json& packet : packets) {
    if (packet["source"] == "10.77.1.10") {
      late = rst == nullptr ? &packet : late;
    } else if ((packet["flags"].get<int>() & kTcpRst) != 0) {
      rst = &packet;
    }
  }
  ASSERT_NE(late, nullptr);
  ASSERT_NE(rst, nullptr);
  EXPECT_EQ((*rst)["source"], "198.18.7.80") << "the RST looks sent by the peer";
  EXPECT_EQ((*rst)["sequence"], (*late)["acknowledgement"]);
  EXPECT_EQ((*rst)["flags"], kTcpRst);
}

// What app sends goes to worker 0, what api answers to worker 1.
void part_the_directions(const Lab& lab) {
  EXPECT_EQ(steer_to_queue(lab, "tap-private", 0), "");
  EXPECT_EQ(steer_to_queue(lab, "tap-internet", 1), "");
}

std::vector<int64_t> packets_of_workers(const Lab& lab) {
  std::vector<int64_t> packets;
  const Json status = lab.ctl_json({"status"});
  for (const Json& worker : status["workers"]) {
    packets.push_back(worker["packets"]);
  }
  return packets;
}

TEST(NatGatewayEndToEnd, ServerSeesTheOutsideAddress) {
  Lab lab;
  Connected c(lab);
  EXPECT_EQ(c.seen_from, "198.18.7.10");
  EXPECT_EQ(lab.events("flow_new").size(), 1U);
  EXPECT_EQ(lab.events("flow_established").size(), 1U);
}

// Section 1: a flow that has been idle for 349 s is alive.
TEST(NatGatewayEndToEnd, Idle349sThenDataPasses) {
  Lab lab;
  Connected c(lab);
  lab.advance("349s");
  c.app.ok({{"op", "send"}, {"socket", c.client}, {"data", "more"}});
  EXPECT_EQ(c.api.ok({{"op", "recv"}, {"socket", c.server}})["data"], "more");
  c.api.ok({{"op", "send"}, {"socket", c.server}, {"data", "fine"}});
  EXPECT_EQ(c.app.ok({{"op", "recv"}, {"socket", c.client}})["data"], "fine");
  EXPECT_TRUE(lab.events("flow_expired").empty());
}

// L1, S1.4: data from inside after 351 s meets a RST; the server is told nothing.
TEST(NatGatewayEndToEnd, Idle351sThenClientDataMeetsRst) {
  Lab lab;
  Connected c(lab);
  lab.advance("351s");
  c.sniff();
  c.app.ok({{"op", "send"}, {"socket", c.client}, {"data", "late"}});
  EXPECT_EQ(c.app.call({{"op", "recv"}, {"socket", c.client}})["error"], "ECONNRESET");
  expect_rst_answers_late_segment(c.captured(c.app));
  EXPECT_TRUE(c.captured(c.api).empty());
  EXPECT_EQ(c.state(c.api, c.server), "ESTABLISHED");
  const auto expired = lab.events("flow_expired");
  ASSERT_EQ(expired.size(), 1U);
  EXPECT_EQ(expired[0]["told"], "nobody");
  EXPECT_EQ(lab.events("rst_sent").size(), 1U);
}

// L2, C-1 (default), S0.1: the server's late answer is dropped in silence.
TEST(NatGatewayEndToEnd, Idle351sThenServerDataIsDropped) {
  Lab lab;
  Connected c(lab);
  lab.advance("351s");
  c.sniff();
  c.api.ok({{"op", "send"}, {"socket", c.server}, {"data", "too late"}});
  EXPECT_EQ(c.api.call({{"op", "recv"}, {"socket", c.server}, {"timeout", 1}})["error"], "timeout");
  for (const Json& packet : c.captured(c.api)) {
    EXPECT_EQ(packet["source"], "198.18.7.80") << "nobody answers: " << packet.dump();
  }
  EXPECT_TRUE(c.captured(c.app).empty());
  EXPECT_EQ(c.state(c.app, c.client), "ESTABLISHED");
  EXPECT_GE(lab.events("late_packet").size(), 1U);
}

// L3, C-1 (the other side of the conflict): with the setting the server is told by a RST.
TEST(NatGatewayEndToEnd, Idle351sThenServerDataMeetsRstWithTheSetting) {
  Lab lab({"--set", "natgw.late_packet={inside: rst, outside: rst}"});
  Connected c(lab);
  lab.advance("351s");
  c.sniff();
  c.api.ok({{"op", "send"}, {"socket", c.server}, {"data", "too late"}});
  EXPECT_EQ(c.api.call({{"op", "recv"}, {"socket", c.server}})["error"], "ECONNRESET");
  EXPECT_TRUE(c.captured(c.app).empty());
  EXPECT_EQ(c.state(c.app, c.client), "ESTABLISHED");
}

// L1, 2.5: a keepalive probe after the state is gone is answered by the gateway, not by the peer.
TEST(NatGatewayEndToEnd, LateKeepaliveProbeMeetsRst) {
  Lab lab;
  Connected c(lab, 1);
  c.sniff();
  lab.advance("351s", /*force=*/true);
  EXPECT_EQ(c.app.call({{"op", "recv"}, {"socket", c.client}})["error"], "ECONNRESET");
  expect_rst_answers_late_segment(c.captured(c.app));
  EXPECT_EQ(c.state(c.api, c.server), "ESTABLISHED");
}

// L1: a FIN after the state is gone meets a RST too, and the server never learns that the client left.
TEST(NatGatewayEndToEnd, LateFinMeetsRst) {
  Lab lab;
  Connected c(lab);
  lab.advance("351s");
  c.sniff();
  c.app.ok({{"op", "shutdown"}, {"socket", c.client}});
  EXPECT_EQ(c.app.call({{"op", "recv"}, {"socket", c.client}})["error"], "ECONNRESET");
  const auto packets = c.captured(c.app);
  expect_rst_answers_late_segment(packets);
  EXPECT_EQ(packets[0]["flags"], kTcpFin | kTcpAck);
  EXPECT_TRUE(c.captured(c.api).empty());
  EXPECT_EQ(c.state(c.api, c.server), "ESTABLISHED");
}

// L6, L7: a datagram after the timeout comes from a new port; an answer to the old one is dropped.
TEST(NatGatewayEndToEnd, UdpForgetsAtItsTimeout) {
  Lab lab;
  Peer app(lab, "app");
  Peer api(lab, "api");
  const Json server = api.ok({{"op", "udp"}, {"port", 5353}})["socket"];
  const Json client = app.ok({{"op", "udp"}})["socket"];
  const Json query{{"op", "sendto"}, {"socket", client}, {"host", "198.18.7.80"}, {"port", 5353}, {"data", "query"}};
  app.ok(query);
  const Json first = api.ok({{"op", "recvfrom"}, {"socket", server}});
  EXPECT_EQ(first["address"], "198.18.7.10");
  const auto answer = [&](const Json& to) {
    api.ok({{"op", "sendto"}, {"socket", server}, {"host", to["address"]}, {"port", to["port"]}, {"data", "answer"}});
  };
  lab.advance("349s");
  answer(first);
  EXPECT_EQ(app.ok({{"op", "recvfrom"}, {"socket", client}})["data"], "answer");
  lab.advance("351s", /*force=*/true);
  answer(first);
  app.ok(query);
  const Json second = api.ok({{"op", "recvfrom"}, {"socket", server}});
  EXPECT_NE(second["port"], first["port"]);
  answer(second);
  EXPECT_EQ(app.ok({{"op", "recvfrom"}, {"socket", client}})["data"], "answer");
  EXPECT_EQ(app.call({{"op", "recvfrom"}, {"socket", client}, {"timeout", 0.5}})["error"], "timeout");
}

// Row 3.1, "Removing an address": what it serves goes on until the drain is over; new flows go elsewhere.
TEST(NatGatewayEndToEnd, AddressesComeAndGo) {
  Lab lab;
  EXPECT_EQ(lab.ctl({"addresses", "associate", "natgw", "198.18.7.11"}).status, 0);
  Peer app(lab, "app");
  Peer api(lab, "api");
  const Json listener = api.ok({{"op", "listen"}, {"port", 8080}})["socket"];
  const auto connect = [&](Json& client, Json& server) -> std::string {
    client = app.ok({{"op", "connect"}, {"host", "198.18.7.80"}, {"port", 8080}})["socket"];
    const Json accepted = api.ok({{"op", "accept"}, {"socket", listener}});
    server = accepted["socket"];
    return accepted["address"];
  };
  Json client, server;
  while (connect(client, server) != "198.18.7.11") {
  }
  EXPECT_EQ(lab.ctl({"addresses", "disassociate", "natgw", "198.18.7.11", "--drain", "100s"}).status, 0);
  for (int i = 0; i < 10; ++i) {
    Json other_client, other_server;
    EXPECT_EQ(connect(other_client, other_server), "198.18.7.10");
  }
  app.ok({{"op", "send"}, {"socket", client}, {"data", "still"}});
  EXPECT_EQ(api.ok({{"op", "recv"}, {"socket", server}})["data"], "still");
  api.ok({{"op", "send"}, {"socket", server}, {"data", "here"}});
  EXPECT_EQ(app.ok({{"op", "recv"}, {"socket", client}})["data"], "here");
  app.ok({{"op", "acknowledged"}, {"socket", client}});
  api.ok({{"op", "acknowledged"}, {"socket", server}});
  lab.advance("101s");
  app.ok({{"op", "send"}, {"socket", client}, {"data", "too late"}});
  EXPECT_EQ(app.call({{"op", "recv"}, {"socket", client}})["error"], "ECONNRESET");
  EXPECT_EQ(lab.events("flow_released").size(), 1U);
  EXPECT_EQ(lab.ctl({"addresses", "show"}).output, "natgw: 198.18.7.10 (primary)\n");
}

// L6: an echo request after the timeout makes a new mapping.
TEST(NatGatewayEndToEnd, IcmpEchoForgetsAtItsTimeout) {
  Lab lab;
  Peer app(lab, "app");
  Json ping{{"op", "ping"}, {"host", "198.18.7.80"}};
  ping["socket"] = app.ok(ping)["socket"];
  lab.advance("349s");
  EXPECT_EQ(app.ok(ping)["type"], 0);
  EXPECT_EQ(lab.events("flow_new").size(), 1U);
  lab.advance("351s", /*force=*/true);
  EXPECT_EQ(app.ok(ping)["type"], 0);
  EXPECT_EQ(lab.events("flow_new").size(), 2U);
}

// The guard: a jump would hide the keepalive that keeps this flow alive.
TEST(NatGatewayEndToEnd, AdvanceStopsBeforeAFlowThatIsKeptAlive) {
  Lab lab;
  Connected c(lab, 2);
  c.sniff();
  // Two probes on the wire are a cadence.
  for (int probes = 0; probes < 2;) {
    for (const Json& packet : c.captured(c.app)) {
      probes += packet["source"] == "10.77.1.10" && packet["length"] == 0 ? 1 : 0;
    }
  }
  const Finished stopped = lab.ctl({"clock", "advance", "351s"});
  EXPECT_EQ(stopped.status, 1) << stopped.output << stopped.errors;
  EXPECT_NE((stopped.output + stopped.errors).find("--force"), std::string::npos);
  EXPECT_TRUE(lab.events("flow_expired").empty());
}

// No correctness rests on which worker has a flow: one opened it and sees only what app sends, the other only answers.
TEST(NatGatewayEndToEnd, RepliesThatComeToTheOtherWorkerPass) {
  if (!is_root()) {
    GTEST_SKIP() << "steering a tap's frames takes root";
  }
  constexpr int kExchanges = 100;
  Lab lab({"--workers", "2"});
  part_the_directions(lab);
  Connected c(lab);
  const auto before = packets_of_workers(lab);
  for (int i = 0; i < kExchanges; ++i) {
    c.app.ok({{"op", "send"}, {"socket", c.client}, {"data", "question"}});
    EXPECT_EQ(c.api.ok({{"op", "recv"}, {"socket", c.server}})["data"], "question");
    c.api.ok({{"op", "send"}, {"socket", c.server}, {"data", "answer"}});
    EXPECT_EQ(c.app.ok({{"op", "recv"}, {"socket", c.client}})["data"], "answer");
  }
  const auto after = packets_of_workers(lab);
  ASSERT_EQ(after.size(), 2U);
  EXPECT_GE(after[0] - before[0], kExchanges);
  EXPECT_GE(after[1] - before[1], kExchanges);
  EXPECT_EQ(lab.events("flow_new").size(), 1U);
  EXPECT_EQ(lab.events("flow_established").size(), 1U);
  const std::string ladder = lab.ctl({"ladder", "last"}).output;
  EXPECT_NE(ladder.find("#1"), std::string::npos) << "one conversation\n" << ladder;
  EXPECT_LT(ladder.find(" SYN "), ladder.find(" SYN,ACK ")) << ladder;
  EXPECT_LT(ladder.find(" SYN,ACK "), ladder.find(" ACK ")) << ladder;
  // Worker 1 finds the flow of worker 0 over; worker 0 answers what comes after.
  c.be_quiet();
  lab.advance("351s");
  c.api.ok({{"op", "send"}, {"socket", c.server}, {"data", "too late"}});
  EXPECT_EQ(c.api.call({{"op", "recv"}, {"socket", c.server}, {"timeout", 1}})["error"], "timeout");
  c.app.ok({{"op", "send"}, {"socket", c.client}, {"data", "late"}});
  EXPECT_EQ(c.app.call({{"op", "recv"}, {"socket", c.client}})["error"], "ECONNRESET");
  EXPECT_EQ(lab.events("flow_expired").size(), 1U) << "by one of the two";
  EXPECT_EQ(lab.events("rst_sent").size(), 1U);
}

// What a lab tells from now on, by kind. It is read as it comes: whoever does not listen is not told for long.
class Events {
 public:
  explicit Events(const Lab& lab) : process_({program(), "ctl", "-t", lab.name(), "events", "--follow"}) {
    reader_ = std::thread([this] { read(); });
  }
  ~Events() {
    process_.signal(SIGINT);
    reader_.join();
  }

  // All events of this kind, once there are so many; fewer when the stream ends, or a minute has passed, before.
  std::vector<Json> wait(const std::string& kind, size_t count) {
    std::unique_lock lock(mutex_);
    grew_.wait_for(lock, std::chrono::minutes(1), [&] { return ended_ || events_[kind].size() >= count; });
    return events_[kind];
  }

 private:
  void read() {
    for (std::string line = process_.read_line(); !line.empty(); line = process_.read_line()) {
      Json event = Json::parse(line, nullptr, false);
      const std::lock_guard lock(mutex_);
      events_[event.value("kind", "")].push_back(std::move(event));
      grew_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    ended_ = true;
    grew_.notify_all();
  }

  Process process_;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable grew_;
  std::map<std::string, std::vector<Json>> events_;
  bool ended_ = false;
};

uint64_t flows_of(const Lab& lab) {
  return lab.ctl_json({"status"})["boxes"][0]["flows"];
}

// Every one of 100,000 flows is over for its next packet when the command returns, whatever is still to be reclaimed;
// flows that are opened right then pass; and each expiry carries the time at which it was due, not that of its discovery.
TEST(NatGatewayEndToEnd, FiveDaysPassOverAHundredThousandFlows) {
  constexpr int kSockets = 4;
  constexpr int kPorts = 25'000;
  constexpr size_t kFlows = size_t{kSockets} * kPorts + 1;  // and the ping's
  constexpr double kUdpTimeout = 350;
  Lab lab({"--set", "natgw.capacity=131072"});
  Peer app(lab, "app");
  Peer api(lab, "api");
  Events told(lab);
  const Json server = api.ok({{"op", "udp"}, {"port", 53}})["socket"];
  std::vector<Json> clients;
  for (int i = 0; i < kSockets; ++i) {
    clients.push_back(app.ok({{"op", "udp"}})["socket"]);
  }
  const double first_packet = lab.ctl_json({"clock", "show"})["virtual_time"];
  const Json fence = app.ok({{"op", "ping"}, {"host", "198.18.7.80"}})["socket"];
  // The ping waits for one queue; what another one was too full for is sent again.
  for (int round = 0; round < 20 && flows_of(lab) < kFlows; ++round) {
    for (const Json& client : clients) {
      app.ok({{"op", "spray"},
              {"socket", client},
              {"host", "198.18.7.80"},
              {"first", 10'000},
              {"count", kPorts},
              {"fence", fence}});
    }
  }
  ASSERT_EQ(flows_of(lab), kFlows);
  ASSERT_EQ(told.wait("flow_new", kFlows).size(), kFlows);
  const double last_packet = lab.ctl_json({"clock", "show"})["virtual_time"];

  lab.advance("5d", /*force=*/true);
  app.ok({{"op", "spray"},
          {"socket", clients[0]},
          {"host", "198.18.7.80"},
          {"first", 10'000},
          {"count", 1},
          {"fence", fence}});
  EXPECT_EQ(told.wait("flow_new", kFlows + 1).size(), kFlows + 1) << "what was dead is new";
  for (int i = 0; i < 100; ++i) {
    const Json fresh = app.ok({{"op", "udp"}})["socket"];
    app.ok({{"op", "sendto"}, {"socket", fresh}, {"host", "198.18.7.80"}, {"port", 53}, {"data", "question"}});
    const Json question = api.ok({{"op", "recvfrom"}, {"socket", server}});
    api.ok({{"op", "sendto"},
            {"socket", server},
            {"host", question["address"]},
            {"port", question["port"]},
            {"data", "answer"}});
    EXPECT_EQ(app.ok({{"op", "recvfrom"}, {"socket", fresh}})["data"], "answer");
  }
  EXPECT_EQ(lab.ctl_json({"flows"}).size(), 101U);
  const std::vector<Json> expired = told.wait("flow_expired", kFlows);
  ASSERT_EQ(expired.size(), kFlows);
  for (const Json& event : expired) {
    ASSERT_GE(event["virtual_time"].get<double>(), first_packet + kUdpTimeout) << event;
    ASSERT_LE(event["virtual_time"].get<double>(), last_packet + kUdpTimeout) << event;
  }
  EXPECT_EQ(flows_of(lab), 101U) << "all others are reclaimed";
}

// The clock jumps once a second of real time, for as long as the transfer takes.
TEST(NatGatewayEndToEnd, GibibyteEachWayWhileTheClockJumps) {
  Lab lab;
  const bool parted = workers() == 2 && is_root();
  if (parted) {
    part_the_directions(lab);
  }
  Connected c(lab);
  const Json bytes = int64_t{1} << 30;
  std::mutex mutex;
  std::condition_variable finished;
  bool done = false;
  std::thread jumps([&] {
    std::unique_lock lock(mutex);
    do {
      lab.advance("100s", /*force=*/true);
    } while (!finished.wait_for(lock, std::chrono::seconds(1), [&] { return done; }));
  });
  Json at_api;
  std::thread api([&] { at_api = c.api.ok({{"op", "pump"}, {"socket", c.server}, {"bytes", bytes}}); });
  const Json at_app = c.app.ok({{"op", "pump"}, {"socket", c.client}, {"bytes", bytes}});
  api.join();
  {
    const std::lock_guard lock(mutex);
    done = true;
  }
  finished.notify_all();
  jumps.join();
  EXPECT_EQ(at_app["sent"], at_api["received"]);
  EXPECT_EQ(at_app["received"], at_api["sent"]);
  EXPECT_TRUE(lab.events("flow_expired").empty());
  for (const int64_t packets : packets_of_workers(lab)) {
    EXPECT_GT(packets, parted ? 10'000 : 0);
  }
}

}  // namespace
}  // namespace lapse::test
