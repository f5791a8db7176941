// What programs experience: pools, proxies, keepalive of either system, idle timeouts, hosts that go or move.
#include "scenario_file.h"

namespace lapse::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto kClient = Party::kClient;
constexpr auto kServer = Party::kServer;

class Programs : public ScenarioFile {
 protected:
  Outcome after(const std::vector<std::string>& steps, const std::string& more = "") {
    return played(story(steps, {"{ at: end, box: natgw, metric: PacketsDropCount, at_least: 0 }"}, more));
  }
  static std::vector<uint64_t> statuses(const Outcome& outcome) {
    std::vector<uint64_t> all;
    for (const Proxy::Line& line : outcome.logs.at(0).lines) {
      all.push_back(line.status);
    }
    return all;
  }
};

TEST_F(Programs, APoolUsesAnIdleConnectionAgain) {
  const Outcome outcome =
      after({R"({ at: 0s, host: app, pool: "api:80", as: p })", "{ at: 1s, flow: p, request: 10, response: 20 }",
             "{ at: 2s, flow: p, request: 10, response: 20 }", "{ at: 3s, stop: true }"});
  EXPECT_EQ(of(outcome, "p", kClient).connections, 1u);
  EXPECT_EQ(of(outcome, "p", kClient).received, 40u);
  EXPECT_EQ(of(outcome, "p", kServer).received, 20u);
}

TEST_F(Programs, APoolOpensAnotherConnectionForARequestMeanwhile) {
  const Outcome outcome = after({R"({ at: 0s, host: app, pool: "api:80", as: p })",
                                 "{ at: 1s, flow: p, request: 10, response: 20, after: 5s }",
                                 "{ at: 2s, flow: p, request: 10, response: 20 }",
                                 "{ at: 10s, flow: p, request: 10, response: 20 }", "{ at: 11s, stop: true }"});
  EXPECT_EQ(of(outcome, "p", kClient).connections, 2u);
  EXPECT_EQ(of(outcome, "p", kClient).received, 60u);
}

// RFC 9112 section 9.3.1: once more, and not for ever.
TEST_F(Programs, ARetryThatFailsIsTheEnd) {
  const Outcome outcome =
      after({R"({ at: 0s, host: app, pool: "api:80", as: p, on_stale: retry_once })",
             "{ at: 1s, flow: p, request: 10, response: 20 }", "{ at: 2s, host: api, vanish: true }",
             "{ at: 400s, flow: p, request: 10, response: 20, timeout: 30s }", "{ at: 500s, stop: true }"});
  EXPECT_EQ(of(outcome, "p", kClient).error, "TIMEOUT");
  EXPECT_EQ(of(outcome, "p", kClient).error_at, Instant(seconds(430)));
  EXPECT_EQ(of(outcome, "p", kClient).connections, 2u);
}

// A fresh connection that is refused was never stale.
TEST_F(Programs, AFreshConnectionIsNotTriedAgain) {
  const Outcome outcome =
      after({R"({ at: 0s, host: app, pool: "api:80", as: p, on_stale: retry_once })",
             "{ at: 1s, host: api, readdress: 203.0.113.81 }",
             "{ at: 2s, flow: p, request: 10, response: 20, timeout: 5s }", "{ at: 20s, stop: true }"});
  EXPECT_EQ(of(outcome, "p", kClient).connections, 1u);
  EXPECT_EQ(of(outcome, "p", kClient).error, "TIMEOUT");
}

TEST_F(Programs, AServerThatClosesAnIdlePooledConnectionIsNoError) {
  const Outcome outcome = after({R"({ at: 0s, host: app, pool: "api:80", as: p, server_idle_timeout: 10s })",
                                 "{ at: 1s, flow: p, request: 10, response: 20 }",
                                 "{ at: 60s, flow: p, request: 10, response: 20 }", "{ at: 61s, stop: true }"});
  EXPECT_EQ(of(outcome, "p", kClient).error, "");
  EXPECT_EQ(of(outcome, "p", kClient).connections, 2u);
  EXPECT_EQ(of(outcome, "p", kClient).received, 40u);
}

