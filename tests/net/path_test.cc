#include "dataplane/net/path.h"

#include <algorithm>

#include "gtest/gtest.h"

#include "dataplane/box/nat_gateway.h"
#include "dataplane/net/memory_port.h"
#include "tests/support/packets.h"

namespace lapse::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Endpoint kApp = endpoint("10.0.1.10", 40000);
const Endpoint kWeb = endpoint("203.0.113.80", 443);
const Endpoint kEip = endpoint("203.0.113.10");
const Ipv4Address kInsideAddress = ip("10.0.1.1");
constexpr MacAddress kAppMac{{0x02, 0, 0, 0, 0, 0xa}};
constexpr MacAddress kWebMac{{0x02, 0, 0, 0, 0, 0xb}};
constexpr MacAddress kInsideMac{{0x02, 0, 0, 0, 1, 0}};
constexpr MacAddress kOutsideMac{{0x02, 0, 0, 0, 1, 1}};

Ipv4Prefix prefix(std::string_view text) {
  return *parse_prefix(text);
}

// Passes everything through, from side 0 to side 1 and back.
class Wire final : public Box {
 public:
  void process(std::span<Packet* const> burst, Side side, const Now&, Output& out) override {
    for (Packet* packet : burst) {
      out.forward(packet, Side{static_cast<uint8_t>(1 - index(side))});
    }
  }
  void advance(const Now&, size_t, Output&) override {}
  std::optional<Instant> next_deadline(WorkerId, const Now&) const override { return std::nullopt; }
  FlowTable* flows() override { return nullptr; }
};

NatGateway::Config gateway_config() {
  NatGateway::Config config;
  config.outside_addresses = {kEip.address};
  config.capacity = 1024;
  config.timeouts.fill(seconds(350));
  config.hash_key = {1, 2};
  return config;
}

// app - private - natgw - internet - web, with programs at both ends of the wires.
struct Bench {
  explicit Bench(size_t transmit_capacity = 4096) : internet(transmit_capacity) {
    const LinkId private_link = network.add_link();
    const LinkId internet_link = network.add_link();
    network.set_port(private_link, &priv);
    network.set_port(internet_link, &internet);
    const BoxId box = network.add_box(std::make_unique<NatGateway>(gateway_config(), quiescence));
    Interface inside{box, NatGateway::kInside, private_link, kInsideMac, {kInsideAddress}, {}, {}};
    inside.routes.add(prefix("10.0.1.0/24"), std::nullopt);
    network.add_interface(inside);
    Interface outside{box, NatGateway::kOutside, internet_link, kOutsideMac, {kEip.address}, OwnAddresses::kTranslated,
                      {}};
    outside.routes.add(prefix("203.0.113.0/24"), std::nullopt);
    network.add_interface(outside);
    path.emplace(WorkerId{0}, network, pool, &events, Trace::kPackets);
  }
  ~Bench() {
    path.reset();
    const Conservation sum = network.process_conservation();
    EXPECT_TRUE(sum.holds()) << sum.received << " + " << sum.originated << " = " << sum.sent << " + " << sum.dropped
                             << " + " << sum.held;
    EXPECT_TRUE(network.box_conservation(BoxId{0}).holds());
  }

  Now now() const { return {.now = time, .real = time, .last_jump = {}}; }

  void from_app(PacketBuilder packet) { send(LinkId{0}, packet.mac(kAppMac, kInsideMac).bytes()); }
  void from_web(PacketBuilder packet) { send(LinkId{1}, packet.mac(kWebMac, kOutsideMac).bytes()); }
  void send(LinkId link, const std::vector<uint8_t>& frame) {
    Packet* packet = raw_frame(pool, frame);
    path->receive(link, {&packet, 1}, now());
    path->run(now());
  }
  void both_know_their_neighbours() {
    network.neighbours().learn(LinkId{0}, kApp.address, kAppMac, time);
    network.neighbours().learn(LinkId{1}, kWeb.address, kWebMac, time);
  }
  // Where the web sees the app behind a datagram.
  Endpoint opened() {
    from_app(udp(kApp, kWeb));
    Packet* packet = internet.take();
    const Endpoint nat = source_of(*packet);
    release(packet);
    return nat;
  }
  uint64_t dropped_by_box(DropReason reason) {
    return network.box_counters(BoxId{0}, WorkerId{0}).dropped[static_cast<size_t>(reason)].get();
  }
  uint64_t dropped(LinkId link, DropReason reason) {
    return network.link_counters(link, WorkerId{0}).dropped[static_cast<size_t>(reason)].get();
  }

