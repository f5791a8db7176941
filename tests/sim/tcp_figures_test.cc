// The times of Linux's TCP, as its documents and sources give them, on an exact timer and a path without delay.
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "dataplane/wire/tcp.h"
#include "sim/world.h"

namespace lapse::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr const char* kTopology = R"(
name: pair
links: { lan: { subnet: 10.0.0.0/24 }, other: { subnet: 10.0.1.0/24 } }
boxes:
  natgw:
    kind: nat-gateway
    inside:  { link: lan, address: 10.0.0.1 }
    outside: { link: other, addresses: [10.0.1.1] }
    limits: off
    timeouts: { tcp_syn: 1h, tcp_established: 1d, tcp_closing: 1d }
hosts:
  left:  { link: lan, address: 10.0.0.2, gateway: 10.0.0.1 }
  right: { link: other, address: 10.0.1.2 }
)";

struct End final : TcpUser {
  explicit End(World& owner) : world(owner) {}
  void on_connected(TcpSocket& connected) override { socket = &connected; }
  void on_data(TcpSocket&, uint64_t) override {}
  void on_end(TcpSocket&) override {}
  void on_error(TcpSocket&, int code) override {
    socket = nullptr;
    error = code;
    error_at = world.engine().now();
  }
  World& world;
  TcpSocket* socket = nullptr;
  int error = 0;
  Instant error_at{};
};

class LinuxTcp : public testing::Test {
 protected:
  LinuxTcp() {
    topology::Findings findings;
    topology_ = topology::load_text(kTopology, "pair.yaml", findings);
    world_ = std::make_unique<World>(*topology_, World::Options{.seed = 3}, [this](const Event& event) {
      // Once a packet: where the left host sends it.
      if (event.kind == EventKind::kPacket && event.from_interface == kNoInterface &&
          event.tuple.source == ip("10.0.0.2")) {
        sent_.push_back(event.time);
      }
    });
    left_ = std::make_unique<End>(*world_);
    right_ = std::make_unique<End>(*world_);
    world_->host("right")->listen(be16(80), [this](TcpSocket&) { return right_.get(); });
  }
  static Ipv4Address ip(const char* text) { return *parse_ipv4(text); }
  void connect(const TcpSettings& settings = {}) {
    world_->host("left")->connect(ip("10.0.1.2"), be16(80), *left_, settings);
    world_->settle();
  }
  void at(Duration time) { world_->run_until(Instant(time)); }
  // Of the first 'count' packets from now on, when they were sent, counted from the first of them.
  std::vector<Duration> gaps(size_t count) const {
    std::vector<Duration> all;
    for (size_t i = 1; i < count && i < sent_.size(); ++i) {
      all.push_back(sent_[i] - sent_[i - 1]);
    }
    return all;
  }
  std::string state_of(const char* host) const {
    std::string state = "none";
    world_->host(host)->visit_sockets([&state](const TcpSocket& socket) { state = name(socket.state()); });
    return state;
  }

  std::optional<topology::Topology> topology_;
  std::vector<Instant> sent_;
  std::unique_ptr<World> world_;
  std::unique_ptr<End> left_;
  std::unique_ptr<End> right_;
};

// Documentation/networking/ip-sysctl: tcp_syn_retries 6, "with the initial RTO of 1 second ... the final timeout ... after
// 127 seconds", without linear timeouts (before Linux 6.5).
TEST_F(LinuxTcp, SixSynRetriesTake127Seconds) {
  world_->host("right")->vanish();
  connect({.syn_linear_timeouts = 0});
  at(seconds(200));
  EXPECT_THAT(gaps(8), ElementsAre(seconds(1), seconds(2), seconds(4), seconds(8), seconds(16), seconds(32)));
  EXPECT_EQ(left_->error, ETIMEDOUT);
  EXPECT_EQ(left_->error_at, Instant(seconds(127)));
}

// tcp_syn_linear_timeouts 4: "the number of times for an active TCP connection to retransmit SYNs with a linear backoff
// timeout before defaulting to an exponential backoff": 4 * 1 + 1 + 2 + ... + 64 s.
TEST_F(LinuxTcp, FourLinearSynRetriesComeBeforeThem) {
  world_->host("right")->vanish();
  connect();
  at(seconds(200));
  EXPECT_THAT(gaps(12), ElementsAre(seconds(1), seconds(1), seconds(1), seconds(1), seconds(1), seconds(2), seconds(4),
                                    seconds(8), seconds(16), seconds(32)));
  EXPECT_EQ(left_->error_at, Instant(seconds(131)));
}

