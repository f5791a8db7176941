// The tools with which people look at a way through a network, unmodified, on a way with two gateways and three MTUs.
// aws-behaviour 3.2: "MTU", "PMTUD", "UDP fragments", "TCP and ICMP fragments", "ICMP error for a NAT'd flow".
#include <string>
#include <tuple>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kApi = "198.18.8.80";
constexpr int kSmallestMtu = 1400;
constexpr int kHeaders = 28;  // IP and ICMP, or IP and UDP

class PathTools : public testing::Test {
 protected:
  Finished run(Arguments program) const {
    Arguments arguments{"exec", "--root", "-t", lab_.name(), "app", "--"};
    arguments.insert(arguments.end(), program.begin(), program.end());
    return lapse(arguments);
  }
  // One echo request of so many bytes in all.
  Finished ping(int size, const std::string& discovery) const {
    return run({"ping", "-n", "-c", "1", "-W", "2", "-M", discovery, "-s", std::to_string(size - kHeaders), kApi});
  }
  // Drops of all boxes for this reason.
  int64_t dropped(const std::string& code) const {
    int64_t sum = 0;
    const Json status = lab_.ctl_json({"status"});
    for (const Json& box : status["boxes"]) {
      sum += box["dropped"].value(code, int64_t{0});
    }
    return sum;
  }

  Lab lab_{{}, test_file("mtu.yaml")};
};

TEST_F(PathTools, Row3_2_Pmtud_TracepathFindsEachMtuAndEachHop) {
  const Finished tracepath = run({"tracepath", "-n", kApi});
  EXPECT_EQ(tracepath.status, 0) << tracepath.errors;
  EXPECT_THAT(tracepath.output, ContainsRegex("1: +10\\.78\\.1\\.1 "));
  EXPECT_THAT(tracepath.output, HasSubstr("pmtu 1500"));
  EXPECT_THAT(tracepath.output, HasSubstr("pmtu 1450"));
  EXPECT_THAT(tracepath.output, ContainsRegex("2: +10\\.78\\.2\\.2 "));
  EXPECT_THAT(tracepath.output, HasSubstr("pmtu 1400"));
  EXPECT_THAT(tracepath.output, ContainsRegex("3: +198\\.18\\.8\\.80 .*reached"));
  EXPECT_THAT(tracepath.output, HasSubstr("Resume: pmtu 1400 hops 3 back 3"));
}

TEST_F(PathTools, Row3_2_PingOfEverySizeAroundTheMtuWithDontFragment) {
  for (int size = kSmallestMtu - 4; size <= kSmallestMtu; ++size) {
    EXPECT_THAT(ping(size, "do").output, HasSubstr("1 received")) << size;
  }
  // The first one is told by the second gateway, through the first; then the kernel knows.
  EXPECT_THAT(ping(kSmallestMtu + 1, "do").output, HasSubstr("Frag needed and DF set (mtu = 1400)"));
  for (int size = kSmallestMtu + 2; size <= kSmallestMtu + 4; ++size) {
    EXPECT_THAT(ping(size, "do").errors + ping(size, "do").output, HasSubstr("mtu=1400")) << size;
  }
}

// Nobody forbids to fragment, so the gateways do; but no gateway takes a fragment of ICMP in.
TEST_F(PathTools, Row3_2_PingInFragmentsIsDropped) {
  EXPECT_THAT(ping(kSmallestMtu, "dont").output, HasSubstr("1 received"));
  EXPECT_EQ(dropped("FRAGMENT"), 0);
  for (const int size : {kSmallestMtu + 1, 1450, 1451, 1500, 1501, 10028}) {
    const int64_t before = dropped("FRAGMENT");
    EXPECT_THAT(ping(size, "dont").output, HasSubstr("0 received")) << size;
    EXPECT_GT(dropped("FRAGMENT"), before) << size;
  }
}