// The end of a connection in the place of an answer.
TEST_F(Programs, AnEndInThePlaceOfAnAnswerIsEof) {
  const Outcome outcome = after({R"({ at: 0s, host: app, connect: "api:80", as: c })",
                                 "{ at: 1s, flow: c, request: 10, response: 20, after: 60s }",
                                 "{ at: 2s, flow: c, end: server, close: fin }", "{ at: 9s, stop: true }"});
  EXPECT_EQ(of(outcome, "c", kClient).error, "EOF");
  EXPECT_EQ(of(outcome, "c", kClient).error_at, Instant(seconds(2)));
  EXPECT_FALSE(of(outcome, "c", kClient).waiting);
}

TEST_F(Programs, AHangIsToldAsOne) {
  const Outcome outcome =
      after({R"({ at: 0s, host: app, connect: "api:80", as: c })",
             "{ at: 1s, flow: c, request: 10, response: 20, after: 400s }", "{ at: 900s, stop: true }"});
  EXPECT_EQ(to_string(of(outcome, "c", kClient)), "app (c, client) waits since 1 s and has heard nothing, received 0");
  EXPECT_EQ(to_string(of(outcome, "c", kServer)), "api (c, server) received 10");
}

TEST_F(Programs, AResetIsToldByItsErrno) {
  const Outcome outcome =
      after({R"({ at: 0s, host: app, connect: "api:80", as: c })", "{ at: 1s, flow: c, request: 10, response: 20 }",
             "{ at: 2s, flow: c, end: server, close: rst }", "{ at: 9s, stop: true }"});
  EXPECT_EQ(to_string(of(outcome, "c", kClient)), "app (c, client) ECONNRESET at 2 s, status 200, received 20");
}

// ---- proxies ----

const std::string kProxy = R"({ at: 0s, host: app, proxy: 80, upstream: "api:8080", as: x, timeout: 30s })";
const std::string kUser = R"({ at: 0s, host: app, connect: "app:80", as: u })";

TEST_F(Programs, AProxyHandsTheAnswerOnAndLogsIt) {
  const Outcome outcome =
      after({kProxy, kUser, "{ at: 1s, flow: u, request: 10, response: 20, after: 5s }", "{ at: 9s, stop: true }"});
  EXPECT_EQ(of(outcome, "u", kClient).received, 20u);
  EXPECT_EQ(of(outcome, "x", kClient).received, 20u);
  EXPECT_EQ(of(outcome, "x", kServer).received, 10u);
  ASSERT_THAT(statuses(outcome), ElementsAre(200));
  EXPECT_EQ(outcome.logs[0].lines[0].took, Duration(seconds(5)));
  EXPECT_EQ(outcome.logs[0].lines[0].at, Instant(seconds(6)));
}

TEST_F(Programs, AProxyAnswers504AtItsOwnTimeout) {
  const Outcome outcome =
      after({kProxy, kUser, "{ at: 1s, flow: u, request: 10, response: 20, after: 60s }", "{ at: 90s, stop: true }"});
  EXPECT_EQ(of(outcome, "u", kClient).status, 504u);
  EXPECT_FALSE(of(outcome, "u", kClient).waiting);
  EXPECT_THAT(statuses(outcome), ElementsAre(504));
  EXPECT_EQ(outcome.logs[0].lines[0].at, Instant(seconds(31)));
}

TEST_F(Programs, AProxyAnswers502WhenItsUpstreamResets) {
  const Outcome outcome = after({kProxy, kUser, "{ at: 1s, flow: u, request: 10, response: 20, after: 60s }",
                                 R"({ at: 2s, host: api, readdress: 203.0.113.81 })", "{ at: 9s, stop: true }"});
  EXPECT_TRUE(of(outcome, "u", kClient).waiting) << "silence is no reset";
  const Outcome refused = after({kProxy, kUser, "{ at: 1s, flow: u, request: 10, response: 20 }",
                                 "{ at: 400s, flow: u, request: 10, response: 20 }", "{ at: 401s, stop: true }"});
  EXPECT_THAT(statuses(refused), ElementsAre(200, 502));
  EXPECT_EQ(of(refused, "u", kClient).status, 502u);
}

TEST_F(Programs, AProxyLogs499WhenItsClientLeavesAndAbandonsTheRequest) {
  for (const std::string how : {"fin", "rst"}) {
    const Outcome outcome = after({kProxy, kUser, "{ at: 1s, flow: u, request: 10, response: 20, after: 20s }",
                                   "{ at: 4s, flow: u, close: " + how + " }", "{ at: 60s, stop: true }"});
    ASSERT_THAT(statuses(outcome), ElementsAre(499)) << how;
    EXPECT_EQ(outcome.logs[0].lines[0].took, Duration(seconds(3)));
    EXPECT_EQ(of(outcome, "x", kClient).received, 0u);
  }
}

