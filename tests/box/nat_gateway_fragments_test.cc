// Datagrams in fragments. aws-behaviour 3.2, "UDP fragments", "TCP and ICMP fragments"; RFC 4787 REQ-14, RFC 6864.
#include <algorithm>
#include <random>
#include <set>

#include "dataplane/box/fragment_store.h"
#include "tests/box/nat_bench.h"

namespace lapse::test {
namespace {

constexpr size_t kSize = 1480;  // what an Ethernet frame carries behind the IP header

PacketBuilder question(size_t size = 4000) {
  return udp(client, dns).payload(size).identification(7);
}

uint16_t identification_of(const Seen& seen) {
  return static_cast<uint16_t>(seen.bytes[18] << 8 | seen.bytes[19]);
}

// The datagram as it leaves, by the port and identification of its first fragment.
std::vector<PacketBuilder> translated(const PacketBuilder& datagram_from_nat, const Seen& first) {
  PacketBuilder datagram = datagram_from_nat;
  return fragments(datagram.identification(identification_of(first)), kSize);
}

TEST(NatGatewayFragments, Row3_2_UdpFragments_PassInOrder) {
  NatBench b;
  const auto sent = fragments(question(), kSize);
  ASSERT_EQ(sent.size(), 3u);
  b.inside.send(sent[0]);
  const Seen first = b.outside.expect(udp(eip.any_port(), dns));
  const auto expected = translated(udp(first.source, dns).payload(4000), first);
  b.inside.send({sent[1], sent[2]});
  b.outside.expect(expected[1]);
  b.outside.expect(expected[2]);
}

TEST(NatGatewayFragments, Req14_PassInAnyOrder) {
  std::vector<size_t> order{0, 1, 2, 3, 4};
  std::mt19937 random(14);
  for (int round = 0; round < 100; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    NatBench b;
    const auto sent = fragments(question(6000), kSize);
    ASSERT_EQ(sent.size(), order.size());
    std::vector<Seen> seen;
    for (size_t place = 0; place < order.size(); ++place) {
      b.inside.send(sent[order[place]]);
      const bool first_has_passed = std::find(order.begin(), order.begin() + static_cast<ptrdiff_t>(place) + 1, 0u) !=
                                    order.begin() + static_cast<ptrdiff_t>(place) + 1;
      while (first_has_passed && seen.size() <= place) {
        seen.push_back(b.outside.expect_any());
      }
    }
    const auto first = std::find_if(seen.begin(), seen.end(), [](const Seen& one) { return one.source.port != 0; });
    ASSERT_NE(first, seen.end());
    std::multiset<std::vector<uint8_t>> expected;
    for (const PacketBuilder& one : translated(udp(first->source, dns).payload(6000), *first)) {
      expected.insert(one.bytes());
    }
    std::multiset<std::vector<uint8_t>> passed;
    for (const Seen& one : seen) {
      passed.insert(one.bytes);
    }
    EXPECT_EQ(passed, expected) << "round " << round;
  }
}

TEST(NatGatewayFragments, AnswersInFragmentsFindTheClient) {
  NatBench b;
  b.inside.send(udp(client, dns).payload("question"));
  const Seen sent = b.outside.expect(udp(eip.any_port(), dns).payload("question"));
  const auto answer = fragments(udp(dns, sent.source).payload(4000).identification(9), kSize);
  b.outside.send({answer[2], answer[1], answer[0]});
  const Seen first = b.inside.expect(udp(dns, client));
  const auto expected = translated(udp(dns, client).payload(4000), first);
  b.inside.expect(expected[2]);
  b.inside.expect(expected[1]);
}

// RFC 4963: both clients use one identification towards one server, and the server would mix their fragments.
TEST(NatGatewayFragments, ClientsWithOneIdentificationAreToldApart) {
  NatBench b;
  const auto one = fragments(question(), kSize);
  const auto two = fragments(udp(other_client, dns).payload(4000).identification(7), kSize);
  b.inside.send({one[0], two[0], one[1], two[1], one[2], two[2]});
  std::vector<Seen> seen;
  for (int i = 0; i < 6; ++i) {
    seen.push_back(b.outside.expect_any());
  }
  EXPECT_NE(identification_of(seen[0]), identification_of(seen[1]));
  for (const size_t fragment : {2u, 4u}) {
    EXPECT_EQ(identification_of(seen[fragment]), identification_of(seen[0]));
    EXPECT_EQ(identification_of(seen[fragment + 1]), identification_of(seen[1]));
  }
}

// What may be fragmented on its way is in the same danger: RFC 6864 section 5.3.1.
TEST(NatGatewayFragments, WholePacketsThatMayBeFragmentedGetNewIdentifications) {
  NatBench b;
  std::set<uint16_t> seen;
  for (int i = 0; i < 100; ++i) {
    b.inside.send(udp(client, dns).payload("question").identification(7));
    seen.insert(identification_of(b.outside.expect(udp(eip.any_port(), dns).payload("question"))));
  }
  EXPECT_EQ(seen.size(), 100u);
  b.inside.send(udp(client, dns).identification(7).dont_fragment());
  b.outside.expect(udp(eip.any_port(), dns).identification(7).dont_fragment());
}

TEST(NatGatewayFragments, Row3_2_TcpAndIcmpFragments_AreDropped) {
  NatBench b;
  const Connection c = establish(b);
  b.inside.send(c.from_client().payload(60).fragment(0, true));
  b.expect_dropped(DropReason::kFragment);
  b.inside.send(icmp_echo(client, web, 7).payload(64).fragment(0, true));
  b.expect_dropped(DropReason::kFragment);
  b.inside.send(icmp_echo(client, web, 7).payload(64).fragment(9, false));
  b.expect_dropped(DropReason::kFragment);
  b.outside.send(c.from_server().payload(64).fragment(9, false));
  b.expect_dropped(DropReason::kFragment);
  EXPECT_EQ(b.flow_count(), 1u);
}

TEST(NatGatewayFragments, UnsolicitedDatagramIsDroppedWhole) {
  NatBench b;
  const auto sent = fragments(udp(stranger, eip.with_port(4242)).payload(4000).identification(1), kSize);
  b.outside.send(sent[1]);
  b.outside.send({sent[0]});
  // What was held, and then the first one by its own reason.
  EXPECT_EQ(b.counters().dropped[static_cast<size_t>(DropReason::kFragmentRefused)].get(), 1u);
  EXPECT_EQ(b.counters().dropped[static_cast<size_t>(DropReason::kLate)].get(), 1u);
  b.forget_drops();
  b.outside.send(sent[2]);
  b.expect_dropped(DropReason::kFragmentRefused);
}

TEST(NatGatewayFragments, RepeatedFragmentPassesOnce) {
  NatBench b;
  const auto sent = fragments(question(), kSize);
  b.inside.send({sent[0], sent[1]});
  b.outside.expect_any();
  b.outside.expect_any();
  b.inside.send(sent[1]);
  b.expect_dropped(DropReason::kFragmentOverlap);
  b.inside.send(sent[0]);
  b.expect_dropped(DropReason::kFragmentOverlap);
  b.inside.send(sent[2]);
  b.outside.expect_any();
}

// RFC 1858, RFC 5722: a fragment that writes over another one could change what a filter has seen.
TEST(NatGatewayFragments, OverlappingFragmentsEndTheDatagram) {
  NatBench b;
  const auto sent = fragments(question(), kSize);
  b.inside.send(sent[0]);
  b.outside.expect_any();
  const auto shifted = fragments(question(), kSize - 8);
  b.inside.send(shifted[1]);
  b.expect_dropped(DropReason::kFragmentOverlap);
  b.inside.send(sent[2]);
  b.expect_dropped(DropReason::kFragmentOverlap);
}

TEST(NatGatewayFragments, FragmentsBehindTheEndEndTheDatagram) {
  NatBench b;
  const auto sent = fragments(question(), kSize);
  b.inside.send({sent[0], sent[2]});
  b.outside.expect_any();
  b.outside.expect_any();
  b.inside.send(fragments(question(9000), kSize)[5]);
  b.expect_dropped(DropReason::kFragmentOverlap);
  b.inside.send(sent[1]);
  b.expect_dropped(DropReason::kFragmentOverlap);
}

// "Endless": nobody sends the first one. Memory and time are bounded.
TEST(NatGatewayFragments, HeldFragmentsAreDroppedWhenTheFirstDoesNotCome) {
  NatBench b;
  const auto sent = fragments(question(), kSize);
  b.inside.send({sent[1], sent[2]});
  EXPECT_EQ(b.box().held(), 2u);
  EXPECT_EQ(b.box().next_retry(WorkerId{0}, b.clock().now()), b.clock().now().real + FragmentStore::kWaitFor);
  b.advance(FragmentStore::kWaitFor - 1ms);
  b.reclaim();
  EXPECT_EQ(b.box().held(), 2u);
  b.advance(1ms);
  b.reclaim();
  b.expect_dropped(DropReason::kFragmentTimeout, 2);
  EXPECT_EQ(b.box().next_retry(WorkerId{0}, b.clock().now()), std::nullopt);
}

TEST(NatGatewayFragments, OneDatagramHoldsOnlySoMany) {
  NatBench b;
  const auto sent = fragments(question(4000), 48);
  ASSERT_GT(sent.size(), FragmentStore::kMostHeldOfOne + 2);
  b.inside.send(std::vector(sent.begin() + 1, sent.begin() + 1 + FragmentStore::kMostHeldOfOne));
  EXPECT_EQ(b.box().held(), FragmentStore::kMostHeldOfOne);
  b.inside.send(sent[FragmentStore::kMostHeldOfOne + 1]);
  b.expect_dropped(DropReason::kFragmentStoreFull);
  b.inside.send(sent[0]);
  for (size_t i = 0; i <= FragmentStore::kMostHeldOfOne; ++i) {
    b.outside.expect_any();
  }
}

// RFC 4787 REQ-14a: what comes in order needs no memory, and what is whole is untouched.
TEST(NatGatewayFragments, Req14a_FloodOfFragmentsHurtsNobodyElse) {
  NatBench b;
  const Connection c = establish(b);
  const auto first = fragments(question(), kSize);
  b.inside.send(first[0]);
  b.outside.expect_any();
  for (uint32_t id = 0; id < 2000; ++id) {
    b.outside.send(
        fragments(udp(stranger, eip.with_port(4242)).payload(64).identification(static_cast<uint16_t>(id)), 16)[2]);
    EXPECT_LE(b.box().held(), FragmentStore::kMostHeld);
    b.forget_drops();
    if (id % 100 == 0) {
      b.inside.send(c.from_client().payload("data"));
      b.outside.expect(c.from_nat().payload("data"));
    }
  }
  // A datagram whose first fragment had passed before the flood, and one that begins in it.
  b.inside.send({first[1], first[2]});
  b.outside.expect_any();
  b.outside.expect_any();
  b.inside.send(fragments(udp(client, dns).payload(4000).identification(8), kSize));
  for (int i = 0; i < 3; ++i) {
    b.outside.expect_any();
  }
  b.advance(FragmentStore::kWaitFor);
  b.reclaim();
  b.forget_drops();
}

TEST(NatGatewayFragments, ManyHeldOfSeveralDatagramsGoOnInSeveralCalls) {
  NatBench b;
  std::vector<std::vector<PacketBuilder>> datagrams;
  for (uint16_t id = 0; id < 2; ++id) {
    datagrams.push_back(fragments(udp(client, dns).payload(2900).identification(id), 48));
    ASSERT_GT(datagrams.back().size(), 55u);
    b.inside.send(std::vector(datagrams.back().begin() + 1, datagrams.back().begin() + 50));
  }
  b.inside.send({datagrams[0][0], datagrams[1][0]});
  b.reclaim();
  for (int i = 0; i < 100; ++i) {
    b.outside.expect_any();
  }
  b.outside.expect_nothing();
}

// What waited goes on right behind what it waited for, so that nothing that came later is there before it.
TEST(NatGatewayFragments, NothingOvertakesWhatWaitedForTheFirstFragment) {
  NatBench b;
  const auto sent = fragments(question(), kSize);
  b.inside.send({sent[1], sent[2]});
  const PacketBuilder next = udp(client, dns).payload("the next datagram");
  b.inside.send({sent[0], next});
  const Seen first = b.outside.expect(udp(eip.any_port(), dns));
  const auto expected = translated(udp(first.source, dns).payload(4000), first);
  b.outside.expect(expected[1]);
  b.outside.expect(expected[2]);
  b.outside.expect(udp(first.source, dns).payload("the next datagram"));
}

// More than one call has room for: what is left goes on before what comes with the next one.
TEST(NatGatewayFragments, NothingOvertakesWhatWaitedForRoomToo) {
  NatBench b;
  constexpr uint16_t kDatagrams = 4;
  std::vector<PacketBuilder> firsts;
  for (uint16_t id = 0; id < kDatagrams; ++id) {
    const auto all = fragments(udp(client, dns).payload(2900).identification(id), 48);
    b.inside.send(std::vector(all.begin() + 1, all.begin() + 50));
    firsts.push_back(all.front());
  }
  b.inside.send(firsts);
  for (size_t i = 0; i < Output::kCapacity; ++i) {
    b.outside.expect_any();
  }
  const size_t left = kDatagrams * 50 - Output::kCapacity;
  EXPECT_EQ(b.box().held(), left);
  b.inside.send(udp(client, dns).payload("the next datagram"));
  for (size_t i = 0; i < left; ++i) {
    b.outside.expect_any();
  }
  b.outside.expect(udp(eip.any_port(), dns).payload("the next datagram"));
}

}  // namespace
}  // namespace lapse::test
