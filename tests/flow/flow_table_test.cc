// One worker, one table: what a new flow, a lookup and a death are.
#include "dataplane/flow/flow_table.h"

#include "tests/flow/flow_bench.h"

namespace lapse::test {
namespace {

using Put = FlowTable::Put;

TEST(FlowTable, AFlowIsFoundByBothItsKeysOnceItIsPublished) {
  FlowBench bench;
  const FiveTuple original = tcp(1, 40000);
  const FiveTuple reply = translated(original, 5555);
  FlowRef flow = bench.open(original, reply, 100);
  ASSERT_TRUE(flow);
  EXPECT_EQ(bench.put(flow, Direction::kReply, 100), Put::kInserted);
  EXPECT_EQ(bench.put(flow, Direction::kOriginal, 100), Put::kInserted);
  EXPECT_FALSE(bench.find(original));
  EXPECT_FALSE(bench.find(reply));
  bench.table.publish(flow, TcpState::kSynSent, TimeoutClass::kTcpSyn, 100);

  const FlowRef outbound = bench.find(original);
  const FlowRef inbound = bench.find(reply);
  ASSERT_TRUE(outbound && inbound);
  EXPECT_EQ(outbound.id, inbound.id);
  EXPECT_EQ(outbound.direction, Direction::kOriginal);
  EXPECT_EQ(inbound.direction, Direction::kReply);
  EXPECT_EQ(outbound.control.tcp_state, TcpState::kSynSent);
  EXPECT_EQ(outbound.control, flow.control);
  EXPECT_FALSE(bench.find(original.reversed()));
  EXPECT_EQ(bench.table.live_count(), 1u);
}

TEST(FlowTable, KeysThatDifferInOneFieldAreDifferent) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  ASSERT_TRUE(bench.add(key, 0));
  FiveTuple other = key;
  other.protocol = 17;
  EXPECT_FALSE(bench.find(other));
  other = key;
  other.scope = 1;
  EXPECT_FALSE(bench.find(other));
  other = key;
  other.source = be32(key.source.host() + 1);
  EXPECT_FALSE(bench.find(other));
  other = key;
  other.destination_port = be16(444);
  EXPECT_FALSE(bench.find(other));
  EXPECT_TRUE(bench.find(key));
}

// aws-behaviour 1: the NAT gateway removes at "350 or more", the load balancers at "longer than".
TEST(FlowTable, AtExactly350SecondsANatGatewaysFlowIsDead) {
  FlowBench bench({.comparator = Comparator::kAtLeast});
  const FiveTuple key = tcp(1, 40000);
  const FlowRef flow = bench.add(key, 1000);
  EXPECT_FALSE(bench.table.is_over(flow, 1000 + 349'999));
  EXPECT_TRUE(bench.table.is_over(flow, 1000 + 350'000));
  EXPECT_EQ(bench.table.deadline(flow), 351'000u);
  EXPECT_EQ(bench.table.expired(flow, 1000 + 350'000), std::optional<Tick>(351'000));
  bench.advance(1000 + 349'999);
  EXPECT_TRUE(bench.listener.deaths.empty());
  bench.advance(1000 + 350'000);
  ASSERT_EQ(bench.listener.deaths.size(), 1u);
  EXPECT_EQ(bench.listener.deaths[0].expired, 351'000u);
}

TEST(FlowTable, AtExactly350SecondsALoadBalancersFlowIsAlive) {
  FlowBench bench({.comparator = Comparator::kMoreThan});
  const FiveTuple key = tcp(1, 40000);
  const FlowRef flow = bench.add(key, 1000);
  EXPECT_FALSE(bench.table.is_over(flow, 1000 + 350'000));
  EXPECT_TRUE(bench.table.is_over(flow, 1000 + 350'001));
  EXPECT_EQ(bench.table.deadline(flow), 351'001u);
  bench.advance(1000 + 350'000);
  EXPECT_TRUE(bench.listener.deaths.empty());
  bench.advance(1000 + 350'001);
  ASSERT_EQ(bench.listener.deaths.size(), 1u);
  // The event says when the timeout ran out, not the tick after.
  EXPECT_EQ(bench.listener.deaths[0].expired, 351'000u);
}

TEST(FlowTable, LookupDecidesWhetherOrNotAnythingWasReclaimed) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  ASSERT_TRUE(bench.add(key, 0));
  EXPECT_TRUE(bench.alive(key, 349'999));
  EXPECT_FALSE(bench.alive(key, 350'000));
  ASSERT_TRUE(bench.find(key));
  EXPECT_TRUE(bench.table.kill(bench.find(key)));
  EXPECT_FALSE(bench.find(key));
  EXPECT_FALSE(bench.find(key.reversed()));
}

TEST(FlowTable, TicksWrapAround) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  const Tick start = 0xffffffff - 100'000;
  ASSERT_TRUE(bench.add(key, start));
  bench.advance(start);
  EXPECT_TRUE(bench.alive(key, start + 349'999));
  EXPECT_FALSE(bench.alive(key, start + 350'000));
  bench.advance(start + 349'999);
  EXPECT_EQ(bench.table.live_count(), 1u);
  bench.advance(start + 350'000);
  EXPECT_EQ(bench.table.live_count(), 0u);
}

TEST(FlowTable, DeathIsFinalAndCountedOnce) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  const FlowRef first = bench.add(key, 0);
  const FlowRef second = bench.find(key);
  EXPECT_TRUE(bench.table.kill(first));
  EXPECT_FALSE(bench.table.kill(second));
  bench.table.stamp(second, 500, 0);
  EXPECT_FALSE(bench.find(key));
  FlowRef moved = second;
  EXPECT_FALSE(bench.table.transition(moved, TcpState::kReset, TimeoutClass::kTcpClosed));
  EXPECT_EQ(bench.table.live_count(), 0u);
  bench.advance(1'000'000);
  EXPECT_TRUE(bench.listener.deaths.empty());
}

TEST(FlowTable, AKilledFlowLeavesTheWheel) {
  FlowBench bench;
  const FlowRef flow = bench.add(tcp(1, 40000), 0);
  bench.advance(0);
  EXPECT_NE(bench.table.next_deadline(kWorker, 0), std::nullopt);
  bench.table.kill(flow);
  bench.advance(0);
  EXPECT_EQ(bench.table.next_deadline(kWorker, 0), std::nullopt);
}

TEST(FlowTable, TransitionNeedsTheStateThatWasSeen) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  FlowRef first = bench.add(key, 0);
  FlowRef second = bench.find(key);
  EXPECT_TRUE(bench.table.transition(first, TcpState::kOpenerClosed, TimeoutClass::kTcpClosing));
  EXPECT_FALSE(bench.table.transition(second, TcpState::kResponderClosed, TimeoutClass::kTcpClosing));
  EXPECT_FALSE(bench.table.kill(second));
  second = bench.find(key);
  EXPECT_EQ(second.control.tcp_state, TcpState::kOpenerClosed);
  EXPECT_TRUE(bench.table.transition(second, TcpState::kBothClosed, TimeoutClass::kTcpClosed));
  EXPECT_TRUE(bench.table.kill(second));
}

TEST(FlowTable, StampGoesForwardOnly) {
  FlowBench bench;
  const FlowRef flow = bench.add(tcp(1, 40000), 1000);
  bench.table.stamp(flow, 2000, 0);
  bench.table.stamp(flow, 1500, 0);
  EXPECT_EQ(flow.record->last_seen.load(), 2000u);
  EXPECT_TRUE(bench.alive(tcp(1, 40000), 351'999));
  EXPECT_FALSE(bench.alive(tcp(1, 40000), 352'000));
}

TEST(FlowTable, CadenceIsTheLastGapOfASecondOrMore) {
  FlowBench bench;
  const FlowRef flow = bench.add(tcp(1, 40000), 1000);
  bench.table.stamp(flow, 1999, 0);
  EXPECT_EQ(flow.record->cadence.load(), 0);
  bench.table.stamp(flow, 2999, 0);  // 1,000 ticks: 2^9
  EXPECT_EQ(flow.record->cadence.load(), 9);
  bench.table.stamp(flow, 62'999, 0);  // a keepalive of 60 s: 2^15
  EXPECT_EQ(flow.record->cadence.load(), 15);
  bench.table.stamp(flow, 63'100, 0);
  EXPECT_EQ(flow.record->cadence.load(), 15);
}

// design 6: a gap that spans a jump of the clock is no cadence.
TEST(FlowTable, AJumpIsNoCadence) {
  FlowBench bench;
  const FlowRef flow = bench.add(tcp(1, 40000), 1000);
  bench.table.stamp(flow, 300'000, 299'000);
  EXPECT_EQ(flow.record->cadence.load(), 0);
  EXPECT_EQ(flow.record->last_seen.load(), 300'000u);
  bench.table.stamp(flow, 360'000, 299'000);
  EXPECT_EQ(flow.record->cadence.load(), 15);
  // Months later the jump is long past, whatever the sign of the difference.
  const Tick months = 300'000 + 3'000'000'000u;
  const FlowRef late = bench.add(tcp(1, 40001), months);
  bench.table.stamp(late, months + 60'000, 299'000);
  EXPECT_EQ(late.record->cadence.load(), 15);
}

TEST(FlowTable, AKeyIsTakenOnce) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  const FlowRef holder = bench.add(key, 0);
  const FlowRef second = bench.open(key, translated(key, 7777), 10);
  FlowRef found;
  EXPECT_EQ(bench.put(second, Direction::kReply, 10), Put::kInserted);
  EXPECT_EQ(bench.put(second, Direction::kOriginal, 10, &found), Put::kTaken);
  EXPECT_EQ(found.id, holder.id);
  EXPECT_EQ(found.record, holder.record);
  bench.table.roll_back(second);
  EXPECT_EQ(bench.table.live_count(), 1u);
  EXPECT_FALSE(bench.find(translated(key, 7777)));
  // What the loser had put is free again.
  const FlowRef third = bench.open(tcp(2, 40000), translated(key, 7777), 10);
  EXPECT_EQ(bench.put(third, Direction::kReply, 10), Put::kInserted);
}

TEST(FlowTable, AnOpeningFlowHoldsItsKey) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  const FlowRef first = bench.open(key, key.reversed(), 0);
  ASSERT_EQ(bench.put(first, Direction::kOriginal, 0), Put::kInserted);
  const FlowRef second = bench.open(key, key.reversed(), 0);
  FlowRef found;
  EXPECT_EQ(bench.put(second, Direction::kOriginal, 0, &found), Put::kTaken);
  EXPECT_FALSE(found);
  bench.table.roll_back(first);
  EXPECT_EQ(bench.put(second, Direction::kOriginal, 0), Put::kInserted);
}

// The NAT's loop: a refused port is followed by another, in the same record.
TEST(FlowTable, AReplyKeyIsTriedUntilOneIsFree) {
  FlowBench bench;
  const FiveTuple first_key = tcp(1, 40000);
  FlowRef first = bench.open(first_key, translated(first_key, 2000), 0);
  ASSERT_EQ(bench.put(first, Direction::kReply, 0), Put::kInserted);
  const FiveTuple key = tcp(2, 40000);
  FlowRef flow = bench.open(key, translated(key, 2000), 0);
  EXPECT_EQ(bench.put(flow, Direction::kReply, 0), Put::kTaken);
  flow.record->set_reply(translated(key, 2001));
  EXPECT_EQ(bench.put(flow, Direction::kReply, 0), Put::kInserted);
  EXPECT_EQ(bench.put(flow, Direction::kOriginal, 0), Put::kInserted);
  bench.table.publish(flow, TcpState::kSynSent, TimeoutClass::kTcpSyn, 0);
  EXPECT_EQ(bench.find(translated(key, 2001)).id, flow.id);
  EXPECT_FALSE(bench.find(translated(key, 2000)));
}

// A LAND packet: source and destination are the same, so both keys of the flow would be one.
TEST(FlowTable, AFlowCannotHaveOneKeyTwice) {
  FlowBench bench;
  const FiveTuple land{be32(0x0a000001), be32(0x0a000001), be16(80), be16(80), 6};
  EXPECT_FALSE(bench.add(land, 0));
  EXPECT_EQ(bench.table.live_count(), 0u);
}

TEST(FlowTable, AKeyHeldByAFlowThatIsOverIsFree) {
  FlowBench bench;
  const FiveTuple key = tcp(1, 40000);
  const FlowRef old = bench.add(key, 1000);
  const FlowRef next = bench.add(key, 351'000);
  ASSERT_TRUE(next);
  EXPECT_NE(next.id, old.id);
  ASSERT_EQ(bench.listener.deaths.size(), 1u);
  EXPECT_EQ(bench.listener.deaths[0].expired, 351'000u);
  EXPECT_EQ(bench.find(key).id, next.id);
  EXPECT_EQ(bench.table.live_count(), 1u);
  // The old record's words are taken out later, and the new flow's stay.
  bench.advance(351'000);
  bench.advance(351'000);
  EXPECT_EQ(bench.find(key).id, next.id);
  EXPECT_EQ(bench.find(key.reversed()).id, next.id);
}

}  // namespace
}  // namespace lapse::test