TEST_F(Programs, AProxyThatGoesOnTakesTheAnswerAndKeepsTheConnection) {
  const Outcome outcome =
      after({R"({ at: 0s, host: app, proxy: 80, upstream: "api:8080", as: x, on_client_gone: go_on })", kUser,
             "{ at: 1s, flow: u, request: 10, response: 20, after: 20s }", "{ at: 4s, flow: u, close: fin }",
             "{ at: 60s, stop: true }"});
  EXPECT_THAT(statuses(outcome), ElementsAre(499));
  EXPECT_EQ(of(outcome, "x", kClient).received, 20u);
}

TEST_F(Programs, AProxyClosesAnIdleClientButNotOneThatWaits) {
  const Outcome outcome = after({R"({ at: 0s, host: app, proxy: 80, upstream: "api:8080", as: x, idle_timeout: 10s })",
                                 kUser, "{ at: 1s, flow: u, request: 10, response: 20, after: 25s }",
                                 "{ at: 30s, flow: u, request: 10, response: 20 }",
                                 "{ at: 60s, flow: u, request: 10, response: 20 }", "{ at: 61s, stop: true }"});
  EXPECT_THAT(statuses(outcome), ElementsAre(200, 200));
  EXPECT_EQ(of(outcome, "u", kClient).received, 40u);
}

TEST_F(Programs, AProxyServesRequestsOfOneConnectionInTheirOrder) {
  const Outcome outcome = after({kProxy, kUser, "{ at: 1s, flow: u, request: 10, response: 20, after: 5s }",
                                 "{ at: 2s, flow: u, request: 10, response: 200 }", "{ at: 9s, stop: true }"});
  EXPECT_THAT(statuses(outcome), ElementsAre(200, 200));
  EXPECT_EQ(outcome.logs[0].lines[1].at, Instant(seconds(6)));
  EXPECT_EQ(of(outcome, "u", kClient).received, 220u);
}

// ---- the kernel's part ----

TEST_F(Programs, SysctlsCountOnlyWithTheSocketOption) {
  const std::string sysctls = "set: [app.sysctls.net.ipv4.tcp_keepalive_time=45]\n";
  const std::string ask = "{ at: 0s, flow: c, request: 10, response: 20, after: 400s }";
  const Outcome off =
      after({R"({ at: 0s, host: app, connect: "api:80", as: c })", ask, "{ at: 500s, stop: true }"}, sysctls);
  EXPECT_TRUE(of(off, "c", kClient).waiting);
  const Outcome on = after(
      {R"({ at: 0s, host: app, connect: "api:80", as: c, keepalive: {} })", ask, "{ at: 500s, stop: true }"}, sysctls);
  EXPECT_EQ(of(on, "c", kClient).received, 20u);
}

// 7200 s, then ten probes a second apart: WSAENETRESET.
TEST_F(Programs, WindowsFindsADeadPeerAfter7210Seconds) {
  const Outcome outcome = after({R"({ at: 0s, host: app, connect: "api:80", as: c, keepalive: { system: windows } })",
                                 "{ at: 1s, host: api, vanish: true }", "{ at: 8000s, stop: true }"},
                                "set: [natgw.late_packet=drop]\ntimer_step: hz250\n");
  EXPECT_EQ(of(outcome, "c", kClient).error, "ENETRESET");
  EXPECT_EQ(of(outcome, "c", kClient).error_at, Instant(seconds(7210))) << "its timer is not Linux's wheel";
}

TEST_F(Programs, KeepaliveOfTheServerHoldsTheFlowAsWell) {
  const Outcome outcome = after(
      {R"({ at: 0s, host: app, connect: "api:80", as: c, server_keepalive: { time: 300s, interval: 10s, probes: 3 } })",
       "{ at: 0s, flow: c, request: 10, response: 20, after: 400s }", "{ at: 500s, stop: true }"});
  EXPECT_EQ(of(outcome, "c", kClient).received, 20u);
}