// TCP_RTO_MIN 200 ms, doubled until TCP_RTO_MAX 120 s (include/net/tcp.h). Before them the tail is probed once, two round
// trips and, with one segment out, 200 ms after it was sent (RFC 8985, section 7.2; tcp_schedule_loss_probe).
TEST_F(LinuxTcp, RetransmissionsDoubleFrom200MillisecondsTo120Seconds) {
  connect();
  at(seconds(1));
  sent_.clear();
  world_->host("right")->vanish();
  left_->socket->write(100);
  at(seconds(800));
  EXPECT_THAT(gaps(14),
              ElementsAre(milliseconds(200), milliseconds(200), milliseconds(400), milliseconds(800),
                          milliseconds(1600), milliseconds(3200), milliseconds(6400), milliseconds(12800),
                          milliseconds(25600), milliseconds(51200), milliseconds(102400), seconds(120), seconds(120)));
}

// ip-sysctl, tcp_retries2: "The default value of 15 yields a hypothetical timeout of 924.6 seconds and is a lower bound for
// the effective timeout. TCP will effectively time out at the first RTO which exceeds the hypothetical timeout."
TEST_F(LinuxTcp, FifteenRetriesAreGivenUpAtTheFirstTimerAfter924600Milliseconds) {
  connect();
  at(seconds(1));
  sent_.clear();
  world_->host("right")->vanish();
  left_->socket->write(100);
  at(seconds(2000));
  EXPECT_EQ(left_->error, ETIMEDOUT);
  // The tail's probe, which goes before it, does not count: measured on Linux 6.18, tests/e2e/live/gives-up-retries.yaml.
  const Duration since_first_retransmission = left_->error_at - sent_.at(2);
  EXPECT_GE(since_first_retransmission, Duration(milliseconds(924'600)));
  EXPECT_LT(since_first_retransmission, Duration(milliseconds(924'600)) + seconds(120));
}

// tcp_fin_timeout: "The length of time an orphaned (no longer referenced by any application) connection will remain in the
// FIN_WAIT_2 state before it is aborted at the local end ... Default: 60 seconds".
TEST_F(LinuxTcp, AnOrphanInFinWait2IsGoneAfter60Seconds) {
  connect();
  at(seconds(10));
  left_->socket->close();
  at(seconds(69));
  EXPECT_EQ(state_of("left"), "FIN-WAIT-2");
  EXPECT_EQ(state_of("right"), "CLOSE-WAIT");
  at(seconds(71));
  EXPECT_EQ(state_of("left"), "none");
}

// TCP_TIMEWAIT_LEN 60 s (include/net/tcp.h).
TEST_F(LinuxTcp, TimeWaitTakes60Seconds) {
  connect();
  at(seconds(10));
  left_->socket->close();
  at(seconds(11));
  right_->socket->close();
  at(seconds(70));
  EXPECT_EQ(state_of("left"), "TIME-WAIT");
  EXPECT_EQ(state_of("right"), "none");
  at(seconds(72));
  EXPECT_EQ(state_of("left"), "none");
}

// tcp_orphan_retries 0 is 8 (tcp_orphan_retries() in net/ipv4/tcp_timer.c): "at least 100 seconds".
TEST_F(LinuxTcp, AnOrphanWithUnacknowledgedDataIsGivenUpAfterEightRetries) {
  connect();
  at(seconds(10));
  world_->host("right")->vanish();
  left_->socket->write(100);
  left_->socket->close();
  at(seconds(10) + seconds(100));
  EXPECT_EQ(state_of("left"), "FIN-WAIT-1");
  at(seconds(10) + seconds(210));
  EXPECT_EQ(state_of("left"), "none");
}

// tcp(7): tcp_keepalive_time 7200, tcp_keepalive_probes 9, tcp_keepalive_intvl 75.
TEST_F(LinuxTcp, KeepaliveDefaultsTake7875Seconds) {
  connect({.keepalive = {.on = true}});
  at(seconds(1));
  sent_.clear();
  world_->host("right")->vanish();
  at(seconds(9000));
  ASSERT_EQ(sent_.size(), 10u) << "nine probes and a RST";
  EXPECT_EQ(sent_[0], Instant(seconds(7200)));
  EXPECT_EQ(sent_[1], Instant(seconds(7275)));
  EXPECT_EQ(left_->error, ETIMEDOUT);
  EXPECT_EQ(left_->error_at, Instant(seconds(7875)));
}

// tcp_synack_retries 5: "With the current initial RTO of 1second the last retransmission will happen ... after 31 seconds.
// With this the final timeout for a passive TCP connection will happen after 63 seconds."
TEST_F(LinuxTcp, FiveSynAckRetriesTake63Seconds) {
  Host& left = *world_->host("left");
  left.send({.tuple = {ip("10.0.0.2"), ip("10.0.1.2"), be16(40000), be16(80), static_cast<uint8_t>(Protocol::kTcp)},
             .sequence = 1000,
             .window = 1000,
             .flags = kTcpSyn,
             .window_scale = kNoWindowScale,
             .mss = 1460});
  left.vanish();
  at(milliseconds(62'999));
  EXPECT_EQ(state_of("right"), "SYN-RECEIVED");
  at(seconds(63));
  EXPECT_EQ(state_of("right"), "none");
}

}  // namespace
}  // namespace lapse::sim
