// What is refused in a scenario file: each message names file, line, column, key, value, and what is accepted.
#include "scenario_file.h"

namespace lapse::sim {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

class ScenarioErrors : public ScenarioFile {};

TEST_F(ScenarioErrors, TheCastIsFine) {
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: c1, request: 1 }"), IsEmpty());
}

TEST_F(ScenarioErrors, UnknownHost) {
  EXPECT_THAT(
      errors_of_step(R"({ at: 1s, host: ap, connect: "api:80", as: c2 })"),
      ElementsAre("story.yaml:8:21: steps.4.host: no host of the topology (ap); did you mean app? accepted is one of "
                  "app, api"));
}

TEST_F(ScenarioErrors, UnknownTarget) {
  for (const std::string target : {"nobody:80", "api", "api:0", "api:65536", "api:http"}) {
    EXPECT_THAT(errors_of_step("{ at: 1s, host: app, connect: \"" + target + "\", as: c2 }"),
                ElementsAre("story.yaml:8:35: steps.4.connect: leads nowhere (" + target +
                            "); accepted is NAME:PORT with the name or address of a host, and a port from 1 to 65535"));
  }
}

TEST_F(ScenarioErrors, UnknownKeyWithTheNearest) {
  EXPECT_THAT(
      errors_of_step("{ at: 1s, flow: c1, reqest: 10 }"),
      testing::Contains(StartsWith("story.yaml:8:25: steps.4.reqest: unknown key (reqest); did you mean request?")));
  EXPECT_THAT(errors_of_expectation("{ at: end, flow: c1, end: client, recieved: 0 }"),
              testing::Contains(
                  StartsWith("story.yaml:10:39: expect.0.recieved: unknown key (recieved); did you mean received?")));
}

TEST_F(ScenarioErrors, WrongTypes) {
  EXPECT_THAT(errors_of_step("{ at: soon, flow: c1, request: 10 }"),
              ElementsAre(AllOf(StartsWith("story.yaml:8:11: steps.4.at: "), HasSubstr("soon"), HasSubstr("350s"))));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: c1, request: many }"),
              ElementsAre(AllOf(StartsWith("story.yaml:8:34: steps.4.request: "), HasSubstr("many"),
                                HasSubstr("a number of bytes"))));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: [c1], request: 10 }"),
              ElementsAre(AllOf(StartsWith("story.yaml:8:21: steps.4.flow: text is needed, found a list"))));
  EXPECT_THAT(errors_of_step("connect"), testing::Contains(HasSubstr("story.yaml:8:5: steps.4: a map is needed")));
  EXPECT_THAT(errors_of_step(R"({ at: 1s, host: app, connect: "api:80", as: c2, keepalive: 60s })"),
              ElementsAre(AllOf(StartsWith("story.yaml:8:64: steps.4.keepalive: a map is needed, found text (60s)"),
                                HasSubstr("{time: 60s, interval: 10s, probes: 3}"))));
}

TEST_F(ScenarioErrors, AStepDoesOneThing) {
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: c1 }"),
              ElementsAre(StartsWith("story.yaml:8:5: steps.4: the step does nothing; accepted is one of connect, ")));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: c1, request: 10, send: 5 }"),
              ElementsAre(StartsWith("story.yaml:8:5: steps.4: the step does several things (request, send); ")));
}

TEST_F(ScenarioErrors, AKeyThatDoesNotGoWithTheOthers) {
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: c1, request: 10, discard_after: 5s }"),
              ElementsAre("story.yaml:8:38: steps.4.discard_after: has no meaning beside the others"));
  EXPECT_THAT(errors_of_step(R"({ at: 1s, host: app, pool: "api:80", as: p2, on_reset: reconnect })"),
              ElementsAre("story.yaml:8:50: steps.4.on_reset: has no meaning beside the others"));
}

