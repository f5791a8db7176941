// What the hop around a box does with packets that are too large for the way on. aws-behaviour 3.2, "MTU", "PMTUD";
// RFC 791, RFC 1191, RFC 4787 REQ-13; and how a gateway's fragments and its pieces of packets get along.
#include <algorithm>
#include <map>

#include "gtest/gtest.h"

#include "dataplane/box/nat_gateway.h"
#include "dataplane/net/memory_port.h"
#include "dataplane/net/path.h"
#include "dataplane/wire/icmp.h"
#include "dataplane/wire/ipv4.h"
#include "tests/support/packets.h"

namespace lapse::test {
namespace {

using std::chrono::seconds;

constexpr LinkId kPrivate{0};
constexpr LinkId kInternet{1};
const Endpoint kApp = endpoint("10.0.1.10", 40000);
const Endpoint kWeb = endpoint("203.0.113.80", 443);
const Endpoint kEip = endpoint("203.0.113.10");
const Endpoint kInside = endpoint("10.0.1.1");
constexpr MacAddress kAppMac{{0x02, 0, 0, 0, 0, 0xa}};
constexpr MacAddress kWebMac{{0x02, 0, 0, 0, 0, 0xb}};
constexpr MacAddress kInsideMac{{0x02, 0, 0, 0, 1, 0}};
constexpr MacAddress kOutsideMac{{0x02, 0, 0, 0, 1, 1}};

// app - private (8,500 bytes) - natgw - internet (1,500 bytes) - web.
class PathMtu : public testing::Test {
 protected:
  PathMtu() {
    network_.set_port(network_.add_link(), &private_);
    network_.set_port(network_.add_link(), &internet_);
    NatGateway::Config config;
    config.outside_addresses = {kEip.address};
    config.capacity = 64;
    config.timeouts.fill(seconds(350));
    config.hash_key = {1, 2};
    const BoxId box = network_.add_box(std::make_unique<NatGateway>(config, quiescence_));
    Interface inside{box, NatGateway::kInside, kPrivate, kInsideMac, {kInside.address}, {}, {}, 8500, 1500};
    inside.routes.add(*parse_prefix("10.0.1.0/24"), std::nullopt);
    network_.add_interface(inside);
    Interface outside{
        box, NatGateway::kOutside, kInternet, kOutsideMac, {kEip.address}, OwnAddresses::kTranslated, {}, 1500, 8500};
    outside.routes.add(*parse_prefix("203.0.113.0/24"), std::nullopt);
    network_.add_interface(outside);
    network_.neighbours().learn(kPrivate, kApp.address, kAppMac, now_.real);
    network_.neighbours().learn(kInternet, kWeb.address, kWebMac, now_.real);
    path_.emplace(WorkerId{0}, network_, pool_, nullptr, Trace::kOff);
  }
  ~PathMtu() override {
    for (MemoryPort* port : {&private_, &internet_}) {
      EXPECT_EQ(port->transmitted(), 0U) << "a packet that nobody expected";
    }
    path_.reset();
    EXPECT_TRUE(network_.process_conservation().holds());
    EXPECT_EQ(pool_.available(), pool_.count());
  }

  void from_app(PacketBuilder packet) { send(kPrivate, packet.mac(kAppMac, kInsideMac)); }
  void from_web(PacketBuilder packet) { send(kInternet, packet.mac(kWebMac, kOutsideMac)); }
  void send(LinkId link, const PacketBuilder& packet) {
    Packet* frame = raw_frame(pool_, packet.bytes());
    path_->receive(link, {&frame, 1}, now_);
    path_->run(now_);
  }
  static void expect(MemoryPort& port, const PacketBuilder& expected) {
    Packet* packet = port.take();
    ASSERT_NE(packet, nullptr) << "nothing instead of " << expected.describe();
    EXPECT_THAT(*packet, is(expected));
    release(packet);
  }
  // The flow of a datagram that the app has sent to the web.
  Endpoint opened() {
    from_app(udp(kApp, kWeb).payload("hello"));
    Packet* packet = internet_.take();
    const Endpoint nat = source_of(*packet);
    release(packet);
    return nat;
  }
  // The bytes behind the UDP header of the datagram whose fragments have left by 'port', put together.
  static std::string reassembled(MemoryPort& port, uint16_t mtu) {
    std::map<size_t, std::string> pieces;
    while (Packet* packet = port.take()) {
      const auto& ip = packet->header_at<Ipv4Header>(packet->l3_offset);
      EXPECT_LE(ip.total_length.host(), mtu);
      pieces[FragmentField(ip).offset].assign(packet->data + packet->l4_offset, packet->data + packet->length);
      release(packet);
    }
    std::string whole;
    for (const auto& [offset, piece] : pieces) {
      EXPECT_EQ(offset, whole.size());
      whole += piece;
    }
    return whole.substr(std::min<size_t>(8, whole.size()));
  }

