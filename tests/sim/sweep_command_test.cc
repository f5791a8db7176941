// `lapse sweep` as a person and a CI job call it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "control/cli/command.h"
#include "control/cli/sweep_output.h"
#include "scenario_file.h"

namespace lapse::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

struct Result {
  int status = -1;
  std::string output;
  std::string errors;
};

Result lapse(std::vector<std::string> words) {
  CLI::App app("lapse");
  Context context;
  add_sim(app, context);
  add_sweep(app, context);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  std::reverse(words.begin(), words.end());
  app.parse(std::move(words));
  return {context.status, testing::internal::GetCapturedStdout(), testing::internal::GetCapturedStderr()};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::stringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

class SweepCommand : public sim::ScenarioFile {
 protected:
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  static std::string contents(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
};

TEST_F(SweepCommand, DrawsAMapOnTheTerminal) {
  const Result result = lapse({"sweep", "S1.1", "--vary", "keepalive=off,300s,360s", "--vary", "idle=300s..400s/50s"});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_EQ(result.errors, "");
  EXPECT_EQ(
      result.output,
      "S1.1: what becomes of it, by keepalive and idle\n"
      "It survives exactly where keepalive is at most 300s (next tried: 360s), or idle is at most 300s (next tried: "
      "350s); everywhere else it is reset or hangs.\n"
      "\n"
      "           idle (steps.1.after)\n"
      "keepalive  300s  400s\n"
      "      off  .  H  H\n"
      "     300s  .  .  .\n"
      "     360s  .  R  R\n"
      "\n"
      "  .  survives 5: everybody got everything on the first connection\n"
      "  R  reset 2: an error told a program that its connection is gone\n"
      "  H  hangs 2: somebody waits for ever, gave up after silence, or never learns of it\n");
}

TEST_F(SweepCommand, TheExampleOfTheManualIsPlayedVerbatim) {
  const Result result =
      lapse({"sweep", "S1.1", "--vary", "keepalive=off,60s..600s/30s", "--vary", "idle=60s..900s/30s"});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_THAT(result.output, HasSubstr("survives 390:"));
  EXPECT_THAT(result.output, HasSubstr("reset 171:"));
  EXPECT_THAT(result.output, HasSubstr("hangs 19:"));
}

TEST_F(SweepCommand, NoMapIsWiderThanAHundredColumns) {
  const Result result = lapse({"sweep", "S1.1", "--vary", "keepalive=off,60s", "--vary", "idle=1s..240s/1s"});
  size_t cells = 0;
  for (const std::string& line : lines_of(result.output)) {
    if (line.find("  ") == 7 || line.find("off  ") != std::string::npos) {
      EXPECT_LE(line.size(), 100) << line;
    }
    if (line.starts_with("      off  ")) {
      cells += line.size() - std::string("      off  ").size();
    }
  }
  EXPECT_EQ(cells, 240);
}

// S1.1 to S1.3 and S0.8 as a table.
TEST_F(SweepCommand, WritesALineForEachRun) {
  const Result result = lapse({"sweep", "S1.1", "--vary", "keepalive=off,349s,350s", "--vary", "idle=349s,351s",
                               "--seed", "3", "--csv", file("a.csv")});
  EXPECT_EQ(result.status, kSuccess);
  const std::vector<std::string> lines = lines_of(contents(file("a.csv")));
  ASSERT_THAT(lines, SizeIs(7));
  EXPECT_EQ(lines[0], "keepalive,idle,outcome,program,error,waits,at_s,box,forgot_at_s,reason,command\r");
  EXPECT_THAT(lines[1], StartsWith("off,349s,survives,,,,,,,,lapse sim S1.1 --seed 3 --set steps.0.keepalive.on=off"));
  EXPECT_THAT(lines[2], StartsWith("off,351s,hangs,app (c1),,yes,0.000,natgw,350.000,,lapse sim"));
  EXPECT_THAT(lines[3], StartsWith("349s,349s,survives,"));
  EXPECT_THAT(lines[4], StartsWith("349s,351s,survives,"));
  EXPECT_THAT(lines[5], StartsWith("350s,349s,survives,"));
  EXPECT_THAT(lines[6], StartsWith("350s,351s,reset,app (c1),ECONNRESET,,350.000,natgw,350.000,,lapse sim"));
}

// The command of a cell, and what `lapse sim` then says of the programs.
TEST_F(SweepCommand, ACellsCommandPlaysTheSameRun) {
  const Result swept = lapse({"sweep", "S1.1", "--vary", "keepalive=off,360s", "--vary", "idle=300s,400s", "--json"});
  const auto sweep = nlohmann::json::parse(swept.output);
  ASSERT_THAT(sweep["cells"], SizeIs(4));
  for (const auto& cell : sweep["cells"]) {
    std::vector<std::string> words;
    std::stringstream command(cell["command"].get<std::string>());
    for (std::string word; command >> word;) {
      words.push_back(word);
    }
    ASSERT_EQ(words.front(), "lapse");
    words.erase(words.begin());
    words.emplace_back("--json");
    const auto played = nlohmann::json::parse(lapse(words).output)["scenarios"][0];
    EXPECT_EQ(played["errors"], nlohmann::json::array());
    const auto& client = played["programs"][0];
    const std::string outcome = cell["outcome"];
    EXPECT_EQ(client["received"], outcome == "survives" ? 57 : 0) << cell;
    EXPECT_EQ(!client["waits_since"].is_null(), outcome == "hangs") << cell;
    if (outcome == "reset") {
      EXPECT_EQ(client["error"]["name"], cell["error"]);
      EXPECT_EQ(client["error"]["at"], cell["at"]);
    }
  }
}

TEST_F(SweepCommand, TheSameSweepIsTheSameBytesOnAnyNumberOfThreads) {
  for (const std::string jobs : {"1", "4"}) {
    EXPECT_EQ(
        lapse({"sweep", "S0.11", "--vary", "keepalive=off,300s..360s/20s", "--vary", "idle=300s..400s/25s", "--jobs",
               jobs, "--csv", file(jobs + ".csv"), "--svg", file(jobs + ".svg"), "--html", file(jobs + ".html")})
            .status,
        kSuccess);
  }
  for (const std::string ending : {".csv", ".svg", ".html"}) {
    EXPECT_GT(contents(file("1" + ending)).size(), 1000);
    EXPECT_EQ(contents(file("1" + ending)), contents(file("4" + ending)));
  }
  EXPECT_THAT(contents(file("1.html")), AllOf(HasSubstr("lapse sweep S0.11 --vary keepalive=off,300s..360s/20s"),
                                              HasSubstr("Every run, and the command that plays it alone")));
}

// The README shows this picture beside this command.
TEST_F(SweepCommand, ThePictureOfTheReadmeIsWhatIsDrawn) {
  lapse({"sweep", "S1.1", "--vary", "keepalive=off,60s..600s/60s", "--vary", "idle=60s..900s/60s", "--svg",
         file("a.svg")});
  EXPECT_EQ(contents(file("a.svg")), contents(LAPSE_TEST_TOPOLOGIES "/sweep.svg"));
}

TEST_F(SweepCommand, OneThingThatVariesIsARow) {
  const Result result = lapse({"sweep", "S1.4", "--vary", "idle=340s..360s/5s"});
  EXPECT_THAT(result.output, HasSubstr("\n  .  .  R  R  R\n"));
}

TEST_F(SweepCommand, BadInputIsToldAndNothingIsWritten) {
  for (const auto& [words, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"S9.9", "--vary", "idle=60s"}, "no file and no shipped scenario is called S9.9"},
           {{"S1.1"}, "nothing is varied"},
           {{"S1.1", "--vary", "idle=60s..900s/0s"},
            "--vary idle=60s..900s/0s: the range 60s..900s/0s has a step of zero"},
           {{"S1.1", "--vary", "natgw.timeouts.tcp_establishd=60s,90s"}, "no run of the grid can be played"},
           {{"S1.1", "--vary", "idle=60s", "--set", "steps.0.host=ap"}, "no host of the topology (ap)"}}) {
    std::vector<std::string> all{"sweep"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"--csv", file("none.csv")});
    const Result result = lapse(all);
    EXPECT_EQ(result.status, kBadInput) << message;
    EXPECT_EQ(result.output, "");
    EXPECT_THAT(result.errors, HasSubstr(message));
    EXPECT_FALSE(std::filesystem::exists(file("none.csv")));
  }
}

