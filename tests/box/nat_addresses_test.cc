// Addresses that come and go while a gateway runs. aws-behaviour 3.1, "Choice among addresses", "Removing an address";
// section 1, "address drain"; C-18.
#include "dataplane/box/nat_addresses.h"

#include <map>

#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

using Outcome = NatAddresses::Outcome;

constexpr Duration kDrain = 100s;

NatGateway::Config with_two_addresses() {
  NatGateway::Config config = nat_config();
  config.outside_addresses = {eip.address, second_eip.address};
  return config;
}

Outcome drain(NatBench& b, const Endpoint& address) {
  return b.box().addresses().disassociate(address.address, to_tick(b.now() + kDrain));
}

// How many of a hundred new flows each address serves.
std::map<std::string, int> spread(NatBench& b, uint16_t first_port) {
  std::map<std::string, int> flows;
  for (uint16_t i = 0; i < 100; ++i) {
    b.inside.send(udp(client.with_port(static_cast<uint16_t>(first_port + i)), dns));
    ++flows[to_string(b.outside.expect_any().source.address)];
  }
  return flows;
}

// A connection that the gateway gave this address.
Connection establish_by(NatBench& b, const Endpoint& address) {
  for (uint16_t port = 50000;; ++port) {
    Connection c{.client = client.with_port(port), .nat = {}, .server = web};
    b.inside.send(tcp(c.client, web).syn().seq(1000));
    c.nat = b.outside.expect_any().source;
    if (c.nat.address == address.address) {
      b.outside.send(tcp(web, c.nat).syn().seq(5000).ack(1001));
      b.inside.expect(tcp(web, c.client).syn().seq(5000).ack(1001));
      b.inside.send(c.from_client());
      b.outside.expect(c.from_nat());
      return c;
    }
  }
}

TEST(NatAddresses, NewFlowsUseAnAddressThatIsAssociated) {
  NatBench b;
  EXPECT_EQ(spread(b, 1000).size(), 1u);
  EXPECT_EQ(b.box().addresses().associate(second_eip.address), Outcome::kDone);
  const auto flows = spread(b, 2000);
  EXPECT_GT(flows.at("198.51.100.7"), 20);
  EXPECT_GT(flows.at("198.51.100.8"), 20);
}

TEST(NatAddresses, Row3_1_RemovingAnAddress_ItServesItsFlowsAndTakesNoNewOnes) {
  NatBench b(with_two_addresses());
  const Connection c = establish_by(b, second_eip);
  EXPECT_EQ(drain(b, second_eip), Outcome::kDone);
  EXPECT_EQ(spread(b, 1000).count("198.51.100.8"), 0u);
  b.advance(kDrain - 1s);
  b.reclaim();
  b.inside.send(c.from_client().payload("still"));
  b.outside.expect(c.from_nat().payload("still"));
  b.outside.send(c.from_server().payload("here"));
  b.inside.expect(c.to_client().payload("here"));
}

TEST(NatAddresses, ReleasedAddressEndsItsFlowsAndNoOthers) {
  NatBench b(with_two_addresses());
  const Connection released = establish_by(b, second_eip);
  const Connection kept = establish_by(b, eip);
  EXPECT_EQ(drain(b, second_eip), Outcome::kDone);
  b.advance(kDrain);
  EXPECT_EQ(b.box().next_deadline(WorkerId{0}, b.clock().now()), b.now());
  b.reclaim();
  b.forget_events();
  EXPECT_FALSE(b.box().owns(NatGateway::kOutside, second_eip.address));
  b.inside.send(released.from_client().payload("hello?"));
  b.inside.expect(tcp(web, released.client).rst().seq(released.server_seq));
  b.expect_dropped(DropReason::kAnswered);
  b.inside.send(kept.from_client().payload("hello"));
  b.outside.expect(kept.from_nat().payload("hello"));
}

TEST(NatAddresses, ReleaseIsToldAsTheEndOfEachFlow) {
  NatBench b(with_two_addresses());
  const Connection c = establish_by(b, second_eip);
  EXPECT_EQ(drain(b, second_eip), Outcome::kDone);
  b.advance(kDrain);
  b.forget_events();
  b.reclaim();
  const Event event = b.expect_event(EventKind::kFlowReleased);
  EXPECT_EQ(event.tuple.source, c.client.address);
  EXPECT_EQ(event.tuple.source_port.host(), c.client.port);
}

TEST(NatAddresses, ReleasedAddressCanComeBack) {
  NatBench b(with_two_addresses());
  EXPECT_EQ(drain(b, second_eip), Outcome::kDone);
  EXPECT_EQ(b.box().addresses().associate(second_eip.address), Outcome::kTaken) << "it drains";
  b.advance(kDrain);
  b.reclaim();
  EXPECT_EQ(b.box().addresses().associate(second_eip.address), Outcome::kDone);
  EXPECT_GT(spread(b, 1000).at("198.51.100.8"), 20);
}

TEST(NatAddresses, PrimaryAddressStays) {
  NatBench b(with_two_addresses());
  EXPECT_EQ(drain(b, eip), Outcome::kPrimary);
  EXPECT_EQ(drain(b, stranger), Outcome::kUnknown);
}

TEST(NatAddresses, C18_EightAddressesAtMost) {
  NatBench b;
  for (uint8_t i = 1; i < NatAddresses::kMost; ++i) {
    EXPECT_EQ(b.box().addresses().associate(ip("198.51.100." + std::to_string(100 + i))), Outcome::kDone);
  }
  EXPECT_EQ(b.box().addresses().associate(second_eip.address), Outcome::kFull);
}

}  // namespace
}  // namespace lapse::test
