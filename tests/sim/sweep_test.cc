// Sweeps: what a range is, what a knob sets, what a run is called, and the grid against the truth of the reference.
#include "sim/sweep/sweep.h"

#include <atomic>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "scenario_file.h"
#include "sim/sweep/boundary.h"

namespace lapse::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- values ----

std::vector<std::string> values_of(const std::string& spec) {
  const auto axis = parse_axis("x=" + spec);
  EXPECT_TRUE(axis.ok()) << axis.status();
  std::vector<std::string> texts;
  for (size_t at = 0; axis.ok() && at < axis->values.size(); ++at) {
    texts.push_back(axis->values[at].text);
  }
  return texts;
}

TEST(Axis, IsAListOfValuesAndRanges) {
  EXPECT_THAT(values_of("off,60s..120s/30s"), ElementsAre("off", "60s", "90s", "120s"));
  EXPECT_THAT(values_of("1..10/4"), ElementsAre("1", "5", "9"));
  EXPECT_THAT(values_of("0%..1%/0.5%"), ElementsAre("0%", "0.5%", "1%"));
  EXPECT_THAT(values_of("59m..1h1m/1m"), ElementsAre("3540s", "1h", "3660s"));
  EXPECT_THAT(values_of("350s..350s/1s"), ElementsAre("350s"));
  EXPECT_THAT(values_of("drop,rst"), ElementsAre("drop", "rst"));
  EXPECT_THAT(values_of("../a.yaml,../b.yaml"), ElementsAre("../a.yaml", "../b.yaml"));
  EXPECT_THAT(values_of("{time: 60s, interval: 5s},{time: 90s}"),
              ElementsAre("{time: 60s, interval: 5s}", "{time: 90s}"));
}

TEST(Axis, HasEachValueOnce) {
  EXPECT_THAT(values_of("60s,1m,60s..180s/60s"), ElementsAre("60s", "120s", "180s"));
}

struct BadAxis {
  const char* vary;
  const char* message;
};
class BadAxes : public testing::TestWithParam<BadAxis> {};
TEST_P(BadAxes, AreRefusedWithTheReason) {
  const auto axis = parse_axis(GetParam().vary);
  ASSERT_FALSE(axis.ok());
  EXPECT_EQ(axis.status().message(), GetParam().message);
}
#define ACCEPTED "; accepted is FROM..TO/STEP like 60s..600s/30s, 1..10/1 or 0%..5%/1%"
INSTANTIATE_TEST_SUITE_P(
    Table, BadAxes,
    testing::Values(
        BadAxis{"idle", "--vary idle: names no values; accepted is NAME=VALUES like keepalive=off,60s..600s/30s"},
        BadAxis{"idle=", "--vary idle=: names no values; accepted is NAME=VALUES like keepalive=off,60s..600s/30s"},
        BadAxis{"=60s", "--vary =60s: names no values; accepted is NAME=VALUES like keepalive=off,60s..600s/30s"},
        BadAxis{"idle=60s,", "--vary idle=60s,: an empty value; values are separated by one comma"},
        BadAxis{"idle=60s..600s", "--vary idle=60s..600s: the range 60s..600s has no step" ACCEPTED},
        BadAxis{"idle=60s..600s/0s", "--vary idle=60s..600s/0s: the range 60s..600s/0s has a step of zero" ACCEPTED},
        BadAxis{"idle=600s..60s/30s", "--vary idle=600s..60s/30s: the range 600s..60s/30s goes backwards" ACCEPTED},
        BadAxis{"idle=60s..600/30s",
                "--vary idle=60s..600/30s: the range 60s..600/30s is not of three durations, three "
                "numbers or three percentages" ACCEPTED},
        BadAxis{"idle=60s..later/30s",
                "--vary idle=60s..later/30s: the range 60s..later/30s is not of three durations, "
                "three numbers or three percentages" ACCEPTED},
        BadAxis{"idle=1ms..1h/1ms",
                "--vary idle=1ms..1h/1ms: the range 1ms..1h/1ms has 3600000 values, and 1000 are the "
                "most" ACCEPTED},
        BadAxis{"n=1..900/1,1001..1900/1",
                "--vary n=1..900/1,1001..1900/1: more than 1000 values; accepted are fewer"}));

// ---- plans ----

std::string shipped(const std::string& name) {
  const auto path = locate_scenario(name);
  EXPECT_TRUE(path.ok()) << path.status();
  return path.value_or("");
}

