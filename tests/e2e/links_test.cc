// What the file says of links, between real kernels: each packet is delayed, lost or refused by the data plane.
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

Json link_named(const Lab& lab, const std::string& name) {
  const Json status = lab.ctl_json({"status"});
  for (const Json& link : status["links"]) {
    if (link["name"] == name) {
      return link;
    }
  }
  return {};
}

// Looks until that many packets are under way on the link.
bool holds(const Lab& lab, const std::string& name, uint64_t count) {
  for (int look = 0; look < 1000; ++look) {
    if (link_named(lab, name)["held"] == count) {
      return true;
    }
  }
  return false;
}

std::vector<Json> lost_packets(const Lab& lab) {
  std::vector<Json> lost;
  std::istringstream lines(lab.ctl({"events", "--packets"}).output);
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line, nullptr, false);
    if (event.is_object() && event["kind"] == "packet_dropped") {
      lost.push_back(event);
    }
  }
  return lost;
}

TEST(LinksEndToEnd, ARoundTripTakesTheDelayTwice) {
  const Lab lab({"--set", "private.delay=50ms"});
  Peer app(lab, "app");
  Json ping{{"op", "ping"}, {"host", "198.18.7.80"}};
  for (int sequence = 1; sequence <= 3; ++sequence) {
    ping["sequence"] = sequence;
    const Json answer = app.ok(ping);
    ping["socket"] = answer["socket"];
    EXPECT_EQ(answer["type"], 0);
    // Two clocks measure it: a millisecond between them is nothing that the link has lost.
    EXPECT_GE(answer["seconds"].get<double>(), 0.099);
  }
}

TEST(LinksEndToEnd, WhatIsUnderWayArrivesWhenTheClockJumps) {
  const Lab lab({"--set", "private.delay=30m", "--set", "natgw.limits=off", "--set", "natgw.timeouts.udp=5h"});
  Peer app(lab, "app");
  Peer api(lab, "api");
  const Json server = api.ok({{"op", "udp"}, {"port", 5353}});
  const Json client = app.ok({{"op", "udp"}});
  app.ok({{"op", "sendto"}, {"socket", client["socket"]}, {"data", "hello"}, {"host", "198.18.7.80"}, {"port", 5353}});
  ASSERT_TRUE(holds(lab, "private", 1));
  lab.advance("30m");
  const Json heard = api.ok({{"op", "recvfrom"}, {"socket", server["socket"]}});
  EXPECT_EQ(heard["data"], "hello");
  api.ok({{"op", "sendto"},
          {"socket", server["socket"]},
          {"data", "hello yourself"},
          {"host", heard["address"]},
          {"port", heard["port"]}});
  ASSERT_TRUE(holds(lab, "private", 1));
  lab.advance("30m");
  EXPECT_EQ(app.ok({{"op", "recvfrom"}, {"socket", client["socket"]}})["data"], "hello yourself");
  EXPECT_EQ(lab.ctl_json({"status"})["conservation"]["holds"], true);
}

TEST(LinksEndToEnd, ALossOfAHundredPercentLosesEverything) {
  const Lab lab({"--set", "internet.loss=100%"});
  Peer app(lab, "app");
  EXPECT_EQ(app.call({{"op", "ping"}, {"host", "198.18.7.80"}, {"timeout", 1}})["error"], "timeout");
  EXPECT_EQ(link_named(lab, "internet")["dropped"]["LINK-LOSS"], 1);
  const auto lost = lost_packets(lab);
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0]["reason"], "LINK-LOSS");
  EXPECT_EQ(lost[0]["link"], "internet");
  EXPECT_EQ(lost[0]["from"], "natgw.outside");
}

// The kernels cut what they send, and nothing is too large for the link.
TEST(LinksEndToEnd, KernelsKnowTheMtu) {
  const Lab lab({"--set", "private.mtu=1000"});
  EXPECT_THAT(lapse({"exec", "-t", lab.name(), "app", "--", "ip", "-o", "link", "show", "eth0"}).output,
              testing::HasSubstr("mtu 1000 "));
  Peer app(lab, "app");
  Peer api(lab, "api");
  const Json listener = api.ok({{"op", "listen"}, {"port", 8080}});
  const Json client = app.ok({{"op", "connect"}, {"host", "api.example.com"}, {"port", 8080}});
  const Json server = api.ok({{"op", "accept"}, {"socket", listener["socket"]}});
  const std::string data(3000, 'x');
  api.ok({{"op", "send"}, {"socket", server["socket"]}, {"data", data}});
  std::string received;
  while (received.size() < data.size()) {
    const Json answer = app.ok({{"op", "recv"}, {"socket", client["socket"]}});
    ASSERT_TRUE(answer.contains("data"));
    received += answer["data"].get<std::string>();
  }
  EXPECT_EQ(received, data);
  EXPECT_FALSE(link_named(lab, "private")["dropped"].contains("LINK-MTU"));
}

}  // namespace
}  // namespace lapse::test