  Instant time{seconds(1)};
  MemoryPacketPool pool{256};
  MemoryPort priv;
  MemoryPort internet;
  Quiescence quiescence;
  Network network{1};
  EventRing events{4096};
  std::optional<Path> path;
};

// The frame that left by 'port', parsed; released at the end of the statement's block.
struct Sent {
  explicit Sent(MemoryPort& port) : packet(port.take()) {}
  ~Sent() {
    if (packet != nullptr) {
      release(packet);
    }
  }
  MacAddress to() const {
    MacAddress mac;
    std::copy_n(packet->data, 6, mac.bytes.begin());
    return mac;
  }
  Packet* packet;
};

TEST(Path, ArpForABoxAddressIsAnswered) {
  Bench b;
  b.send(LinkId{0}, arp_request(kAppMac, kApp.address, kInsideAddress).bytes());
  const Sent reply(b.priv);
  EXPECT_THAT(reply.packet, is(arp_reply(kInsideMac, kInsideAddress, kAppMac, kApp.address)));
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kAnswered), 1U);
}

TEST(Path, ArpForSomebodyElseIsNotOurs) {
  Bench b;
  b.send(LinkId{0}, arp_request(kAppMac, kApp.address, ip("10.0.1.99")).bytes());
  EXPECT_EQ(b.priv.transmitted(), 0U);
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kNotForUs), 1U);
}

TEST(Path, AForwardedPacketLosesOneHopAndGoesToItsNeighbour) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(tcp(kApp, kWeb).syn().ttl(64));
  const Sent sent(b.internet);
  EXPECT_THAT(sent.packet, is(tcp(kEip.any_port(), kWeb).syn().ttl(63)));
  EXPECT_EQ(sent.to(), kWebMac);
}

TEST(Path, APacketForAnUnknownNeighbourWaitsForTheAnswer) {
  Bench b;
  b.from_app(tcp(kApp, kWeb).syn());
  {
    const Sent request(b.internet);
    EXPECT_THAT(request.packet, is(arp_request(kOutsideMac, kEip.address, kWeb.address)));
    EXPECT_EQ(request.to(), kBroadcastMac);
  }
  EXPECT_EQ(b.internet.transmitted(), 0U);
  EXPECT_EQ(b.network.waiting_packets(), 1U);
  EXPECT_TRUE(b.network.process_conservation().holds());
  b.send(LinkId{1}, arp_reply(kWebMac, kWeb.address, kOutsideMac, kEip.address).bytes());
  const Sent sent(b.internet);
  EXPECT_THAT(sent.packet, is(tcp(kEip.any_port(), kWeb).syn()));
  EXPECT_EQ(sent.to(), kWebMac);
  EXPECT_EQ(b.network.waiting_packets(), 0U);
}

TEST(Path, ANeighbourThatNeverAnswersIsGivenUpAfterThreeSeconds) {
  Bench b;
  b.from_app(tcp(kApp, kWeb).syn());
  for (int second = 0; second < 3; ++second) {
    const Sent request(b.internet);
    EXPECT_THAT(request.packet, is(arp_request(kOutsideMac, kEip.address, kWeb.address)));
    b.time += seconds(1);
    b.path->advance(b.now(), 64);
  }
  EXPECT_EQ(b.dropped(LinkId{1}, DropReason::kNeighbourUnreachable), 1U);
  EXPECT_EQ(b.network.waiting_packets(), 0U);
}