Sweep planned(const std::string& file, std::vector<std::string> vary, std::vector<std::string> settings = {}) {
  auto sweep = plan_sweep({.file = file, .settings = std::move(settings), .vary = std::move(vary)});
  EXPECT_TRUE(sweep.ok()) << sweep.status();
  return sweep.ok() ? *std::move(sweep) : Sweep{};
}

std::string refusal(const std::string& file, std::vector<std::string> vary, std::vector<std::string> settings = {}) {
  const auto sweep = plan_sweep({.file = file, .settings = std::move(settings), .vary = std::move(vary)});
  return sweep.ok() ? "" : std::string(sweep.status().message());
}

std::vector<Cell> swept(const Sweep& sweep, size_t threads = 2) {
  const std::atomic<bool> stop{false};
  return play_sweep(sweep, threads, stop, [](size_t) {});
}

std::vector<std::string> fates(const std::vector<Cell>& cells) {
  std::vector<std::string> names;
  for (const Cell& cell : cells) {
    names.emplace_back(name(cell.verdict.fate));
  }
  return names;
}

TEST(Knob, KeepaliveIsOfEveryConnectionAndOffIsOff) {
  const Sweep sweep = planned(shipped("proxy-502"), {"keepalive=off,60s"});
  EXPECT_THAT(sweep.changes(0), ElementsAre("steps.0.keepalive.on=off", "steps.1.keepalive.on=off"));
  EXPECT_THAT(sweep.changes(1), ElementsAre("steps.0.keepalive.on=on", "steps.0.keepalive.time=60s",
                                            "steps.1.keepalive.on=on", "steps.1.keepalive.time=60s"));
}

TEST(Knob, IdleIsTheTimeOfTheAnswers) {
  EXPECT_THAT(planned(shipped("S1.1"), {"idle=700s"}).changes(0), ElementsAre("steps.1.after=700s"));
  EXPECT_THAT(planned(shipped("udp-slow-answer"), {"idle=700s"}).changes(0),
              ElementsAre("steps.0.after=700s", "steps.1.after=700s"));
}

TEST(Knob, IdleIsTheLongestSilenceWhereNoAnswerTakesTime) {
  EXPECT_THAT(planned(shipped("S1.4"), {"idle=60s"}).changes(0), ElementsAre("steps.2.at=60s"));
  // The last request comes 400 s after the one at 300 s.
  EXPECT_THAT(planned(shipped("pool-stale"), {"idle=60s"}).changes(0), ElementsAre("steps.3.at=360s"));
}

TEST(Knob, TimeoutIsOfTheOnlyBoxAndTheProtocolsInUse) {
  EXPECT_THAT(planned(shipped("S1.1"), {"timeout=60s"}).changes(0),
              ElementsAre("natgw.limits=off", "natgw.timeouts.tcp_established=60s"));
  EXPECT_THAT(planned(shipped("udp-slow-answer"), {"timeout=60s"}).changes(0),
              ElementsAre("natgw.limits=off", "natgw.timeouts.udp=60s", "natgw.timeouts.udp_stream=60s"));
}

class SweptFile : public ScenarioFile {
 protected:
  std::string file(const std::vector<std::string>& steps) const {
    return story(steps, {"{ never: { event: rst_sent } }"});
  }
};

TEST_F(SweptFile, WhatStandsBehindTheSilenceMovesWithIt) {
  const std::string path =
      file({R"({ at: 0s, host: app, connect: "api:80", as: c1 })",
            "{ at: 0s, flow: c1, request: 9, response: 9, after: 100s }", "{ at: 50s, flow: c1, end: server, send: 1 }",
            "{ at: 130s, flow: c1, close: fin }", "{ at: 200s, stop: true }"});
  EXPECT_THAT(planned(path, {"idle=400s"}).changes(0), ElementsAre("steps.1.after=400s", "steps.3.at=430s"));
}

TEST_F(SweptFile, AnAmbiguousIdleNamesWhatItCouldMean) {
  const std::string path =
      file({R"({ at: 0s, host: app, connect: "api:80", as: c1 })",
            "{ at: 0s, flow: c1, request: 9, response: 9, after: 100s }",
            "{ at: 300s, flow: c1, request: 9, response: 9, after: 100s }", "{ at: 500s, stop: true }"});
  EXPECT_EQ(refusal(path, {"idle=60s"}),
            "--vary idle: the knob idle could mean several silences, one after the other: steps.1.after (line 5), "
            "steps.2.after (line 6); accepted is one of these paths in its place");
}

