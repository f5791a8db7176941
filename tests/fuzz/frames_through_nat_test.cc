// A million random and mutated frames through the parser and a NAT gateway, on both sides, while time goes by.
#include <algorithm>
#include <cstdlib>
#include <utility>

#include "gtest/gtest.h"

#include "dataplane/wire/emit.h"
#include "dataplane/wire/parse.h"
#include "dataplane/wire/tcp.h"
#include "tests/fuzz/nat_harness.h"
#include "tests/support/frames.h"

namespace lapse::test {
namespace {

using namespace std::chrono_literals;
using Frame = NatHarness::Frame;

const Endpoint kGateway = endpoint("198.51.100.7");
const Endpoint kSecondGateway = endpoint("198.51.100.8");

// A flow that no frame of the generators can hit: whatever happens, it has to work.
const Endpoint kSteadyClient = endpoint("172.16.200.99", 7777);
const Endpoint kSteadyServer = endpoint("192.0.2.200", 7);

constexpr Side kSides[] = {NatGateway::kInside, NatGateway::kOutside};

// Small, so that the table fills and ports run out.
NatGateway::Config config() {
  NatGateway::Config config;
  config.outside_addresses = {kGateway.address, kSecondGateway.address};
  config.capacity = 40;
  config.ports_per_destination = 2;
  config.hash_key = {0x0123456789abcdef, 0xfedcba9876543210};
  config.late_outside = LatePacket::kRst;
  config.timeouts.fill(20s);
  config.timeouts[static_cast<size_t>(TimeoutClass::kTcpEstablished)] = 350s;
  config.timeouts[static_cast<size_t>(TimeoutClass::kUdpStream)] = 350s;
  return config;
}

FrameWorld inside_world() {
  FrameWorld world;
  world.destinations.push_back(kGateway.address);
  return world;
}

FrameWorld outside_world() {
  FrameWorld world;
  world.sources = {ip("203.0.113.80"), ip("203.0.113.53"), ip("192.0.2.66")};
  world.destinations = {kGateway.address, kSecondGateway.address, ip("10.0.1.10")};
  std::swap(world.source_ports, world.destination_ports);
  return world;
}

uint64_t frames_wanted() {
  const char* text = std::getenv("LAPSE_FUZZ_FRAMES");
  return text == nullptr ? 1'000'000 : std::strtoull(text, nullptr, 0);
}

// Answers to what the gateway sent, so that conversations come about and reach every state.
class Conversations {
 public:
  explicit Conversations(Random& random) : random_(random) {}

  void learn(const NatHarness::Sent& sent) {
    auto& heard = heard_[index(sent.side)];
    if (heard.size() < kRemembered) {
      heard.push_back(sent.frame);
    } else {
      heard[random_.below(kRemembered)] = sent.frame;
    }
  }

  // What whoever is on 'side' says next, or nothing.
  std::optional<Frame> next(Side side) {
    const auto& heard = heard_[index(side)];
    if (heard.empty()) {
      return std::nullopt;
    }
    MemoryPacketPool pool(2);
    Packet* packet = raw_frame(pool, random_.pick(heard));
    Packet* error = pool.allocate();
    Frame frame = packet->length > 0 ? answer(*packet, *error) : Frame{};
    release(packet);
    release(error);
    return frame;
  }

 private:
  static constexpr size_t kRemembered = 64;