TEST_F(Programs, UserTimeoutEndsWhatIsNotAcknowledged) {
  const Outcome outcome = after({R"({ at: 0s, host: app, connect: "api:80", as: c, user_timeout: 20s })",
                                 "{ at: 1s, host: api, vanish: true }",
                                 "{ at: 2s, flow: c, request: 10, response: 20 }", "{ at: 100s, stop: true }"});
  EXPECT_EQ(of(outcome, "c", kClient).error, "ETIMEDOUT");
  EXPECT_GE(of(outcome, "c", kClient).error_at, Instant(seconds(22)));
  EXPECT_LE(of(outcome, "c", kClient).error_at, Instant(seconds(50)));
}

TEST_F(Programs, AnIdleTimeoutOfEitherEndClosesInPeace) {
  for (const std::string which : {"idle_timeout", "server_idle_timeout"}) {
    const Outcome outcome = after({R"({ at: 0s, host: app, connect: "api:80", as: c, )" + which + ": 60s }",
                                   "{ at: 0s, flow: c, request: 10, response: 20 }", "{ at: 100s, stop: true }"});
    EXPECT_EQ(of(outcome, "c", kClient).error, "") << which;
    EXPECT_EQ(of(outcome, "c", kServer).error, "") << which;
  }
}

TEST_F(Programs, AnIdleTimeoutThatEndsTheWaitForAnAnswerIsATimeout) {
  const Outcome outcome =
      after({R"({ at: 0s, host: app, connect: "api:80", as: c, idle_timeout: 60s })",
             "{ at: 1s, flow: c, request: 10, response: 20, after: 90s }", "{ at: 100s, stop: true }"});
  EXPECT_EQ(of(outcome, "c", kClient).error, "TIMEOUT");
  EXPECT_EQ(of(outcome, "c", kClient).error_at, Instant(seconds(61)));
  EXPECT_FALSE(of(outcome, "c", kClient).waiting);
}

TEST_F(Programs, AReaddressedHostCanConnectAgain) {
  const Outcome outcome =
      after({"{ at: 1s, host: app, readdress: 10.0.1.99 }", R"({ at: 2s, host: app, connect: "api:80", as: c })",
             "{ at: 3s, flow: c, request: 10, response: 20 }", "{ at: 9s, stop: true }"});
  EXPECT_EQ(of(outcome, "c", kClient).received, 20u);
}

TEST_F(Programs, AHostWithoutARouteIsUnreachable) {
  const Outcome outcome = after({R"({ at: 0s, host: api, connect: "app:80", as: c })",
                                 R"({ at: 0s, host: api, proxy: 81, upstream: "app:80", as: x })",
                                 R"({ at: 0s, host: app, connect: "api:81", as: u })",
                                 "{ at: 1s, flow: u, request: 10, response: 20 }", "{ at: 9s, stop: true }"});
  EXPECT_EQ(of(outcome, "c", kClient).error, "ENETUNREACH");
  EXPECT_EQ(of(outcome, "c", kServer).began, false);
  EXPECT_THAT(statuses(outcome), ElementsAre(502));
}

TEST_F(Programs, DatagramConversationsOfOneServerAreToldApart) {
  const Outcome outcome = after({R"({ at: 0s, host: app, datagram: "api:53", as: a, size: 30, response: 300 })",
                                 R"({ at: 0s, host: app, datagram: "api:53", as: b, size: 40, response: 400 })",
                                 "{ at: 1s, flow: a, end: server, send: 5 }", "{ at: 9s, stop: true }"});
  EXPECT_EQ(of(outcome, "a", kClient).received, 305u);
  EXPECT_EQ(of(outcome, "b", kClient).received, 400u);
  EXPECT_EQ(of(outcome, "a", kServer).received, 30u);
}

// ---- expectations ----