TEST_F(ScenarioErrors, WhatIsNeededIsMissing) {
  EXPECT_THAT(errors_of_step(R"({ at: 1s, connect: "api:80", as: c2 })"),
              ElementsAre("story.yaml:8:5: steps.4: host is missing; accepted is the name of a host"));
  EXPECT_THAT(errors_of_step(R"({ at: 1s, host: app, connect: "api:80" })"),
              ElementsAre("story.yaml:8:5: steps.4: as is missing; accepted is a name like c1"));
  EXPECT_THAT(
      errors_of_step("{ at: 1s, request: 10 }"),
      ElementsAre("story.yaml:8:5: steps.4: flow is missing; accepted is a name that `as` gave in a step before"));
  EXPECT_THAT(errors_of_step("{ at: 1s, host: app, proxy: 90, as: x2 }"),
              ElementsAre("story.yaml:8:5: steps.4: upstream is missing; accepted is NAME:PORT like \"api:8080\""));
  EXPECT_THAT(
      errors_of_expectation("{ at: 1s, host: app, flow: c1 }"),
      ElementsAre(StartsWith("story.yaml:10:5: expect.0: state is missing; accepted is one of none, SYN-SENT")));
  EXPECT_THAT(
      errors_of_expectation("{ count: { event: rst_sent } }"),
      ElementsAre("story.yaml:10:7: expect.0.count: equals is missing; accepted is equals, at_least or at_most, with "
                  "a number"));
}

TEST_F(ScenarioErrors, NamesOfConnections) {
  EXPECT_THAT(
      errors_of_step("{ at: 1s, flow: c2, send: 10 }"),
      ElementsAre("story.yaml:8:21: steps.4.flow: no step before calls anything so (c2); did you mean c1? accepted is "
                  "one of c1, d1"));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: d1, request: 10 }"),
              ElementsAre(StartsWith("story.yaml:8:21: steps.4.flow: that is of another sort (d1)")));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: p1, close: fin }"),
              ElementsAre(StartsWith("story.yaml:8:21: steps.4.flow: that is of another sort (p1)")));
  EXPECT_THAT(
      errors_of_step(R"({ at: 1s, host: app, connect: "api:80", as: c1 })"),
      ElementsAre("story.yaml:8:49: steps.4.as: a step before has given the same name (c1); accepted is another one"));
}

TEST_F(ScenarioErrors, Contradictions) {
  EXPECT_THAT(
      errors(story({R"({ at: 5s, host: app, connect: "api:80", as: c1 })", "{ at: 1s, flow: c1, request: 1 }",
                    "{ at: 9s, stop: true }"},
                   {"{ never: { event: rst_sent } }"})),
      ElementsAre("story.yaml:5:11: steps.1.at: earlier than the step before it (1s); steps stand in the order of "
                  "time, so accepted is 5s or later"));
  EXPECT_THAT(errors(story({R"({ at: 5s, host: app, connect: "api:80", as: c1 })", "{ at: 9s, stop: true }",
                            "{ at: 10s, flow: c1, request: 1 }"},
                           {"{ never: { event: rst_sent } }"})),
              ElementsAre("story.yaml:6:11: steps.2.at: behind the step that stops the story at 9s; accepted is a step "
                          "before it"));
  EXPECT_THAT(
      errors_of_expectation("{ at: 901s, flow: c1, end: client, received: 0 }"),
      ElementsAre("story.yaml:10:11: expect.0.at: after the story's end (901s); accepted is up to 900s, or end"));
  EXPECT_THAT(errors_of_expectation("{ count: { event: rst_sent, at_least: 3, at_most: 2 } }"),
              ElementsAre(HasSubstr("expect.0.count: no number is both")));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: c1, request: 10, timeout: 5s }"),
              ElementsAre(HasSubstr("story.yaml:8:47: steps.4.timeout: there is no answer to wait for")));
}