  Frame answer(Packet& packet, Packet& error) {
    if (parse(packet)) {
      return bytes_of(packet);
    }
    const Endpoint from = destination_of(packet);
    const Endpoint to = source_of(packet);
    if (random_.one_in(8) && may_be_answered_by_icmp(packet)) {
      write_time_exceeded(packet, from.address, error);
      return bytes_of(error);
    }
    if (packet.kind == PacketKind::kUdp) {
      return udp(from, to).payload(random_.below(40)).bytes();
    }
    if (packet.kind == PacketKind::kIcmpQuery) {
      PacketBuilder echo = icmp_echo(from, to, identifier_of(packet));
      return (random_.one_in(4) ? echo : echo.reply()).bytes();
    }
    if (packet.kind != PacketKind::kTcp) {
      return bytes_of(packet);
    }
    // Continues the numbers, sometimes not quite.
    constexpr uint8_t kFlags[] = {kTcpSyn | kTcpAck, kTcpSyn | kTcpAck, kTcpSyn | kTcpAck, kTcpAck,
                                  kTcpAck,           kTcpAck,           kTcpAck | kTcpPsh, kTcpAck | kTcpFin,
                                  kTcpAck | kTcpFin, kTcpRst,           kTcpRst | kTcpAck, kTcpSyn};
    const auto slip = [this] { return random_.one_in(8) ? static_cast<uint32_t>(random_.next()) : 0u; };
    const bool syn = (packet.tcp_flags & kTcpSyn) != 0;
    return tcp(from, to)
        .ack(sequence_of(packet) + packet.payload_length() + (syn ? 1 : 0) + slip())
        .seq(acknowledgement_of(packet) + slip())
        .flags(random_.pick(kFlags))
        .window(static_cast<uint16_t>(random_.next()))
        .payload(random_.below(20))
        .bytes();
  }

  Random& random_;
  std::array<std::vector<Frame>, 2> heard_;
};

class FramesThroughNat : public testing::Test {
 protected:
  FramesThroughNat() : FramesThroughNat(seed(20261121)) {}
  explicit FramesThroughNat(uint64_t seed)
      : generators_{FrameGenerator(seed, inside_world()), FrameGenerator(seed + 1, outside_world())},
        random_(seed + 2),
        conversations_(random_),
        harness_(config()) {}

  void expect_fine(const std::optional<std::string>& problem) {
    ASSERT_FALSE(problem) << *problem << " (after " << harness_.frames() << " frames)";
  }

  Frame next_frame(Side side) {
    FrameGenerator& generator = generators_[index(side)];
    if (random_.one_in(3)) {
      if (auto frame = conversations_.next(side)) {
        if (random_.one_in(5)) {
          generator.mutate(*frame);
        }
        return *frame;
      }
    }
    if (random_.one_in(50)) {
      Frame noise(random_.below(200));
      std::generate(noise.begin(), noise.end(), [this] { return random_.any<uint8_t>(); });
      return noise;
    }
    return generator.frame();
  }

  void one_burst() {
    const Side side = random_.pick(kSides);
    std::vector<Frame> frames(1 + random_.below(kBurst));
    for (Frame& frame : frames) {
      frame = next_frame(side);
    }
    const bool empty_pool = random_.one_in(40);
    expect_fine(harness_.feed(frames, side, empty_pool ? NatHarness::PoolState::kEmpty : NatHarness::PoolState::kFull));
    for (const auto& sent : harness_.take_sent()) {
      conversations_.learn(sent);
    }
    if (!random_.one_in(4)) {
      expect_fine(harness_.advance(1 + random_.below(64)));
    }
  }

  // Mostly moments, sometimes minutes; never so long that the steady flow dies.
  void let_time_pass() {
    const uint64_t longest = random_.one_in(100) ? 349'000 : random_.one_in(4) ? 10'000 : 10;  // ms
    harness_.pass_time(std::chrono::milliseconds(random_.below(longest)));
  }

  // 'packet' goes in on 'side' and nothing but 'expected' comes out on the other one.
  void exchange(const PacketBuilder& packet, Side side, const PacketBuilder& expected) {
    expect_fine(harness_.feed(std::vector<Frame>{packet.bytes()}, side));
    const auto sent = harness_.take_sent();
    if (sent.size() != 1 || sent[0].side == side) {
      ADD_FAILURE() << "the steady flow did not get through: " << expected.describe();
      return;
    }
    MemoryPacketPool pool(1);
    Packet* out = raw_frame(pool, sent[0].frame);
    EXPECT_FALSE(parse(*out));
    EXPECT_THAT(*out, is(expected));
    release(out);
  }

  void open_steady_flow() {
    expect_fine(harness_.feed(std::vector<Frame>{tcp(kSteadyClient, kSteadyServer).syn().seq(1000).bytes()},
                              NatGateway::kInside));
    const auto sent = harness_.take_sent();
    ASSERT_EQ(sent.size(), 1u);
    MemoryPacketPool pool(1);
    Packet* syn = raw_frame(pool, sent[0].frame);
    ASSERT_FALSE(parse(*syn));
    steady_nat_ = source_of(*syn);
    release(syn);
    exchange(tcp(kSteadyServer, steady_nat_).syn().seq(5000).ack(1001), NatGateway::kOutside,
             tcp(kSteadyServer, kSteadyClient).syn().seq(5000).ack(1001));
    use_steady_flow();
  }