// A connection that goes idle, and a datagram whose answer comes too late: what is idle is a connection.
TEST_F(Programs, MetricsCountAsTheProviderDoes) {
  const Outcome outcome = played(
      story({R"({ at: 0s, host: app, connect: "api:80", as: c })", "{ at: 0s, flow: c, request: 100, response: 50 }",
             R"({ at: 0s, host: app, datagram: "api:53", as: d, size: 12 })",
             "{ at: 400s, flow: d, end: server, send: 20 }", "{ at: 401s, stop: true }"},
            {"{ at: 10s, box: natgw, metric: ActiveConnectionCount, equals: 1 }",
             "{ at: end, box: natgw, metric: ActiveConnectionCount, equals: 0 }",
             "{ at: end, box: natgw, metric: ConnectionAttemptCount, equals: 1 }",
             "{ at: end, box: natgw, metric: ConnectionEstablishedCount, equals: 1 }",
             "{ at: end, box: natgw, metric: IdleTimeoutCount, equals: 1 }",
             "{ at: end, box: natgw, metric: ErrorPortAllocation, equals: 0 }",
             "{ at: end, box: natgw, metric: PacketsDropCount, equals: 1 }", "{ at: 10s, box: natgw, flows: 2 }",
             "{ at: end, box: natgw, flows: 0 }"}));
  EXPECT_THAT(found(outcome), IsEmpty());
}

// A lone datagram of 12 bytes is an IP packet of 40.
TEST_F(Programs, BytesAreThoseOfTheIpPackets) {
  const Outcome outcome = played(
      story({R"({ at: 0s, host: app, datagram: "api:53", as: d, size: 12, response: 20 })", "{ at: 1s, stop: true }"},
            {"{ at: end, box: natgw, metric: BytesInFromSource, equals: 40 }",
             "{ at: end, box: natgw, metric: BytesOutToDestination, equals: 40 }",
             "{ at: end, box: natgw, metric: BytesInFromDestination, equals: 48 }",
             "{ at: end, box: natgw, metric: BytesOutToSource, equals: 48 }",
             "{ at: end, box: natgw, metric: PacketsInFromSource, equals: 1 }",
             "{ at: end, box: natgw, metric: PacketsOutToDestination, equals: 1 }"}));
  EXPECT_THAT(found(outcome), IsEmpty());
}

// Forty datagrams and their answers within ten seconds, of 40 and 48 bytes; the peak of the day is that of its first window.
TEST_F(Programs, PeaksAreOfTheBusiestTenSeconds) {
  std::vector<std::string> steps;
  for (int number = 0; number < 40; ++number) {
    const std::string at = std::to_string(number < 20 ? 1 : 9);
    steps.push_back("{ at: " + at + R"(s, host: app, datagram: "api:53", as: d)" + std::to_string(number) +
                    ", size: 12, response: 20 }");
  }
  steps.emplace_back(R"({ at: 12s, host: app, datagram: "api:53", as: late, size: 12 })");
  steps.emplace_back("{ at: 1d, stop: true }");
  const Outcome outcome = played(story(steps, {"{ at: 5s, box: natgw, metric: PeakPacketsPerSecond, equals: 4 }",
                                               "{ at: end, box: natgw, metric: PeakPacketsPerSecond, equals: 8 }",
                                               "{ at: end, box: natgw, metric: PeakBytesPerSecond, equals: 352 }"}));
  EXPECT_THAT(found(outcome), IsEmpty());
}

TEST_F(Programs, WhatIsFoundInsteadIsNamed) {
  const Outcome outcome = played(story(
      {kProxy, kUser, "{ at: 1s, flow: u, request: 10, response: 20, after: 5s }", "{ at: 9s, stop: true }"},
      {"{ log: x, status: 504 }", "{ at: 7s, log: x, status: 200 }", "{ log: x, took: 4s }", "{ log: x, equals: 2 }",
       "{ at: end, box: natgw, metric: ConnectionAttemptCount, at_most: 0 }", "{ at: end, box: natgw, flows: 0 }",
       "{ at: end, flow: u, end: client, status: 502, connections: 2, received: 5 }",
       "{ at: end, box: natgw, flow: x, state: syn_sent }", "{ event: flow_expired }",
       "{ at: 3s, event: flow_established }"}));
  EXPECT_THAT(found(outcome),
              ElementsAre("in the log: 200 after 5 s at 6 s", "in the log: 200 after 5 s at 6 s",
                          "in the log: 200 after 5 s at 6 s", "in the log: 200 after 5 s at 6 s",
                          "ConnectionAttemptCount 1", "flows 1", "received 20, status 200, connections 1",
                          "state established", "no such event", "it happened at 1 s"));
  EXPECT_EQ(outcome.misses[0].place.line, 9);
  EXPECT_EQ(outcome.misses[0].text, "log: x, status: 504");
}

}  // namespace
}  // namespace lapse::sim