TEST_F(SweptFile, AStoryThatCannotBeLoadedIsToldWithItsLines) {
  const std::string path = file({R"({ at: 0s, host: ap, connect: "api:80", as: c1 })"});
  const std::string message = refusal(path, {"timer_step=exact"});
  EXPECT_THAT(message, HasSubstr("story.yaml:4:"));
  EXPECT_THAT(message, HasSubstr("no host of the topology (ap)"));
}

TEST(Plan, RefusesWhatItCannotDo) {
  const std::string s11 = shipped("S1.1");
  EXPECT_THAT(refusal(s11, {}), HasSubstr("nothing is varied; accepted is --vary NAME=VALUES once or twice"));
  EXPECT_THAT(refusal(s11, {"idle=1s", "keepalive=off", "timeout=1s"}), HasSubstr("a map has two sides"));
  EXPECT_THAT(refusal(s11, {"timeout=1s..1000s/1s", "idle=1s..101s/1s"}),
              HasSubstr("the grid has 101000 runs; accepted are 100000 at most"));
  EXPECT_EQ(
      refusal(s11, {"keepalive=500ms"}),
      "--vary keepalive: the value 500ms is none of the knob keepalive; accepted is off, or whole seconds from 1s "
      "to 32767s");
  EXPECT_EQ(refusal(s11, {"idle=off"}),
            "--vary idle: the value off is none of the knob idle; accepted is a duration with a unit like 350s");
  EXPECT_THAT(refusal(s11, {"idle=60..900/30"}), HasSubstr("the value 60 is none of the knob idle"));
  EXPECT_EQ(
      refusal(s11, {"keepalve=60s"}),
      "--vary keepalve: no knob, and no box, host, link or key of the story is called keepalve; did you mean "
      "keepalive? accepted is a knob of this story: keepalive (steps.0.keepalive.on, steps.0.keepalive.time), idle "
      "(steps.1.after), timeout (natgw.limits, natgw.timeouts.tcp_established); or a path: "
      "steps.0.keepalive.time, natgw.timeouts.tcp_established, timer_step");
  EXPECT_THAT(refusal(s11, {"expect.0.received=1,2"}), HasSubstr("changes nothing that is played"));
  EXPECT_THAT(refusal(s11, {"steps.2.at=400s,500s"}), HasSubstr("is the end of the story"));
  EXPECT_THAT(refusal(shipped("udp-slow-answer"), {"keepalive=60s"}), HasSubstr("no step opens a TCP connection"));
  EXPECT_THAT(refusal(shipped("S1.5"), {"idle=60s"}), HasSubstr("nobody speaks again after a silence"));
  EXPECT_THAT(refusal(shipped("S0.7"), {"timeout=60s"}),
              HasSubstr("could mean several boxes; accepted is a path in its place: "));
}

TEST(Plan, RefusesContradictions) {
  const std::string s11 = shipped("S1.1");
  EXPECT_EQ(refusal(s11, {"idle=60s", "idle=90s"}),
            "--vary idle and --vary idle both set steps.1.after; accepted is one of them");
  EXPECT_EQ(refusal(s11, {"idle=60s", "steps.1.after=90s"}),
            "--vary idle and --vary steps.1.after both set steps.1.after; accepted is one of them");
  EXPECT_EQ(
      refusal(s11, {"keepalive=60s"}, {"steps.0.keepalive={time: 9s}"}),
      "--vary keepalive and --set 'steps.0.keepalive={time: 9s}' both set steps.0.keepalive.on; accepted is one of "
      "them");
}

// ---- the grid ----

// Reference, section 1 (NAT gateway, 350 s, `>=`), S0.2, S0.8, S1.1 to S1.3.
TEST(Sweep, TellsTheTruthAroundTheTimeout) {
  const Sweep sweep = planned(shipped("S1.1"), {"keepalive=off,349s,350s,351s", "idle=349s,350s,351s"});
  const std::vector<Cell> cells = swept(sweep);
  EXPECT_THAT(fates(cells), ElementsAre("survives", "hangs", "hangs",        // off
                                        "survives", "survives", "survives",  // 349 s
                                        "survives", "reset", "reset",        // 350 s: the probe itself comes too late
                                        "survives", "reset", "reset"));  // 351 s: the probe after the lost answer tells
  const Verdict& hangs = cells[1].verdict;
  EXPECT_TRUE(hangs.waits);
  EXPECT_EQ(hangs.sentence(), "hangs: app (c1) waits for ever since 0 s; natgw forgot at 350 s");
  EXPECT_EQ(cells[7].verdict.sentence(), "reset: app (c1) ECONNRESET at 350 s; natgw forgot at 350 s");
  EXPECT_EQ(cells[0].verdict.sentence(), "survives");
}