// What no box drops is told, too: where the packet was, and why.
TEST(Path, APacketThatGoesNowhereIsAnEvent) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(tcp(kApp, endpoint("192.0.2.1", 443)).syn());
  b.from_app(udp(kApp, kWeb).ttl(1));
  b.from_app(udp(kApp, endpoint("10.0.1.1", 53)));
  std::array<Event, 16> events;
  const size_t count = b.events.pop(events.data(), events.size());
  std::vector<Event> dropped;
  std::copy_if(events.begin(), events.begin() + static_cast<ptrdiff_t>(count), std::back_inserter(dropped),
               [](const Event& event) { return event.kind == EventKind::kPacketDropped; });
  ASSERT_EQ(dropped.size(), 3U);
  EXPECT_EQ(dropped[0].reason, DropReason::kNoRoute);
  EXPECT_EQ(dropped[0].box, kNoBox) << "the box had let it go";
  EXPECT_EQ(dropped[0].link, LinkId{1});
  EXPECT_EQ(dropped[0].from_interface, InterfaceId{1});
  EXPECT_EQ(dropped[1].reason, DropReason::kAnswered) << "by ICMP";
  EXPECT_EQ(dropped[1].box, BoxId{0});
  EXPECT_EQ(dropped[2].reason, DropReason::kUnsolicited);
  EXPECT_EQ(dropped[2].box, BoxId{0});
}

TEST(Path, FewPacketsWaitForOneNeighbour) {
  Bench b;
  for (uint16_t port = 0; port < Path::kWaitingPerNeighbour + 1; ++port) {
    b.from_app(udp(kApp.with_port(5000 + port), kWeb));
  }
  EXPECT_EQ(b.network.waiting_packets(), Path::kWaitingPerNeighbour);
  EXPECT_EQ(b.dropped(LinkId{1}, DropReason::kNeighbourQueueFull), 1U);
}

// RFC 1812 section 5.3.1: the last hop is told to the sender, from the address that it knows.
TEST(Path, ATtlOfOneIsAnsweredByTimeExceeded) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(udp(kApp, kWeb).ttl(1));
  const Sent sent(b.priv);
  EXPECT_THAT(sent.packet, is(icmp({kInsideAddress}, {kApp.address}, 11, 0)));
  EXPECT_EQ(b.internet.transmitted(), 0U);
}

TEST(Path, ARstOfTheBoxItselfLosesNoHop) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(tcp(kApp, kWeb).ack(7).payload("late"));
  const Sent sent(b.priv);
  EXPECT_THAT(sent.packet, is(tcp(kWeb, kApp).rst().seq(7).ttl(64)));
}

// L8: what nobody asked for meets silence, also where it would not have got further. RFC 1812 section 5.3.1: what is for
// the box itself needs no more hops.
TEST(Path, L8_UnsolicitedWithATtlOfOneIsNotAnswered) {
  Bench b;
  b.both_know_their_neighbours();
  const Endpoint nat = b.opened();
  for (const PacketBuilder& packet :
       {tcp(kWeb, kEip.with_port(5000)).syn(), udp(kWeb, kEip.with_port(5000)), udp(kWeb.with_port(1), nat),
        icmp_echo(kWeb, kEip, 7), icmp_echo(kWeb, kEip, 7).reply(),
        udp(kWeb, kEip.with_port(5000)).fragment(0, true)}) {
    b.from_web(PacketBuilder(packet).ttl(1));
  }
  b.from_app(tcp(kApp, kEip.with_port(5000)).syn().ttl(1));
  EXPECT_EQ(b.internet.transmitted(), 0U);
  EXPECT_EQ(b.priv.transmitted(), 0U);
  EXPECT_EQ(b.dropped_by_box(DropReason::kUnsolicited) + b.dropped_by_box(DropReason::kLate), 6U);
  EXPECT_EQ(b.dropped_by_box(DropReason::kHairpin), 1U);
}

// For an answer that somebody inside waits for, the box is a hop of the way.
TEST(Path, AnAnswerWithATtlOfOneIsAnsweredByTimeExceeded) {
  Bench b;
  b.both_know_their_neighbours();
  const Endpoint nat = b.opened();
  b.from_web(udp(kWeb, nat).ttl(1));
  const Sent sent(b.internet);
  EXPECT_THAT(sent.packet, is(icmp({kEip.address}, {kWeb.address}, 11, 0)));
  EXPECT_EQ(b.priv.transmitted(), 0U);
  b.time += seconds(350);
  b.from_web(udp(kWeb, nat).ttl(1));
  EXPECT_EQ(b.internet.transmitted(), 0U) << "nobody waits any longer";
}