TEST_F(ScenarioErrors, AStoryThatNeverEnds) {
  EXPECT_THAT(
      errors(story({R"({ at: 0s, host: app, connect: "api:80", as: c1 })"}, {"{ never: { event: rst_sent } }"})),
      ElementsAre("story.yaml:3:1: steps: the story never ends; accepted is a last step like {at: 3700s, stop: true}"));
}

// A proxy that asks itself never gets further than its first instant.
TEST_F(ScenarioErrors, AStoryThatDoesNotComeToItsEndIsStopped) {
  topology::Findings findings;
  const std::string file = story({R"({ at: 0s, host: api, proxy: 80, upstream: "api:80", as: mirror })",
                                  R"({ at: 2s, host: app, connect: "api:80", as: c1 })",
                                  "{ at: 3s, flow: c1, request: 10, response: 10 }", "{ at: 9s, stop: true }"},
                                 {"{ never: { event: rst_sent } }"});
  const auto scenario = load_scenario(file, {}, findings);
  ASSERT_TRUE(scenario);
  const auto outcome = play(*scenario, 1, Frames::kNone, 10'000);
  EXPECT_EQ(outcome.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(outcome.status().message(), file +
                                            ":6:5: steps.2: the story does not come to its end: 10000 events by 3 s, "
                                            "and this was the last step");
}

TEST_F(ScenarioErrors, Keepalive) {
  const auto keepalive = [](const std::string& key, const std::string& what) {
    return R"({ at: 1s, host: app, connect: "api:80", as: c2, )" + key + ": {" + what + "} }";
  };
  EXPECT_THAT(
      errors_of_step(keepalive("keepalive", "time: 1500ms")),
      ElementsAre("story.yaml:8:71: steps.4.keepalive.time: no value of the socket option (1s500ms); accepted is 1s to "
                  "32767s, in whole seconds"));
  EXPECT_THAT(errors_of_step(keepalive("server_keepalive", "interval: 10h")),
              ElementsAre(HasSubstr("steps.4.server_keepalive.interval: no value of the socket option (10h)")));
  EXPECT_THAT(
      errors_of_step(keepalive("server_keepalive", "probes: 0")),
      ElementsAre(AllOf(HasSubstr("steps.4.server_keepalive.probes: out of range (0)"), HasSubstr("1 to 127"))));
  EXPECT_THAT(errors_of_step(keepalive("keepalive", "system: windos")),
              ElementsAre(AllOf(HasSubstr("steps.4.keepalive.system: unknown value (windos); did you mean windows?"))));
}

TEST_F(ScenarioErrors, Choices) {
  EXPECT_THAT(
      errors_of_step(R"({ at: 1s, host: app, connect: "api:80", as: c2, on_reset: reconect })"),
      ElementsAre("story.yaml:8:63: steps.4.on_reset: unknown value (reconect); did you mean reconnect? accepted is "
                  "fail or reconnect"));
  EXPECT_THAT(
      errors_of_step("{ at: 1s, flow: c1, close: harf }"),
      ElementsAre("story.yaml:8:32: steps.4.close: unknown value (harf); did you mean half? accepted is one of fin, "
                  "half, rst"));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: c1, end: middle, close: rst }"),
              ElementsAre(AllOf(StartsWith("story.yaml:8:30: steps.4.end: unknown value (middle)"),
                                HasSubstr("client or server"))));
  EXPECT_THAT(errors_of_step(R"({ at: 1s, host: app, pool: "api:80", as: p2, on_stale: retry })"),
              ElementsAre(HasSubstr("steps.4.on_stale: unknown value (retry)")));
}

TEST_F(ScenarioErrors, IdleTimeouts) {
  EXPECT_THAT(errors_of_step(R"({ at: 1s, host: app, connect: "api:80", as: c2, idle_timeout: 60 })"),
              ElementsAre(AllOf(StartsWith("story.yaml:8:67: steps.4.idle_timeout: a unit is missing (60)"),
                                HasSubstr("60s"))));
}

