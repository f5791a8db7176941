// nat_bench.h - a NAT gateway on a bench: packets go in on one side, and every consequence has to be expected.
//
// Owner:    one test.
// Memory:   packets of one small pool; what comes out is given back when it has been looked at.
// Time:     stands still unless advance() moves it; housekeeping happens only in reclaim().
// Bytes:    whole frames.
// Cost:     none that matters.
// Lifetime: the destructor fails the test for a packet or a drop that nobody expected.
// Spec:     style, "Tests read like a packet trace".
#pragma once

#include <deque>
#include <initializer_list>
#include <memory>
#include <vector>

#include "gtest/gtest.h"

#include "dataplane/box/nat_gateway.h"
#include "dataplane/clock.h"
#include "dataplane/packet_pool.h"
#include "dataplane/wire/tcp.h"
#include "tests/support/packets.h"

namespace lapse::test {

using namespace std::chrono_literals;

// The actors of the tests.
inline const Endpoint client = endpoint("10.0.1.10", 40000);
inline const Endpoint other_client = endpoint("10.0.1.11", 40000);
inline const Endpoint web = endpoint("203.0.113.80", 443);
inline const Endpoint dns = endpoint("203.0.113.53", 53);
inline const Endpoint stranger = endpoint("192.0.2.66", 6666);
inline const Endpoint eip = endpoint("198.51.100.7");
inline const Endpoint second_eip = endpoint("198.51.100.8");

// All different, so that a test can tell which one ran out.
inline constexpr Duration kSynTimeout = 20s;
inline constexpr Duration kEstablishedTimeout = 350s;
inline constexpr Duration kClosingTimeout = 60s;
inline constexpr Duration kClosedTimeout = 10s;
inline constexpr Duration kUdpTimeout = 30s;
inline constexpr Duration kUdpStreamTimeout = 180s;
inline constexpr Duration kIcmpTimeout = 40s;

// One address (eip) and the timeouts above.
NatGateway::Config nat_config();

// A packet that the gateway sent, copied.
struct Seen {
  Endpoint source;
  Endpoint destination;
  uint32_t sequence = 0;
  uint32_t acknowledgement = 0;
  uint16_t identifier = 0;
  std::vector<uint8_t> bytes;
};

class NatBench {
 public:
  static constexpr size_t kPoolSize = 16 * kBurst;

  class Wire {
   public:
    Wire(NatBench& bench, Side side) : bench_(bench), side_(side) {}

    // In one burst; everything the gateway did before has to be accounted for by now.
    void send(const PacketBuilder& packet) { send_burst({&packet, 1}); }
    void send(std::initializer_list<PacketBuilder> burst) { send_burst({burst.begin(), burst.size()}); }
    void send(const std::vector<PacketBuilder>& packets);  // in bursts of kBurst
    void send_many(size_t count, const PacketBuilder& packet);
    // The next packet that the gateway put on this wire.
    Seen expect(const PacketBuilder& expected);
    // Whatever it is, as long as its checksums are right.
    Seen expect_any();
    void expect_nothing();
    // What the gateway put on this wire, whatever it is; returns how much.
    size_t forget();

   private:
    friend class NatBench;
    void send_burst(std::span<const PacketBuilder> burst);
    Packet* take();

    NatBench& bench_;
    Side side_;
    std::deque<Packet*> sent_;
  };

  explicit NatBench(const NatGateway::Config& config = nat_config());
  ~NatBench();

  // Lets time pass. A flow may die of it, but nobody looks.
  void advance(Duration duration) { clock_.advance(duration); }
  // Housekeeping until nothing is left to do at this moment.
  void reclaim();

  // Exactly one packet more was dropped, for this reason.
  void expect_dropped(DropReason reason);
  void expect_dropped(DropReason reason, size_t count);
  void forget_drops() { drops_seen_.clear(); }
  // The next event of this kind; the ones before it are forgotten.
  Event expect_event(EventKind kind);
  // None of this kind since the last event that was expected.
  void expect_no_event(EventKind kind);
  void forget_events() { events_seen_.clear(); }

  // Holds every buffer back, so that the gateway finds its pool empty, but for 'left'.
  void empty_pool(size_t left = 0);
  void refill_pool();

  Instant now() const { return clock_.now().now; }
  uint32_t flow_count() { return box_->flows()->live_count(); }
  uint64_t event_count(EventKind kind) const { return counters_.events[static_cast<size_t>(kind)].get(); }
  FlowTable& flows() { return *box_->flows(); }
  NatGateway& box() { return *box_; }
  ManualClock& clock() { return clock_; }
  const BoxCounters& counters() const { return counters_; }

  Wire inside{*this, NatGateway::kInside};
  Wire outside{*this, NatGateway::kOutside};

 private:
  void process(std::span<Packet* const> burst, Side side);
  void take_output();
  void check_books();
  void check_nothing_is_left(const char* when);

  MemoryPacketPool pool_{kPoolSize};
  EventRing events_{1 << 16};
  BoxCounters counters_;
  ManualClock clock_;
  Quiescence quiescence_;
  Output output_{WorkerId{0}, pool_, &events_};
  std::unique_ptr<NatGateway> box_;
  std::deque<Event> events_seen_;
  std::deque<DropReason> drops_seen_;
  std::array<uint64_t, kDropReasonCount> dropped_before_{};
  std::vector<Packet*> held_back_;
};

// A TCP connection that the client opened: what the next segment of either end carries.
struct Connection {
  Endpoint client;
  Endpoint nat;  // the client, as the server sees it
  Endpoint server;
  uint32_t client_seq = 1001;
  uint32_t server_seq = 5001;

  PacketBuilder from_client() const { return tcp(client, server).seq(client_seq).ack(server_seq); }
  PacketBuilder from_nat() const { return tcp(nat, server).seq(client_seq).ack(server_seq); }
  PacketBuilder from_server() const { return tcp(server, nat).seq(server_seq).ack(client_seq); }
  PacketBuilder to_client() const { return tcp(server, client).seq(server_seq).ack(client_seq); }
};

// SYN 1000, SYN+ACK 5000, ACK.
Connection establish(NatBench& bench, const Endpoint& from = client, const Endpoint& to = web);
// The SYN alone has passed.
Connection open_half(NatBench& bench, const Endpoint& from = client, const Endpoint& to = web);

}  // namespace lapse::test