// S1.4: the client speaks late and is told; with a silent box it is not, and gives up after its retransmissions.
TEST(Sweep, AClientThatSpeaksLateIsResetOrHangs) {
  const Sweep sweep = planned(shipped("S1.4"), {"natgw.late_packet.inside=rst,drop", "idle=349s,350s,351s"});
  const std::vector<Cell> cells = swept(sweep);
  EXPECT_THAT(fates(cells), ElementsAre("survives", "reset", "reset", "survives", "hangs", "hangs"));
  EXPECT_EQ(cells[5].verdict.error, "ETIMEDOUT");
}

// S0.9: the default keepalive of 7200 s comes two hours after the answer was lost, and a sweep waits for it.
TEST(Sweep, PlaysUntilNothingMoreCanCome) {
  const std::vector<Cell> cells = swept(planned(shipped("S1.1"), {"keepalive=2h", "idle=400s"}));
  EXPECT_EQ(cells.at(0).verdict.sentence(), "reset: app (c1) ECONNRESET at 7200 s; natgw forgot at 350 s");
}

TEST(Sweep, AnotherConnectionRecovers) {
  for (const char* const story : {"reconnects", "pool-retries"}) {
    EXPECT_THAT(fates(swept(planned(shipped(story), {"idle=340s,360s"}))), ElementsAre("survives", "recovers"))
        << story;
  }
  EXPECT_THAT(fates(swept(planned(shipped("pool-stale"), {"idle=340s,360s"}))), ElementsAre("survives", "reset"));
}

// What the probe finds after the story is over is nobody's loss.
TEST(Sweep, AConnectionLostAfterTheLastAnswerSurvives) {
  EXPECT_THAT(fates(swept(planned(shipped("reconnects"), {"keepalive=400s", "idle=60s"}))), ElementsAre("survives"));
}

TEST(Sweep, WordsLostWithTheConnectionAreLacking) {
  const Sweep sweep = planned(shipped("S1.4"), {"idle=340s,360s"}, {"steps.0.on_reset=reconnect"});
  EXPECT_THAT(fates(swept(sweep)), ElementsAre("survives", "reset"));
}

TEST(Sweep, AProxyTellsByItsStatus) {
  EXPECT_THAT(fates(swept(planned(shipped("proxy-502"), {"idle=340s,360s"}))), ElementsAre("survives", "reset"));
  const std::vector<Cell> late = swept(planned(shipped("proxy-502"), {"idle=360s"}, {"natgw.late_packet.inside=drop"}));
  EXPECT_EQ(late.at(0).verdict.fate, Fate::kHangs);  // 504 after 29 s
  EXPECT_EQ(late.at(0).verdict.error, "504");
}

TEST(Sweep, ADatagramThatIsLostHangs) {
  const std::vector<Cell> cells = swept(planned(shipped("udp-slow-answer"), {"idle=349s,350s"}));
  EXPECT_THAT(fates(cells), ElementsAre("survives", "hangs"));
  EXPECT_EQ(cells[1].verdict.sentence(),
            "hangs: app (slow) never gets what was sent to it, and nobody is told; natgw forgot at 350 s");
}

TEST(Sweep, APointThatCannotBePlayedIsAnError) {
  const std::vector<Cell> cells = swept(planned(shipped("S1.1"), {"natgw.timeouts.tcp_established=350s,200s"}));
  EXPECT_THAT(fates(cells), ElementsAre("survives", "error"));
  EXPECT_THAT(cells[1].verdict.reason, HasSubstr("natgw.timeouts.tcp_established=200s"));
}

