// Connections over links that delay, lose and limit: the simulator's TCP has to repair what the links do.
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "control/story/ladder.h"
#include "control/story/recorder.h"
#include "sim/world.h"

namespace lapse::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

struct End final : TcpUser {
  explicit End(const Engine& its_engine) : engine(its_engine) {}

  void on_connected(TcpSocket& connected) override {
    socket = &connected;
    connected_at = engine.now();
  }
  void on_data(TcpSocket&, uint64_t bytes) override {
    received += bytes;
    last_data = engine.now();
  }
  void on_end(TcpSocket&) override {}
  void on_error(TcpSocket&, int code) override { error = code; }

  const Engine& engine;
  TcpSocket* socket = nullptr;
  Instant connected_at{};
  Instant last_data{};
  uint64_t received = 0;
  int error = 0;
};

// app - private - natgw - internet - api, with what is said of the links.
class Connection {
 public:
  Connection(const std::string& of_private, const std::string& of_internet, uint64_t seed = 7) {
    const std::string text = "links:\n  private: { subnet: 10.0.1.0/24" + of_private +
                             " }\n  internet: { subnet: 203.0.113.0/24" + of_internet +
                             " }\n"
                             "boxes:\n  natgw: { kind: nat-gateway, inside: { link: private, address: 10.0.1.1 },\n"
                             "    outside: { link: internet, addresses: [203.0.113.10] } }\n"
                             "hosts:\n  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n"
                             "  api: { link: internet, address: 203.0.113.80 }\n";
    topology::Findings findings;
    topology_ = topology::load_text(text, "links.yaml", findings);
    EXPECT_TRUE(topology_) << findings.errors.front();
    world = std::make_unique<World>(*topology_, World::Options{.seed = seed}, [this](const Event& event) {
      recorder->add(event);
      events.push_back(event);
    });
    recorder = std::make_unique<story::Recorder>(world->directory());
    client = std::make_unique<End>(world->engine());
    server = std::make_unique<End>(world->engine());
    world->host("api")->listen(be16(8080), [this](TcpSocket&) { return server.get(); });
    world->host("app")->connect(*parse_ipv4("203.0.113.80"), be16(8080), *client);
  }
  ~Connection() { EXPECT_TRUE(world->network().process_conservation().holds()); }

  void run_until(Duration time) { world->run_until(Instant(time)); }
  void client_writes(uint64_t bytes) {
    client->socket->write(bytes);
    world->settle();
  }
  uint64_t dropped(DropReason reason) const {
    uint64_t sum = 0;
    for (const LinkId link : {LinkId{0}, LinkId{1}}) {
      sum += world->network().link_counters(link, WorkerId{0}).dropped[static_cast<size_t>(reason)].get();
    }
    return sum;
  }
  std::string ladder() const { return story::render_ladder(recorder->find("last").at(0), world->directory()); }

  std::unique_ptr<World> world;
  std::unique_ptr<story::Recorder> recorder;
  std::vector<Event> events;
  std::unique_ptr<End> client;
  std::unique_ptr<End> server;

 private:
  std::optional<topology::Topology> topology_;
};

TEST(SimulatedLinks, AHandshakeTakesARoundTrip) {
  Connection c(", delay: 10ms", ", delay: 40ms");
  c.run_until(seconds(5));
  EXPECT_EQ(c.client->connected_at, Instant(milliseconds(100)));
}

TEST(SimulatedLinks, RetransmissionRepairsLoss) {
  Connection c("", ", delay: 15ms, jitter: 5ms, loss: 10%");
  c.run_until(seconds(100));
  ASSERT_NE(c.client->socket, nullptr);
  c.client_writes(500'000);
  c.run_until(seconds(1000));
  EXPECT_EQ(c.server->received, 500'000U);
  EXPECT_EQ(c.client->error, 0);
  EXPECT_GT(c.dropped(DropReason::kLinkLoss), 20U);
}

TEST(SimulatedLinks, DuplicatesAndOvertakersChangeNothing) {
  Connection c(", delay: 20ms, duplicate: 20%, reorder: 20%", "");
  c.run_until(seconds(10));
  ASSERT_NE(c.client->socket, nullptr);
  c.client_writes(500'000);
  c.run_until(seconds(1000));
  EXPECT_EQ(c.server->received, 500'000U) << "each byte once";
  EXPECT_EQ(c.client->error, 0);
}

TEST(SimulatedLinks, ARateLimitsWhatArrives) {
  Connection c("", ", rate: 1mbit");
  c.run_until(seconds(1));
  c.client_writes(250'000);
  c.run_until(seconds(60));
  ASSERT_EQ(c.server->received, 250'000U);
  const Duration took = c.server->last_data - Instant(seconds(1));
  EXPECT_GE(took, milliseconds(2000)) << "2,000,000 bits, and the headers";
  EXPECT_LE(took, milliseconds(2600));
}

// A kernel knows the MTU of its interface and sends what fits.
TEST(SimulatedLinks, HostsSendWhatTheirLinkCarries) {
  Connection c(", mtu: 576", "");
  c.run_until(seconds(1));
  c.client_writes(100'000);
  c.run_until(seconds(60));
  EXPECT_EQ(c.server->received, 100'000U);
  EXPECT_EQ(c.dropped(DropReason::kLinkMtu), 0U);
}

TEST(SimulatedLinks, ALinkThatLosesEverythingIsATimeout) {
  Connection c("", ", loss: 100%");
  c.run_until(seconds(1000));
  EXPECT_EQ(c.client->error, ETIMEDOUT);
  EXPECT_GT(c.dropped(DropReason::kLinkLoss), 5U);
  EXPECT_THAT(c.ladder(), HasSubstr("X"));
  EXPECT_THAT(c.ladder(), HasSubstr("LINK-LOSS"));
}

std::string fingerprint(const Connection& c) {
  std::string text;
  for (const Event& event : c.events) {
    text += std::to_string(static_cast<int>(event.kind)) + " " + std::to_string(event.time.time_since_epoch().count()) +
            " " + to_string(event.tuple) + " " + std::to_string(event.sequence) + " " +
            std::to_string(static_cast<int>(event.reason)) + "\n";
  }
  return text;
}

TEST(SimulatedLinks, TheSameSeedIsTheSameRun) {
  std::vector<std::string> runs;
  for (const uint64_t seed : {7, 7, 8}) {
    Connection c(", delay: 3ms, jitter: 2ms, duplicate: 5%", ", loss: 5%, rate: 5mbit", seed);
    c.run_until(seconds(100));
    ASSERT_NE(c.client->socket, nullptr);
    c.client_writes(100'000);
    c.run_until(seconds(300));
    runs.push_back(fingerprint(c) + c.ladder());
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

}  // namespace
}  // namespace lapse::sim