TEST_F(ScenarioErrors, Readdress) {
  EXPECT_THAT(errors_of_step("{ at: 1s, host: app, readdress: 10.0.1.300 }"),
              ElementsAre(AllOf(StartsWith("story.yaml:8:37: steps.4.readdress: "), HasSubstr("10.0.1.300"))));
  EXPECT_THAT(
      errors_of_step("{ at: 1s, host: app, readdress: 192.0.2.1 }"),
      ElementsAre("story.yaml:8:37: steps.4.readdress: not in the subnet of its link (192.0.2.1); accepted is an "
                  "address of 10.0.1.0/24"));
  EXPECT_THAT(
      errors_of_step("{ at: 1s, host: api, readdress: 10.0.1.10 }"),
      ElementsAre("story.yaml:8:37: steps.4.readdress: that is the address of app (10.0.1.10); accepted is a free "
                  "one"));
}

TEST_F(ScenarioErrors, Datagrams) {
  EXPECT_THAT(errors_of_step(R"({ at: 1s, host: app, datagram: "api:53", as: d2, size: 9000 })"),
              ElementsAre(AllOf(HasSubstr("steps.4.size: out of range (9000)"), HasSubstr("1 to 1400"))));
  EXPECT_THAT(errors_of_step(R"({ at: 1s, host: app, datagram: "api:53", as: d2, response: 70000 })"),
              ElementsAre(HasSubstr("steps.4.response: no datagram carries so much (70000); accepted is up to 1400")));
  EXPECT_THAT(errors_of_step("{ at: 1s, flow: d1, send: 1401 }"),
              ElementsAre(HasSubstr("steps.4.send: no datagram carries so much (1401)")));
  EXPECT_THAT(errors_of_expectation("{ at: end, flow: d1, end: client, error: ECONNRESET }"),
              testing::Contains(HasSubstr("received is missing")));
}

TEST_F(ScenarioErrors, Expectations) {
  EXPECT_THAT(
      errors_of_expectation("{ at: 1s }"),
      ElementsAre(StartsWith("story.yaml:10:5: expect.0: nothing is expected here; accepted is one of event, ")));
  EXPECT_THAT(
      errors_of_expectation("{ at: 1s, event: rst_send }"),
      ElementsAre(StartsWith("story.yaml:10:22: expect.0.event: unknown value (rst_send); did you mean rst_sent?")));
  EXPECT_THAT(
      errors_of_expectation("{ box: natgv, event: rst_sent }"),
      ElementsAre("story.yaml:10:12: expect.0.box: no box of the topology (natgv); did you mean natgw? accepted is "
                  "one of natgw"));
  EXPECT_THAT(
      errors_of_expectation("{ at: end, box: natgw, metric: IdleTimeoutCounts, equals: 1 }"),
      ElementsAre(StartsWith("story.yaml:10:36: expect.0.metric: not counted here (IdleTimeoutCounts); did you mean "
                             "IdleTimeoutCount?")));
  EXPECT_THAT(errors_of_expectation("{ at: end, host: app, flow: c1, state: ESTABLISH }"),
              ElementsAre(StartsWith("story.yaml:10:44: expect.0.state: unknown state (ESTABLISH); did you mean "
                                     "ESTABLISHED?")));
  EXPECT_THAT(errors_of_expectation("{ at: end, box: natgw, flow: c1, state: ESTABLISHED }"),
              ElementsAre(StartsWith("story.yaml:10:45: expect.0.state: unknown state (ESTABLISHED)")));
  EXPECT_THAT(
      errors_of_expectation("{ at: end, flow: c1, end: client, error: ECONRESET }"),
      ElementsAre(StartsWith("story.yaml:10:46: expect.0.error: no error (ECONRESET); did you mean ECONNRESET?")));
  EXPECT_THAT(errors_of_expectation("{ log: c1, status: 200 }"),
              ElementsAre(StartsWith("story.yaml:10:12: expect.0.log: that is of another sort (c1)")));
  EXPECT_THAT(errors_of_expectation("{ at: end, flow: c1, end: server, waiting: true }"), SizeIs(2));
}