TEST_F(SweptFile, AStepThatPassesTheNextOneIsAnErrorThatNamesItsLine) {
  const std::string path =
      file({R"({ at: 0s, host: app, connect: "api:80", as: c1 })", "{ at: 10s, flow: c1, send: 1 }",
            "{ at: 20s, flow: c1, send: 1 }", "{ at: 50s, stop: true }"});
  const std::vector<Cell> cells = swept(planned(path, {"steps.1.at=15s,25s"}));
  EXPECT_THAT(fates(cells), ElementsAre("survives", "error"));
  EXPECT_THAT(cells[1].verdict.reason, HasSubstr("story.yaml:6:"));
  EXPECT_THAT(cells[1].verdict.reason, HasSubstr("earlier than the step before it (20s)"));
}

TEST_F(SweptFile, TheLastStepMayPassTheEndOfTheStory) {
  const std::string path = file({R"({ at: 0s, host: app, connect: "api:80", as: c1 })",
                                 "{ at: 10s, flow: c1, send: 1 }", "{ at: 50s, stop: true }"});
  EXPECT_THAT(fates(swept(planned(path, {"steps.1.at=349s,351s"}))), ElementsAre("survives", "reset"));
}

TEST(Sweep, IsTheSameOnAnyNumberOfThreads) {
  const Sweep sweep = planned(shipped("S0.11"), {"keepalive=off,300s..360s/10s", "idle=300s..400s/20s"});
  const auto told = [](const std::vector<Cell>& cells) {
    std::vector<std::string> lines;
    for (const Cell& cell : cells) {
      lines.push_back(cell.verdict.sentence() + cell.settings.back());
    }
    return lines;
  };
  const auto alone = told(swept(sweep, 1));
  EXPECT_EQ(alone.size(), 48);
  EXPECT_EQ(told(swept(sweep, 3)), alone);
  EXPECT_EQ(told(swept(sweep, 8)), alone);
}

TEST(Sweep, StopsWhenItIsToldTo) {
  const Sweep sweep = planned(shipped("S1.1"), {"idle=1s..900s/1s"});
  std::atomic<bool> stop{false};
  size_t most = 0;
  EXPECT_THAT(play_sweep(sweep, 1, stop,
                         [&](size_t so_far) {
                           most = so_far;
                           stop = so_far == 3;
                         }),
              IsEmpty());
  EXPECT_EQ(most, 3);
}

// What `lapse sim --set ...` does with a cell's settings.
TEST(Sweep, ACellsSettingsPlayTheSameRunAlone) {
  const Sweep sweep = planned(shipped("S1.1"), {"keepalive=off,349s,360s", "idle=340s,400s"});
  for (const Cell& cell : swept(sweep)) {
    topology::Findings findings;
    const auto scenario = load_scenario(sweep.request.file, cell.settings, findings);
    ASSERT_TRUE(scenario) << testing::PrintToString(findings.errors);
    const auto outcome = play(*scenario, sweep.request.seed);
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(verdict(*scenario, *outcome).sentence(), cell.verdict.sentence());
  }
}

// ---- in words ----

std::string words(std::vector<std::string> vary) {
  const Sweep sweep = planned(shipped("S1.1"), std::move(vary));
  return boundary(sweep, swept(sweep));
}

TEST(Boundary, SaysWhatIsTrueOfEveryRun) {
  EXPECT_EQ(
      words({"keepalive=off,300s,349s,350s", "idle=300s,349s,350s,360s"}),
      "It survives exactly where keepalive is at most 349s (next tried: 350s), or idle is at most 349s (next tried: "
      "350s); everywhere else it is reset or hangs.");
  EXPECT_EQ(words({"idle=300s,400s"}),
            "It survives exactly where idle is at most 300s (next tried: 400s); everywhere else it hangs.");
  EXPECT_EQ(words({"timeout=300s,200s"}),
            "It survives exactly where timeout is at least 300s (next tried: 200s); everywhere else it hangs.");
  EXPECT_EQ(
      words({"timeout=200s,300s", "idle=100s,280s"}),
      "It survives exactly where timeout is at least 300s (next tried: 200s), or idle is at most 100s (next tried: "
      "280s); everywhere else it hangs.");
  EXPECT_EQ(words({"idle=100s"}), "It survives everywhere in this grid.");
  EXPECT_EQ(words({"idle=400s"}), "It survives nowhere in this grid.");
}

TEST(Boundary, SaysNothingWhereTheBorderIsAslant) {
  EXPECT_EQ(words({"timeout=100s,200s,300s", "idle=50s,150s,250s"}), "");
}

}  // namespace
}  // namespace lapse::sim