// An echo request for the identifier of a living flow is no answer to it.
TEST(Path, L8_PingWithATtlOfOneToALivingIdentifierIsNotAnswered) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(icmp_echo(kApp, kWeb, 7));
  const uint16_t identifier = [&b] {
    const Sent sent(b.internet);
    return sent.packet->tuple.source_port.host();
  }();
  b.from_web(icmp_echo(kWeb, kEip, identifier).ttl(1));
  EXPECT_EQ(b.internet.transmitted(), 0U);
  b.from_web(icmp_echo(kWeb, kEip, identifier).reply().ttl(1));
  const Sent sent(b.internet);
  EXPECT_THAT(sent.packet, is(icmp({kEip.address}, {kWeb.address}, 11, 0)));
}

// RFC 1812 section 5.3.8: whoever sends from an address of the box lies.
TEST(Path, APacketFromAnAddressOfTheBoxIsDropped) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(udp(endpoint("10.0.1.1", 4000), kWeb));
  b.from_app(tcp(endpoint("10.0.1.1", 4000), kWeb).ack(1));
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kIpv4Address), 2U);
  b.from_web(udp(endpoint("10.0.1.1", 4000), kEip.with_port(5000)));
  EXPECT_EQ(b.dropped(LinkId{1}, DropReason::kIpv4Address), 1U);
  EXPECT_EQ(b.internet.transmitted() + b.priv.transmitted(), 0U);
}

// RFC 791 section 3.1, RFC 1812 section 5.2.4.1: by the address of the side that the packet leaves by.
TEST(Path, AHopWritesItselfIntoARecordRouteOption) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(udp(kApp, kWeb).ip_options({1, 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0}));
  const Sent sent(b.internet);
  EXPECT_THAT(sent.packet, is(udp(kEip.any_port(), kWeb).ip_options({1, 7, 11, 8, 203, 0, 113, 10, 0, 0, 0, 0})));
  b.from_web(udp(kWeb, source_of(*sent.packet)).ip_options({7, 7, 4, 0, 0, 0, 0}));
  const Sent answer(b.priv);
  EXPECT_THAT(answer.packet, is(udp(kWeb, kApp).ip_options({7, 7, 8, 10, 0, 1, 1, 0})));
}

// L8: the gateway answers nothing addressed to itself.
TEST(Path, APacketToTheInsideAddressIsDropped) {
  Bench b;
  b.from_app(icmp_echo(kApp, {kInsideAddress}, 1));
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kUnsolicited), 1U);
  EXPECT_EQ(b.priv.transmitted(), 0U);
}

// What the path remembers of the packet before must not be taken for true of this one.
TEST(Path, TheHopsOfABurstAreTheirOwn) {
  constexpr MacAddress kDnsMac{{0x02, 0, 0, 0, 0, 0xc}};
  const Endpoint dns = endpoint("203.0.113.53", 53);
  Bench b;
  b.both_know_their_neighbours();
  b.network.neighbours().learn(LinkId{1}, dns.address, kDnsMac, b.time);
  std::vector<Packet*> burst;
  for (const PacketBuilder& packet : {udp(kApp, kWeb), udp(kApp, dns), udp(kApp, dns), udp(kApp, kWeb)}) {
    burst.push_back(raw_frame(b.pool, PacketBuilder(packet).mac(kAppMac, kInsideMac).bytes()));
  }
  b.path->receive(LinkId{0}, burst, b.now());
  b.path->run(b.now());
  for (const MacAddress& expected : {kWebMac, kDnsMac, kDnsMac, kWebMac}) {
    EXPECT_EQ(Sent(b.internet).to(), expected);
  }
}