TEST_F(SweepCommand, WhatCannotBePlayedIsToldAndTheOthersAreDrawn) {
  const Result result = lapse({"sweep", "S1.1", "--vary", "natgw.timeouts.tcp_established=200s,350s"});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_THAT(result.output, HasSubstr("\n  !  .\n"));
  EXPECT_THAT(result.errors, AllOf(HasSubstr("some runs cannot be played"), HasSubstr("tcp_established=200s")));
}

TEST_F(SweepCommand, AFileThatCannotBeWrittenIsNamed) {
  const Result result = lapse({"sweep", "S1.1", "--vary", "idle=60s", "--csv", file("no/such.csv")});
  EXPECT_EQ(result.status, kBadInput);
  EXPECT_THAT(result.errors, HasSubstr("cannot write " + file("no/such.csv")));
}

TEST(SweepCsv, QuotesWhatHasCommasAndQuotes) {
  Swept swept{.name = "a b", .sweep = {}, .cells = {}};
  auto axis = sim::parse_axis("steps.0.keepalive={time: 60s, on: \"on\"}");
  ASSERT_TRUE(axis.ok());
  swept.sweep.axes.push_back(*axis);
  swept.cells.push_back({.verdict = {}, .settings = {}});
  EXPECT_THAT(to_csv(swept),
              HasSubstr("\r\n\"{time: 60s, on: \"\"on\"\"}\",survives,,,,,,,,lapse sim 'a b' --seed 1\r\n"));
}

}  // namespace
}  // namespace lapse::cli
