#include "control/topology/text.h"

#include <array>

#include "gtest/gtest.h"

namespace lapse::topology {
namespace {

constexpr std::array<std::string_view, 6> kWords{"tcp_syn", "tcp_established", "udp", "address", "addresses", "rst"};

TEST(Nearest, ForgivesASlip) {
  EXPECT_EQ(nearest("tcp_establishd", kWords), "tcp_established");
  EXPECT_EQ(nearest("tpc_syn", kWords), "tcp_syn");
  EXPECT_EQ(nearest("TCP-SYN", kWords), "tcp_syn");
  EXPECT_EQ(nearest("adress", kWords), "address");
  EXPECT_EQ(nearest("reset", kWords), "rst");
  EXPECT_EQ(nearest("upd", kWords), "udp");
}

TEST(Nearest, DoesNotGuessWildly) {
  EXPECT_EQ(nearest("colour", kWords), "");
  EXPECT_EQ(nearest("", kWords), "");
  EXPECT_EQ(nearest("x", {}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'x'), kWords), "");
}

TEST(Shown, LetsNothingReachATerminal) {
  EXPECT_EQ(shown("10.0.0.1"), "10.0.0.1");
  EXPECT_EQ(shown(""), "''");
  EXPECT_EQ(shown("two words"), "'two words'");
  EXPECT_EQ(shown("\x1b[31m\n"), "'\\x1b[31m\\x0a'");
  EXPECT_EQ(shown(std::string(100, 'a')), std::string(60, 'a') + "...");
}

TEST(Counted, HasPlurals) {
  EXPECT_EQ(counted(1, "box"), "1 box");
  EXPECT_EQ(counted(2, "box"), "2 boxes");
  EXPECT_EQ(counted(0, "host"), "0 hosts");
}

}  // namespace
}  // namespace lapse::topology