  void use_steady_flow() {
    const Endpoint nat = steady_nat_;
    exchange(tcp(kSteadyClient, kSteadyServer).seq(1001).ack(5001).payload(7), NatGateway::kInside,
             tcp(nat, kSteadyServer).seq(1001).ack(5001).payload(7));
    exchange(tcp(kSteadyServer, nat).seq(5001).ack(1008).payload(9), NatGateway::kOutside,
             tcp(kSteadyServer, kSteadyClient).seq(5001).ack(1008).payload(9));
  }

  void forget_all() {
    harness_.pass_time(351s);
    for (int i = 0; i < 8; ++i) {
      expect_fine(harness_.advance(1 << 20));
    }
    EXPECT_EQ(harness_.flows().live_count(), 0u);
  }

  // How many new flows towards 'destination' are let through now.
  size_t free_ports(const Endpoint& destination) {
    for (uint16_t port = 1; port <= 10; ++port) {
      const Frame frame = udp(kSteadyClient.with_port(port), destination).bytes();
      expect_fine(harness_.feed({&frame, 1}, NatGateway::kInside));
    }
    return harness_.take_sent().size();
  }

  uint64_t dropped(DropReason reason) const { return harness_.counters().dropped[static_cast<size_t>(reason)].get(); }
  uint64_t events(EventKind kind) const { return harness_.counters().events[static_cast<size_t>(kind)].get(); }

  std::array<FrameGenerator, 2> generators_;
  Random random_;
  Conversations conversations_;
  NatHarness harness_;
  Endpoint steady_nat_;
};

TEST_F(FramesThroughNat, BooksBalanceAndLivingFlowsLive) {
  const uint64_t wanted = frames_wanted();
  open_steady_flow();
  while (harness_.frames() < wanted && !HasFatalFailure()) {
    one_burst();
    let_time_pass();
    use_steady_flow();
    if (HasFailure()) {
      break;
    }
  }
  std::printf("frames %llu: %llu refused by the parser, %llu ARP, %llu new flows, %llu expired, %llu RST sent\n",
              static_cast<unsigned long long>(harness_.frames()), static_cast<unsigned long long>(harness_.refused()),
              static_cast<unsigned long long>(harness_.arp()),
              static_cast<unsigned long long>(events(EventKind::kFlowNew)),
              static_cast<unsigned long long>(events(EventKind::kFlowExpired)),
              static_cast<unsigned long long>(events(EventKind::kRstSent)));

  // The frames went everywhere, or this test would show little.
  for (const DropReason reason :
       {DropReason::kLate, DropReason::kAnswered, DropReason::kStrayReset, DropReason::kUnsolicited,
        DropReason::kHairpin, DropReason::kTableFull, DropReason::kPortsExhausted, DropReason::kPoolEmpty,
        DropReason::kIcmpType, DropReason::kProtocol}) {
    EXPECT_GT(dropped(reason), 0u) << code(reason) << " was never met";
  }
  for (const EventKind kind : {EventKind::kFlowNew, EventKind::kFlowEstablished, EventKind::kFlowClosing,
                               EventKind::kFlowClosed, EventKind::kFlowExpired, EventKind::kRejected}) {
    EXPECT_GT(events(kind), 0u) << name(kind) << " never happened";
  }
  EXPECT_EQ(dropped(DropReason::kRace), 0u) << "one worker races with nobody";

  // Nothing stays behind: every record and every port comes back.
  forget_all();
  const FrameWorld world = inside_world();
  for (const Ipv4Address address : world.destinations) {
    for (const uint16_t port : world.destination_ports) {
      if (address != kGateway.address) {
        EXPECT_EQ(free_ports({address, port}), config().outside_addresses.size() * config().ports_per_destination);
        forget_all();
      }
    }
  }
  open_steady_flow();
}

}  // namespace
}  // namespace lapse::test
