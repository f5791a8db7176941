// What a warped run says at its end.
#include "control/lab/warp_report.h"

#include "gtest/gtest.h"

namespace lapse::lab {
namespace {

using std::chrono::seconds;

topology::Topology nat_topology() {
  topology::Topology topology;
  topology::Box box;
  box.name = "natgw";
  box.nat_gateway.timeouts[static_cast<size_t>(TimeoutClass::kTcpEstablished)] = seconds(350);
  topology.boxes.push_back(box);
  topology::Host app;
  app.name = "app";
  topology.hosts.push_back(app);
  return topology;
}

Scaled keepalive_sysctl(const std::string& host, double wanted, unsigned factor) {
  return {host,
          "net.ipv4.tcp_keepalive_time",
          "",
          "s",
          wanted,
          static_cast<double>(static_cast<int>(wanted / factor)),
          wanted / factor};
}

TEST(SeenOptions, AreReadLineByLineAndDamagedOnesAreLeftOut) {
  const auto seen = parse_seen_options(
      "app\t17\tpython3\tTCP_KEEPIDLE\ts\t60\t1\n"
      "nonsense\n"
      "app\tx\tpython3\tTCP_KEEPIDLE\ts\t60\t1\n"
      "api\t18\tserver\tSO_RCVTIMEO\tus\t7000000\t140000\n"
      "api\t18\tserver\tSO_RCV");
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].host, "app");
  EXPECT_EQ(seen[0].option, "TCP_KEEPIDLE");
  EXPECT_EQ(seen[0].wanted, 60);
  EXPECT_EQ(seen[1].pid, 18);
  EXPECT_EQ(seen[1].given, 140000);
}

TEST(Checks, BeforeTheRunAreForHostsThatSetTheirKeepalive) {
  topology::Topology topology = nat_topology();
  EXPECT_TRUE(checks_before(topology, 50, 250).empty());
  topology.hosts[0].sysctls["net.ipv4.tcp_keepalive_time"] = "349";
  const auto checks = checks_before(topology, 50, 250);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_FALSE(checks[0].resolution.decided());
  EXPECT_EQ(checks[0].against, "natgw's tcp_established");
}

TEST(Checks, AfterTheRunTakeAProgramsOwnTimeOrItsHosts) {
  const topology::Topology topology = nat_topology();
  const std::vector<Scaled> sysctls{keepalive_sysctl("app", 349, 50)};
  const std::vector<SeenOption> own{{"app", 1, "client", "SO_KEEPALIVE", "", 1, 1},
                                    {"app", 1, "client", "TCP_KEEPIDLE", "s", 60, 1}};
  auto checks = checks_after(topology, sysctls, own, 50, 250);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].resolution.keepalive, seconds(60));
  EXPECT_TRUE(checks[0].resolution.decided());

  const std::vector<SeenOption> hosts{{"app", 2, "client", "SO_KEEPALIVE", "", 1, 1}};
  checks = checks_after(topology, sysctls, hosts, 50, 250);
  ASSERT_EQ(checks.size(), 1U);
  EXPECT_EQ(checks[0].resolution.keepalive, seconds(349));
  EXPECT_FALSE(checks[0].resolution.decided());
}

TEST(Checks, AProgramWithoutKeepaliveNeedsNone) {
  const std::vector<SeenOption> seen{{"app", 1, "client", "SO_RCVTIMEO", "us", 7'000'000, 140'000}};
  EXPECT_TRUE(checks_after(nat_topology(), {keepalive_sysctl("app", 349, 50)}, seen, 50, 250).empty());
}

TEST(ScaledText, SaysWhatWasRoundedAndPutsEqualHostsTogether) {
  const std::vector<Scaled> sysctls{keepalive_sysctl("app", 7200, 50),
                                    keepalive_sysctl("api", 7200, 50),
                                    {"app", "net.ipv4.tcp_rto_max_ms", "", "ms", 20000, 1000, 400}};
  const std::vector<SeenOption> seen{{"app", 1, "client", "TCP_KEEPIDLE", "s", 60, 1},
                                     {"app", 2, "client", "TCP_KEEPIDLE", "s", 60, 1},
                                     {"app", 1, "client", "SO_KEEPALIVE", "", 1, 1}};
  const std::string text = scaled_text(sysctls, seen, 50);
  EXPECT_NE(text.find("app, api: net.ipv4.tcp_keepalive_time 7200 s -> 144 s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("client on app: TCP_KEEPIDLE 60 s -> 1 s (1.2 s rounded down: as if 50 s)\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("TCP_KEEPIDLE"), text.rfind("TCP_KEEPIDLE")) << "once, however many processes: " << text;
  EXPECT_NE(text.find("is less than the kernel takes"), std::string::npos) << text;
  EXPECT_EQ(text.find("SO_KEEPALIVE"), std::string::npos) << "it is no time: " << text;
}

}  // namespace
}  // namespace lapse::lab
