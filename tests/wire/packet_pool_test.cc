#include "dataplane/packet_pool.h"

#include <cstring>
#include <set>

#include "gtest/gtest.h"

#include "dataplane/counters.h"

namespace lapse {
namespace {

TEST(MemoryPacketPool, GivesOutEveryPacketOnceAndThenNothing) {
  MemoryPacketPool pool(16, 1514);
  std::set<uint8_t*> rooms;
  std::vector<Packet*> packets;
  while (Packet* packet = pool.allocate()) {
    packets.push_back(packet);
    EXPECT_EQ(packet->length, 0);
    EXPECT_EQ(packet->headroom(), kHeadroom);
    EXPECT_EQ(packet->tailroom(), 1514U);
    std::memset(packet->room, static_cast<int>(packets.size()), packet->room_size);
    rooms.insert(packet->room);
  }
  EXPECT_EQ(packets.size(), 16U);
  EXPECT_EQ(rooms.size(), 16U);
  for (size_t i = 0; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i]->room[0], i + 1) << "rooms overlap";
    EXPECT_EQ(packets[i]->room[packets[i]->room_size - 1], i + 1) << "rooms overlap";
  }
  pool.release(packets);
  EXPECT_EQ(pool.available(), 16U);
}

TEST(MemoryPacketPool, AnEmptyPoolRecoversWithTheFirstRelease) {
  MemoryPacketPool pool(1);
  Packet* packet = pool.allocate();
  ASSERT_NE(packet, nullptr);
  EXPECT_EQ(pool.allocate(), nullptr);
  release(packet);
  EXPECT_EQ(pool.allocate(), packet);
  release(packet);
}

TEST(MemoryPacketPool, APacketComesBackAsNew) {
  MemoryPacketPool pool(1);
  Packet* packet = pool.allocate();
  packet->data -= 50;
  packet->length = 100;
  packet->kind = PacketKind::kTcp;
  packet->hops = 7;
  packet->origin = Origin::kOriginated;
  packet->link = LinkId{3};
  packet->from_interface = InterfaceId{4};
  packet->tuple.protocol = 6;
  release(packet);
  packet = pool.allocate();
  EXPECT_EQ(packet->headroom(), kHeadroom);
  EXPECT_EQ(packet->length, 0);
  EXPECT_EQ(packet->kind, PacketKind::kUnparsed);
  EXPECT_EQ(packet->hops, 0);
  EXPECT_EQ(packet->origin, Origin::kForwarded);
  EXPECT_EQ(packet->link, kNoLink);
  EXPECT_EQ(packet->from_interface, kNoInterface);
  EXPECT_EQ(packet->tuple, FiveTuple{});
  release(packet);
}

TEST(Conservation, SumsOverSidesAndReasons) {
  BoxCounters counters;
  counters.received_packets[0].add(5);
  counters.received_packets[1].add(2);
  counters.originated.add(1);
  counters.sent_packets[0].add(1);
  counters.sent_packets[1].add(3);
  counters.dropped[static_cast<size_t>(DropReason::kLate)].add(2);
  counters.dropped[static_cast<size_t>(DropReason::kAnswered)].add(1);
  const Conservation sum = conservation(counters, 1);
  EXPECT_EQ(sum, (Conservation{.received = 7, .originated = 1, .sent = 4, .dropped = 3, .held = 1}));
  EXPECT_TRUE(sum.holds());
  EXPECT_FALSE(conservation(counters, 0).holds());
}

}  // namespace
}  // namespace lapse
