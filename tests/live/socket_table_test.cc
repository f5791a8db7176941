// What the kernel's table of sockets says of states and pending timers: Linux, proc_net_tcp.
#include "sim/live/socket_table.h"

#include "gtest/gtest.h"

namespace lapse::live {
namespace {

constexpr const char* kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
    "   1: 0A01A8C0:9C40 5007C6C6:1F90 01 00000005:00000000 01:00000014 00000000     0        0 2 2 0 20 4 0 10 -1\n"
    "   2: 0A01A8C0:9C41 5007C6C6:1F90 01 00000000:00000000 02:00000A14 00000000     0        0 2 2 0 20 4 0 10 -1\n"
    "   3: 0A01A8C0:9C42 5007C6C6:1F90 06 00000000:00000000 03:000016DC 00000000     0        0 0 3 0\n"
    "   4: 0A01A8C0:9C43 5007C6C6:1F90 02 00000001:00000000 01:00000064 00000001     0        0 4 2 0 100 0 0 1 -1\n";

TEST(SocketTable, NamesEndsStatesAndTimers) {
  const auto sockets = parse_socket_table(kTable);
  ASSERT_EQ(sockets.size(), 5U) << "the head is no socket";
  EXPECT_EQ(sockets[0]["state"], "LISTEN");
  EXPECT_EQ(sockets[0]["timer"], "none");
  EXPECT_EQ(sockets[1]["local"], "192.168.1.10:40000");
  EXPECT_EQ(sockets[1]["remote"], "198.198.7.80:8080");
  EXPECT_EQ(sockets[1]["state"], "ESTABLISHED");
  EXPECT_EQ(sockets[1]["timer"], "retransmission");
  EXPECT_EQ(sockets[2]["timer"], "keepalive");
  EXPECT_EQ(sockets[3]["state"], "TIME-WAIT");
  EXPECT_EQ(sockets[3]["timer"], "time-wait");
  EXPECT_EQ(sockets[4]["state"], "SYN-SENT");
}

TEST(SocketTable, NothingOfNothing) {
  EXPECT_TRUE(parse_socket_table("").empty());
  EXPECT_TRUE(parse_socket_table("garbage\n").empty());
}

}  // namespace
}  // namespace lapse::live