TEST(Path, TheStationsOfABurstAreTheirOwn) {
  Bench b;
  b.both_know_their_neighbours();
  std::vector<Packet*> burst;
  for (const MacAddress& to : {kInsideMac, kOutsideMac, kInsideMac, kWebMac}) {
    burst.push_back(raw_frame(b.pool, udp(kApp, kWeb).mac(kAppMac, to).bytes()));
  }
  b.path->receive(LinkId{0}, burst, b.now());
  b.path->run(b.now());
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kNotForUs), 2U);
  EXPECT_EQ(b.internet.transmitted(), 2U);
}

// A neighbour that was not heard for a minute is asked for again, also when the last packet went to it.
TEST(Path, AHopIsForgottenBetweenBursts) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(udp(kApp, kWeb));
  EXPECT_EQ(Sent(b.internet).to(), kWebMac);
  b.time += Neighbours::kUsableFor;
  b.from_app(udp(kApp, kWeb));
  EXPECT_EQ(Sent(b.internet).to(), kBroadcastMac);
  EXPECT_EQ(b.network.waiting_packets(), 1U);
}

TEST(Path, ADestinationWithoutRouteIsDropped) {
  Bench b;
  b.from_app(udp(kApp, endpoint("192.0.2.1", 53)));
  EXPECT_EQ(b.dropped(LinkId{1}, DropReason::kNoRoute), 1U);
}

TEST(Path, AFrameForAnotherStationIsNotOurs) {
  Bench b;
  b.send(LinkId{0}, tcp(kApp, kWeb).syn().mac(kAppMac, kWebMac).bytes());
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kNotForUs), 1U);
}

TEST(Path, AMalformedFrameIsDroppedForItsOwnReason) {
  Bench b;
  const std::vector<uint8_t> runt(13, 0);
  b.send(LinkId{0}, runt);
  b.from_app(tcp(kApp, kWeb).syn().bad_ip_checksum());
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kFrameTooShort), 1U);
  EXPECT_EQ(b.dropped(LinkId{0}, DropReason::kIpv4Checksum), 1U);
}

TEST(Path, APortThatTakesNoMoreIsAReason) {
  Bench b(/*transmit_capacity=*/1);
  b.both_know_their_neighbours();
  b.from_app(udp(kApp.with_port(1), kWeb));
  b.from_app(udp(kApp.with_port(2), kWeb));
  EXPECT_EQ(b.dropped(LinkId{1}, DropReason::kTransmitQueueFull), 1U);
}

TEST(Path, AnEmptyPoolLeavesTheSenderWithoutAnswer) {
  Bench b;
  b.both_know_their_neighbours();
  Packet* late = raw_frame(b.pool, tcp(kApp, kWeb).ack(7).payload("late").mac(kAppMac, kInsideMac).bytes());
  std::vector<Packet*> taken;
  while (b.pool.available() > 0) {
    taken.push_back(b.pool.allocate());
  }
  b.path->receive(LinkId{0}, {&late, 1}, b.now());
  b.path->run(b.now());
  EXPECT_EQ(b.priv.transmitted(), 0U);
  EXPECT_EQ(b.network.box_counters(BoxId{0}, WorkerId{0}).dropped[static_cast<size_t>(DropReason::kPoolEmpty)].get(),
            1U);
  b.pool.release(taken);
}

TEST(Path, EveryLinkCrossingIsAnEvent) {
  Bench b;
  b.both_know_their_neighbours();
  b.from_app(tcp(kApp, kWeb).syn().seq(5));
  std::array<Event, 16> events;
  const size_t count = b.events.pop(events.data(), events.size());
  std::vector<Event> crossings;
  std::copy_if(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count), std::back_inserter(crossings),
               [](const Event& event) { return event.kind == EventKind::kPacket; });
  ASSERT_EQ(crossings.size(), 2U);
  EXPECT_EQ(crossings[0].link, LinkId{0});
  EXPECT_EQ(crossings[0].from_interface, kNoInterface);
  EXPECT_EQ(crossings[0].to_interface, InterfaceId{0});
  EXPECT_EQ(crossings[0].tuple.source, kApp.address);
  EXPECT_EQ(crossings[1].link, LinkId{1});
  EXPECT_EQ(crossings[1].from_interface, InterfaceId{1});
  EXPECT_EQ(crossings[1].to_interface, kNoInterface);
  EXPECT_EQ(crossings[1].tuple.source, kEip.address);
  EXPECT_EQ(crossings[1].sequence, 5U);
}