  const Now now_{.now = Instant(seconds(1)), .real = Instant(seconds(1)), .last_jump = {}};
  MemoryPacketPool pool_{64, 9300};
  MemoryPort private_;
  MemoryPort internet_;
  Quiescence quiescence_;
  Network network_{1};
  std::optional<Path> path_;
};

std::string bytes_of_size(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>(i * 31 + (i >> 8));
  }
  return bytes;
}

TEST_F(PathMtu, Req13_DontFragmentIsAnsweredWithTheMtuOfTheWayOn) {
  const PacketBuilder large = udp(kApp, kWeb).payload(2000).dont_fragment();
  from_app(large);
  expect(private_, icmp_error(kInside, kApp, kIcmpUnreachable, kIcmpFragmentationNeeded, large).next_mtu(1500));
}

TEST_F(PathMtu, Row3_2_Mtu_PacketOfExactlyThatSizePasses) {
  from_app(udp(kApp, kWeb).payload(1472).dont_fragment());
  expect(internet_, udp(kEip.any_port(), kWeb).payload(1472).dont_fragment());
  const PacketBuilder large = udp(kApp, kWeb).payload(1473).dont_fragment();
  from_app(large);
  expect(private_, icmp_error(kInside, kApp, kIcmpUnreachable, kIcmpFragmentationNeeded, large).next_mtu(1500));
}

TEST_F(PathMtu, Req13a_OthersAreFragmented) {
  const std::string payload = bytes_of_size(4000);
  from_app(udp(kApp, kWeb).payload(payload));
  EXPECT_EQ(reassembled(internet_, 1500), payload);
}

TEST_F(PathMtu, Req13_OutsideIsAnsweredFromTheAddressThatItKnows) {
  const Endpoint nat = opened();
  const PacketBuilder large = udp(kWeb, nat).payload(8600).dont_fragment();
  from_web(large);
  expect(internet_, icmp_error(kEip, kWeb, kIcmpUnreachable, kIcmpFragmentationNeeded, large).next_mtu(8500));
}

// A TCP packet in fragments is dropped where it comes in; one that becomes fragments on its way out is not.
TEST_F(PathMtu, TcpMayBeFragmentedOnItsWayOut) {
  from_app(tcp(kApp, kWeb).syn().seq(1).payload(3000));
  size_t fragments = 0;
  while (Packet* packet = internet_.take()) {
    EXPECT_EQ(packet->kind, PacketKind::kFragment);
    ++fragments;
    release(packet);
  }
  EXPECT_EQ(fragments, 3U);
}

// RFC 791: each fragment of a fragment keeps its place in the datagram.
TEST_F(PathMtu, FragmentsAreFragmentedFurther) {
  const std::string payload = bytes_of_size(16000);
  for (const PacketBuilder& fragment : fragments(udp(kApp, kWeb).payload(payload).identification(7), 8000)) {
    from_app(fragment);
  }
  EXPECT_EQ(reassembled(internet_, 1500), payload);
}

// L8, and RFC 1812 section 5.3.1: a packet that goes no further may be as large as it likes.
TEST_F(PathMtu, L8_UnsolicitedThatIsTooLargeIsNotAnswered) {
  const Endpoint nat = opened();
  from_app(udp(kApp, kEip.with_port(5000)).payload(2000).dont_fragment());
  from_app(udp(kApp, kWeb).payload(2000).dont_fragment());
  expect(private_, icmp(kInside, kApp, 3, 4));
  from_web(udp(kWeb, nat).payload(2000).dont_fragment());
  expect(private_, udp(kWeb, kApp).payload(2000));
}

TEST_F(PathMtu, OptionsThatAreNotCopiedStandInTheFirstFragmentAlone) {
  // Record route is not copied; router alert is.
  from_app(udp(kApp, kWeb).payload(3000).ip_options({7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 1}));
  std::vector<size_t> header_sizes;
  while (Packet* packet = internet_.take()) {
    header_sizes.push_back(size_t{packet->l4_offset} - packet->l3_offset);
    release(packet);
  }
  EXPECT_EQ(header_sizes, (std::vector<size_t>{32, 24, 24}));
}

TEST_F(PathMtu, WithoutBuffersNothingHalfIsSent) {
  std::vector<Packet*> held_back;
  while (pool_.available() > 2) {
    held_back.push_back(pool_.allocate());
  }
  from_app(udp(kApp, kWeb).payload(4000));
  EXPECT_EQ(internet_.transmitted(), 0U);
  EXPECT_EQ(network_.link_counters(kInternet, WorkerId{0}).dropped[static_cast<size_t>(DropReason::kPoolEmpty)].get(),
            1U);
  pool_.release(held_back);
}

// RFC 1812 section 4.3.2.7: whoever gets an error about a later fragment does not know what it is about.
TEST_F(PathMtu, LaterFragmentsAreNeverAnswered) {
  from_app(fragments(udp(kApp, kWeb).payload(8000).identification(7), 4000)[1].dont_fragment());
  EXPECT_EQ(network_.link_counters(kPrivate, WorkerId{0}).dropped[static_cast<size_t>(DropReason::kTooBig)].get(), 1U);
}

// What waits in a box's store when the instance ends is accounted for.
TEST_F(PathMtu, HeldFragmentsAreDroppedAtTheEnd) {
  from_app(fragments(udp(kApp, kWeb).payload(4000).identification(7), 1480)[1]);
  EXPECT_EQ(network_.box(BoxId{0}).held(), 1U);
  EXPECT_TRUE(network_.process_conservation().holds());
  path_->drop_held();
  EXPECT_EQ(network_.box(BoxId{0}).held(), 0U);
  EXPECT_EQ(network_.box_counters(BoxId{0}, WorkerId{0}).dropped[static_cast<size_t>(DropReason::kShutdown)].get(), 1U);
}

}  // namespace
}  // namespace lapse::test
