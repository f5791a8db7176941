// `lapse sim` as a person and a CI job call it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "control/cli/command.h"
#include "control/cli/junit.h"
#include "scenario_file.h"
#include "sim/scenario/schema.h"

namespace lapse::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Result {
  int status = -1;
  std::string output;
  std::string errors;
};

Result lapse(std::vector<std::string> words) {
  CLI::App app("lapse");
  Context context;
  add_sim(app, context);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  std::reverse(words.begin(), words.end());
  app.parse(std::move(words));
  return {context.status, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

class SimCommand : public sim::ScenarioFile {
 protected:
  // A story that passes, one that fails, one that cannot be played.
  std::string good() const { return named("good", "{ at: 350s, event: flow_expired }"); }
  std::string failing() const { return named("failing", "{ at: end, flow: c1, end: client, error: ECONNRESET }"); }
  std::string broken() const { return named("broken", "{ at: end, flow: c2, end: client, error: none }"); }
  std::string named(const std::string& name, const std::string& expectation) const {
    std::ifstream written(
        story({R"({ at: 0s, host: app, connect: "api:80", as: c1 })",
               "{ at: 0s, flow: c1, request: 9, response: 9, after: 400s }", "{ at: 500s, stop: true }"},
              {expectation}));
    std::stringstream text;
    text << written.rdbuf();
    return write(name + ".yaml", "title: \"" + name + " <&>\"\n" + text.str());
  }
  static std::string contents(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

TEST_F(SimCommand, AGoodStoryIsALine) {
  const Result result = lapse({"sim", good()});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_EQ(result.output, "ok    test  good <&>\n");
}

TEST_F(SimCommand, AFailingOneSaysWhatWasExpectedWhereAndWhatWasFound) {
  const std::string file = failing();
  const Result result = lapse({"sim", file});
  EXPECT_EQ(result.status, kExpectationFailed);
  EXPECT_EQ(result.output, "FAIL  test  failing <&>\n      " + file +
                               ":9: expected {at: end, flow: c1, end: client, error: ECONNRESET}\n"
                               "        found: error none\n"
                               "      app (c1, client) waits since 0 s and has heard nothing, received 0\n"
                               "      api (c1, server) received 9\n");
}

TEST_F(SimCommand, WhatCannotBePlayedIsBadInputAndTheOthersArePlayed) {
  const Result result = lapse({"sim", broken(), good(), "no-such-story"});
  EXPECT_EQ(result.status, kBadInput);
  EXPECT_EQ(result.output, "ok    test  good <&>\n");
  EXPECT_THAT(result.errors, AllOf(HasSubstr("broken.yaml:9:22: expect.0.flow: no step before calls anything so (c2)"),
                                   HasSubstr("no file and no shipped scenario is called no-such-story")));
}

TEST_F(SimCommand, ManyStandInTheOrderInWhichTheyWereGiven) {
  std::vector<std::string> words{"sim"};
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    words.push_back(i % 3 == 0 ? "S1.5" : i % 3 == 1 ? "S0.3" : "S1.1");
    expected += i % 3 == 0 ? "S1.5 " : i % 3 == 1 ? "S0.3 " : "S1.1 ";
  }
  std::istringstream lines(lapse(words).output);
  std::string order;
  for (std::string line; std::getline(lines, line);) {
    order += line.substr(6, 5);
  }
  EXPECT_EQ(order, expected);
}

TEST_F(SimCommand, TwoRunsGiveTheSameJson) {
  const std::vector<std::string> all = sim::shipped_scenarios();
  std::vector<std::string> words{"sim", "--json"};
  words.insert(words.end(), all.begin(), all.end());
  const Result first = lapse(words);
  EXPECT_EQ(first.status, kSuccess);
  EXPECT_EQ(first.output, lapse(words).output);
  const auto json = nlohmann::json::parse(first.output);
  EXPECT_EQ(json["scenarios"].size(), all.size());
}

TEST_F(SimCommand, JsonSaysWhatProgramsExperiencedAndProxiesLogged) {
  const auto json = nlohmann::json::parse(lapse({"sim", "--json", "S0.1-logs"}).output);
  const auto& story = json["scenarios"][0];
  EXPECT_EQ(story["access_logs"][1],
            nlohmann::json::parse(R"({"proxy": "alb2", "lines": [{"at": 363.627, "status": 200, "took": 363.627}]})"));
  const auto& programs = story["programs"];
  const auto nginx = std::find_if(programs.begin(), programs.end(), [](const auto& program) {
    return program["flow"] == "nginx" && program["end"] == "client";
  });
  ASSERT_NE(nginx, programs.end());
  EXPECT_EQ((*nginx)["waits_since"], 0.0);
  EXPECT_EQ((*nginx)["error"], nullptr);
}

TEST_F(SimCommand, ListShowsATitleForEach) {
  const Result result = lapse({"sim", "--list"});
  EXPECT_EQ(static_cast<size_t>(std::count(result.output.begin(), result.output.end(), '\n')),
            sim::shipped_scenarios().size());
  EXPECT_THAT(result.output, AllOf(HasSubstr("S0.1-logs            three logs contradict each other"),
                                   Not(HasSubstr("cannot be loaded"))));
}

TEST_F(SimCommand, AMustFailLineThatBreaksNothingIsAFailure) {
  const std::string file =
      write("tight.yaml", contents(good()) +
                              "must_fail_with:\n  - { set: natgw.late_packet=drop }\n"
                              "  - { set: [natgw.limits=off, natgw.timeouts.tcp_established=60s] }\n");
  EXPECT_EQ(lapse({"sim", file}).status, kSuccess);
  const Result result = lapse({"sim", "--must-fail", file});
  EXPECT_EQ(result.status, kExpectationFailed);
  EXPECT_THAT(result.output, AllOf(HasSubstr("tight.yaml:11: expected {to fail with natgw.late_packet=drop}\n"
                                             "        found: every expectation was still met"),
                                   Not(HasSubstr("tcp_established"))));
}

// The text beside the stories describes every key that may stand in one.
TEST_F(SimCommand, TheFormatIsDescribed) {
  const std::string text = contents(LAPSE_TEST_TOPOLOGIES "/scenarios/README.md");
  for (const topology::Object* object : {&sim::kScenarioObject, &sim::kStepObject, &sim::kKeepaliveObject,
                                         &sim::kExpectationObject, &sim::kEventObject, &sim::kChangeObject}) {
    for (const std::string_view key : object->key_names()) {
      EXPECT_THAT(text, HasSubstr(std::string(key))) << object->name;
    }
  }
}

TEST_F(SimCommand, JunitNamesFailuresAndErrors) {
  const std::string report = (folder_ / "report.xml").string();
  const std::string ok = good();
  const std::string bad = failing();
  EXPECT_EQ(lapse({"sim", ok, bad, "no-such-story", "--junit", report}).status, kBadInput);
  const std::string xml = contents(report);
  EXPECT_THAT(xml, testing::StartsWith("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                       "<testsuites tests=\"3\" failures=\"1\" errors=\"1\">\n"
                                       "  <testsuite name=\"lapse sim\" tests=\"3\" failures=\"1\" errors=\"1\">\n"
                                       "    <testcase classname=\"" +
                                       ok + "\" name=\"test\"/>\n"));
  EXPECT_THAT(xml, HasSubstr("<failure message=\"" + bad +
                             ":9: expected {at: end, flow: c1, end: client, error: "
                             "ECONNRESET}, found: error none\" type=\"failure\">"));
  EXPECT_THAT(xml, HasSubstr("<error message=\"no file and no shipped scenario is called no-such-story"));
}

TEST_F(SimCommand, AReportThatCannotBeWrittenIsAnError) {
  const Result result = lapse({"sim", good(), "--junit", (folder_ / "no" / "report.xml").string()});
  EXPECT_EQ(result.status, kBadInput);
  EXPECT_THAT(result.errors, HasSubstr("report.xml: cannot be written"));
}

// XML 1.0: five characters are written otherwise, and most control characters must not stand there at all.
TEST(Junit, EscapesWhatXmlCannotCarry) {
  const std::string xml =
      to_junit({{.name = "a\"<b>&c\x01", .file = "f", .failures = {"x < y\n\x1b[1m"}, .errors = {}}});
  EXPECT_THAT(xml, HasSubstr("name=\"a&quot;&lt;b&gt;&amp;c\ufffd\""));
  EXPECT_THAT(xml, HasSubstr("x &lt; y\n\ufffd[1m\n</failure>"));
}

}  // namespace
}  // namespace lapse::cli