TEST_F(PathTools, TracerouteByUdp) {
  const Finished traceroute = run({"traceroute", "-n", "-q", "1", "-w", "2", kApi});
  EXPECT_THAT(traceroute.output,
              ContainsRegex("1 +10\\.78\\.1\\.1 .*\n *2 +10\\.78\\.2\\.2 .*\n *3 +198\\.18\\.8\\.80 "));
}

TEST_F(PathTools, TracerouteByIcmp) {
  const Finished traceroute = run({"traceroute", "-n", "-q", "1", "-w", "2", "-I", kApi});
  EXPECT_THAT(traceroute.output,
              ContainsRegex("1 +10\\.78\\.1\\.1 .*\n *2 +10\\.78\\.2\\.2 .*\n *3 +198\\.18\\.8\\.80 "));
}

TEST_F(PathTools, TracerouteByTcp) {
  const Finished traceroute = run({"traceroute", "-n", "-q", "1", "-w", "2", "-T", "-p", "81", kApi});
  EXPECT_THAT(traceroute.output,
              ContainsRegex("1 +10\\.78\\.1\\.1 .*\n *2 +10\\.78\\.2\\.2 .*\n *3 +198\\.18\\.8\\.80 "));
}

// Out and back in fragments, through both gateways.
TEST_F(PathTools, Row3_2_NineThousandBytesByUdp) {
  Peer app(lab_, "app");
  Peer api(lab_, "api");
  const Json server = api.ok({{"op", "udp"}, {"port", 5353}})["socket"];
  const Json client = app.ok({{"op", "udp"}})["socket"];
  for (const size_t size : {9000U, 20000U, 1372U}) {
    const std::string question(size, 'q');
    app.ok({{"op", "sendto"}, {"socket", client}, {"host", kApi}, {"port", 5353}, {"data", question}});
    const Json got = api.ok({{"op", "recvfrom"}, {"socket", server}});
    EXPECT_EQ(got["data"], question);
    const std::string answer(size, 'a');
    api.ok({{"op", "sendto"}, {"socket", server}, {"host", got["address"]}, {"port", got["port"]}, {"data", answer}});
    EXPECT_EQ(app.ok({{"op", "recvfrom"}, {"socket", client}})["data"], answer);
  }
}

// A destination that has no such port says so, and the program is told at once: not after its own timeout.
TEST_F(PathTools, Row3_2_IcmpErrorForAFlow_ReachesTheProgram) {
  Peer app(lab_, "app");
  const Json client = app.ok({{"op", "udp"}, {"host", kApi}, {"port", 9}})["socket"];
  app.ok({{"op", "send"}, {"socket", client}, {"data", "anybody?"}});
  EXPECT_EQ(app.call({{"op", "recv"}, {"socket", client}})["error"], "ECONNREFUSED");
}

// Path MTU discovery of TCP: the kernels' MSS is that of their own links until the gateways lower it.
TEST_F(PathTools, Row3_2_TcpCarriesMuchBothWays) {
  Peer app(lab_, "app");
  Peer api(lab_, "api");
  const Json listener = api.ok({{"op", "listen"}, {"port", 8080}});
  const Json client = app.ok({{"op", "connect"}, {"host", kApi}, {"port", 8080}})["socket"];
  const Json server = api.ok({{"op", "accept"}, {"socket", listener["socket"]}})["socket"];
  for (auto [from, to, sender, receiver] :
       {std::tuple(&app, &api, client, server), std::tuple(&api, &app, server, client)}) {
    const size_t sent = from->ok({{"op", "send"}, {"socket", sender}, {"data", std::string(200000, 'x')}})["sent"];
    size_t received = 0;
    while (received < sent) {
      received += to->ok({{"op", "recv"}, {"socket", receiver}})["data"].get<std::string>().size();
    }
    EXPECT_EQ(received, sent);
  }
}

}  // namespace
}  // namespace lapse::test