TEST_F(ScenarioErrors, AllAtOnceInTheOrderOfTheLines) {
  EXPECT_THAT(errors(story({R"({ at: 0s, host: ape, connect: "api:80", as: c1 })", "{ at: 1s, flow: c2, request: 1 }",
                            "{ at: 9s, stop: true }"},
                           {"{ at: 10s, event: rst_sent }"})),
              ElementsAre(StartsWith("story.yaml:4:"), StartsWith("story.yaml:5:"), StartsWith("story.yaml:8:")));
}

TEST_F(ScenarioErrors, WhatTheStorySetsInItsTopology) {
  const std::vector<std::string> steps{"{ at: 9s, stop: true }"};
  const std::vector<std::string> expect{"{ never: { event: rst_sent } }"};
  EXPECT_THAT(errors(story(steps, expect, "set: [natgw.timeouts.icmp=60s]\n")), IsEmpty());
  EXPECT_THAT(errors(story(steps, expect, "set: [natgw.timeouts.icmp=60s, natgw.late_packet=drip]\n")),
              ElementsAre(AllOf(StartsWith("story.yaml:7:32: boxes.natgw.late_packet: "), HasSubstr("drip"))));
  EXPECT_THAT(errors(story(steps, expect, "set: [{}]\n")),
              ElementsAre(StartsWith("story.yaml:7:7: set: text is needed")));
}

TEST_F(ScenarioErrors, SettingsThatNameNothing) {
  const std::string file = story({"{ at: 9s, stop: true }"}, {"{ never: { event: rst_sent } }"});
  EXPECT_THAT(
      errors(file, {"steps.7.at=3s"}),
      ElementsAre("--set steps.7.at=3s: leads nowhere: no such position (7); the list has 1 item, counted from 0"));
  EXPECT_THAT(errors(file, {"steps.0.att=3s"}),
              ElementsAre(StartsWith("--set steps.0.att=3s: steps.0.att: unknown key (att); did you mean at?")));
  EXPECT_THAT(errors(file, {"natgv.late_packet=drop"}), ElementsAre(HasSubstr("did you mean natgw?")));
}

// A line of must_fail_with that names nothing is told apart from one that changes nothing.
TEST_F(ScenarioErrors, MustFailWithNamingNothing) {
  const std::string file = story({R"({ at: 0s, host: app, connect: "api:80", as: c1 })", "{ at: 400s, stop: true }"},
                                 {"{ at: 350s, event: flow_expired }"},
                                 "must_fail_with:\n"
                                 "  - { set: [natgw.limits=off, natgw.timeouts.tcp_established=500s] }\n"
                                 "  - { set: natgv.late_packet=drop }\n"
                                 "  - { set: steps.5.at=3s }\n"
                                 "  - { set: natgw.late_packet=drop }\n");
  const auto lines = lines_that_change_nothing(file, 1);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_EQ(lines[0].place.line, 10);
  EXPECT_THAT(lines[0].found, HasSubstr("did you mean natgw?"));
  EXPECT_EQ(lines[1].place.line, 11);
  EXPECT_THAT(lines[1].found, HasSubstr("leads nowhere"));
  EXPECT_EQ(lines[2].place.line, 12);
  EXPECT_EQ(lines[2].found, "every expectation was still met");
}

TEST_F(ScenarioErrors, NoTopologyNoYaml) {
  EXPECT_THAT(errors(write("a.yaml", "scenario: a\nsteps: []\nexpect: []\n")),
              ElementsAre(HasSubstr("topology: the path of a topology file is needed")));
  EXPECT_THAT(errors(write("b.yaml", "scenario: [\n")), SizeIs(1));
  EXPECT_THAT(errors(folder_ / "none.yaml"), ElementsAre("none.yaml: cannot be read"));
}

}  // namespace
}  // namespace lapse::sim