// app - private - first wire - middle - second wire - internet - web: boxes in series over an internal link.
struct Series {
  explicit Series(const char* first_route_back, const char* second_route) {
    for (Port* port : {static_cast<Port*>(&priv), static_cast<Port*>(nullptr), static_cast<Port*>(&internet)}) {
      network.set_port(network.add_link(), port);
    }
    add(LinkId{0}, LinkId{1}, "10.0.1.1", "10.9.0.1", "0.0.0.0/0", "10.9.0.2", first_route_back);
    add(LinkId{1}, LinkId{2}, "10.9.0.2", "203.0.113.1", second_route, nullptr, "10.9.0.1");
    network.neighbours().learn(LinkId{2}, kWeb.address, kWebMac, time);
    path.emplace(WorkerId{0}, network, pool, nullptr, Trace::kOff);
  }
  ~Series() {
    path.reset();
    EXPECT_TRUE(network.process_conservation().holds());
  }
  void add(LinkId left, LinkId right, const char* left_address, const char* right_address, const char* to,
           const char* via, const char* back_via) {
    const BoxId box = network.add_box(std::make_unique<Wire>());
    const auto number = static_cast<uint8_t>(index(box));
    Interface one{box, Side{0}, left, {{2, 0, 0, 0, number, 0}}, {ip(left_address)}, {}, {}};
    one.routes.add(prefix("10.0.1.0/24"), back_via == nullptr ? std::nullopt : std::optional(ip(back_via)));
    network.add_interface(one);
    Interface two{box, Side{1}, right, {{2, 0, 0, 0, number, 1}}, {ip(right_address)}, {}, {}};
    two.routes.add(prefix(to), via == nullptr ? std::nullopt : std::optional(ip(via)));
    network.add_interface(two);
  }
  void from_app(PacketBuilder packet) {
    Packet* sent = raw_frame(pool, packet.mac(kAppMac, {{2, 0, 0, 0, 0, 0}}).bytes());
    const Now now{.now = time, .real = time, .last_jump = {}};
    path->receive(LinkId{0}, {&sent, 1}, now);
    path->run(now);
  }

  Instant time{seconds(1)};
  MemoryPacketPool pool{64};
  MemoryPort priv;
  MemoryPort internet;
  Network network{1};
  std::optional<Path> path;
};

TEST(Path, BoxesInSeriesAreMetInOrder) {
  Series s(nullptr, "0.0.0.0/0");
  s.from_app(udp(kApp, kWeb).ttl(64));
  const Sent sent(s.internet);
  EXPECT_THAT(sent.packet, is(udp(kApp, kWeb).ttl(62)));
  EXPECT_EQ(sent.to(), kWebMac);
}

TEST(Path, APacketThatCirclesIsDroppedAfter32Boxes) {
  Series s(nullptr, "0.0.0.0/0");
  // A third box hands everything back to itself.
  Network& network = s.network;
  const LinkId circle = LinkId{1};
  Interface back{
      network.add_box(std::make_unique<Wire>()), Side{0}, circle, {{2, 0, 0, 0, 9, 0}}, {ip("10.9.0.9")}, {}, {}};
  back.routes.add(prefix("0.0.0.0/0"), ip("10.9.0.9"));
  network.add_interface(back);
  back.side = Side{1};
  back.mac = {{2, 0, 0, 0, 9, 1}};
  back.addresses = {ip("10.9.0.10")};
  network.add_interface(back);
  s.path.emplace(WorkerId{0}, network, s.pool, nullptr, Trace::kOff);
  Packet* looping = raw_frame(s.pool, udp(kApp, kWeb).ttl(255).mac(kAppMac, {{2, 0, 0, 0, 9, 0}}).bytes());
  const Now now{.now = s.time, .real = s.time, .last_jump = {}};
  s.path->receive(circle, {&looping, 1}, now);
  s.path->run(now);
  EXPECT_EQ(network.link_counters(circle, WorkerId{0}).dropped[static_cast<size_t>(DropReason::kLoop)].get(), 1U);
}

}  // namespace
}  // namespace lapse::test
