#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "control/cli/command.h"

namespace lapse::cli {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct Result {
  int status = -1;
  std::string output;
};

Result lapse(std::vector<std::string> words) {
  CLI::App app("lapse");
  Context context;
  add_check(app, context);
  testing::internal::CaptureStdout();
  std::reverse(words.begin(), words.end());
  app.parse(std::move(words));
  return {context.status, testing::internal::GetCapturedStdout()};
}

class Check : public testing::Test {
 protected:
  Check() {
    std::string pattern = (fs::temp_directory_path() / "lapse-check-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~Check() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }

  fs::path folder_;
};

const std::string kShipped = LAPSE_TEST_TOPOLOGIES "/nat-gateway.yaml";

TEST_F(Check, GoodFileIsOneLine) {
  const Result result = lapse({"check", "nat-gateway"});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_EQ(result.output, kShipped + ": ok (1 box, 2 hosts, 2 links)\n");
}

TEST_F(Check, BadFileTellsEverythingAndOthersAreStillChecked) {
  const std::string bad = write("bad.yaml", "links: { a: { subnet: 10.0.0.0/24, mtu: 9 } }\nhots: {}\n");
  const Result result = lapse({"check", bad, kShipped, "/nonexistent.yaml"});
  EXPECT_EQ(result.status, kBadInput);
  EXPECT_THAT(result.output,
              HasSubstr(bad + ":1:41: links.a.mtu: out of range (9); accepted is a whole number, 576 to 9216"));
  EXPECT_THAT(result.output, HasSubstr(bad + ":2:1: hots: unknown key (hots); did you mean hosts?"));
  EXPECT_THAT(result.output, HasSubstr(bad + ":1:10: links.a: nobody is attached to this link [warning]\n"));
  EXPECT_THAT(result.output, HasSubstr(bad + ": 2 errors, 1 warning\n"));
  EXPECT_THAT(result.output, HasSubstr(kShipped + ": ok (1 box, 2 hosts, 2 links)\n"));
  EXPECT_THAT(result.output,
              HasSubstr("/nonexistent.yaml: no file and no shipped topology is called /nonexistent.yaml"));
}

TEST_F(Check, WarningAloneIsStillOk) {
  const std::string file = write("w.yaml", "links: { a: { subnet: 10.0.0.0/24 } }\n");
  const Result result = lapse({"check", file});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_THAT(result.output, HasSubstr(file + ": ok (0 boxes, 0 hosts, 1 link), 1 warning\n"));
}

TEST_F(Check, JsonHasTheFindingsInParts) {
  const std::string bad = write("bad.yaml", "links: { a: { subnet: 10.0.0.0 } }\nname: \"\xff\"\n");
  const Result result = lapse({"check", "--json", bad, "nat-gateway"});
  EXPECT_EQ(result.status, kBadInput);
  const auto json = nlohmann::json::parse(result.output);
  ASSERT_EQ(json["files"].size(), 2U);
  const auto& error = json["files"][0]["errors"][0];
  EXPECT_EQ(error["file"], bad);
  EXPECT_EQ(error["line"], 1);
  EXPECT_EQ(error["column"], 23);
  EXPECT_EQ(error["key"], "links.a.subnet");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("the prefix length is missing (10.0.0.0)"));
  EXPECT_EQ(json["files"][0]["errors"].size(), 2U);
  EXPECT_EQ(json["files"][0]["ok"], false);
  EXPECT_EQ(json["files"][1]["ok"], true);
  EXPECT_EQ(json["files"][1]["hosts"], 2);
}

TEST_F(Check, SettingsAreApplied) {
  const Result result = lapse({"check", "nat-gateway", "--set", "natgw.capacity=0"});
  EXPECT_EQ(result.status, kBadInput);
  EXPECT_THAT(result.output, HasSubstr("--set natgw.capacity=0: boxes.natgw.capacity: out of range (0)"));
}

TEST_F(Check, EffectiveNamesTheLineTheSettingOrTheReference) {
  const Result result = lapse({"check", "nat-gateway", "--effective", "--set", "natgw.capacity=1000"});
  EXPECT_EQ(result.status, kSuccess);
  const auto row = [&](const std::string& key) {
    const size_t at = result.output.find("\n" + key + " ");
    EXPECT_NE(at, std::string::npos) << key;
    return at == std::string::npos ? "" : result.output.substr(at + 1, result.output.find('\n', at + 1) - at - 1);
  };
  EXPECT_THAT(row("links.private.subnet"), testing::MatchesRegex("links.private.subnet +10.0.1.0/24 +line 13"));
  EXPECT_THAT(row("boxes.natgw.capacity"), testing::EndsWith("--set natgw.capacity=1000"));
  EXPECT_THAT(row("boxes.natgw.timeouts.tcp_established"),
              testing::EndsWith("default; 1: NAT gateway, TCP connection; documented"));
  EXPECT_THAT(row("boxes.natgw.late_packet.inside"), HasSubstr("default; 2.1 L1: "));
  EXPECT_THAT(row("boxes.natgw.late_packet.outside"), HasSubstr("default; 12 C-1: "));
  EXPECT_THAT(row("boxes.natgw.ports_per_destination"),
              testing::EndsWith("fixed; 3.1: Simultaneous connections; documented"));
  EXPECT_THAT(row("links.private.loss"), testing::EndsWith("default; our choice"));
  EXPECT_EQ(row("boxes.natgw.capacity").find("1000"), row("links.private.subnet").find("10.0.1.0/24")) << "columns";
}

TEST_F(Check, PathsAreDrawn) {
  const Result result = lapse({"check", "nat-gateway", "--paths"});
  EXPECT_EQ(result.status, kSuccess);
  EXPECT_THAT(result.output, HasSubstr("\napp > natgw > api, and back\napi cannot open to app: natgw translates\n"));
}

// The picture shows what the error is about.
TEST_F(Check, PathsOfAFileThatIsWrongInThemAreDrawnAllTheSame) {
  const std::string file = write("w.yaml",
                                 "links: { a: { subnet: 10.0.0.0/24 }, b: { subnet: 10.0.1.0/24 } }\n"
                                 "hosts: { x: { link: a, address: 10.0.0.1 }, y: { link: b, address: 10.0.1.1 } }\n");
  const Result result = lapse({"check", file, "--paths"});
  EXPECT_EQ(result.status, kBadInput);
  EXPECT_THAT(result.output, HasSubstr("hosts.y: no route exists between y and x"));
  EXPECT_THAT(result.output, HasSubstr("x cannot open to y: x has no route to 10.0.1.1\n"));
}

TEST_F(Check, JsonHasSettingsAndPathsWhereTheyAreAskedFor) {
  const auto both = nlohmann::json::parse(lapse({"check", "--json", "--effective", "--paths", "nat-gateway"}).output);
  const auto& file = both["files"][0];
  EXPECT_EQ(file["paths"][0]["picture"], "app > natgw > api, and back");
  EXPECT_EQ(file["paths"][0]["back"], (std::vector<std::string>{"api", "natgw", "app"}));
  EXPECT_EQ(file["paths"][0]["seen_as"], "203.0.113.10");
  EXPECT_EQ(file["paths"][1]["opens"], false);
  EXPECT_EQ(file["paths"][1]["reason"], "natgw translates");
  const auto& settings = file["effective"];
  const auto at = [&](const std::string& key) {
    return *std::find_if(settings.begin(), settings.end(), [&](const auto& one) { return one["key"] == key; });
  };
  EXPECT_EQ(at("start_at")["from"], "file");
  EXPECT_EQ(at("start_at")["line"], 11);
  EXPECT_EQ(at("boxes.natgw.timeouts.udp")["from"], "default");
  EXPECT_EQ(at("boxes.natgw.timeouts.udp")["confidence"], "reported");
  EXPECT_EQ(at("boxes.natgw.timeouts.udp")["reference"], "1: NAT gateway, UDP flow");
  EXPECT_TRUE(at("boxes.natgw.capacity")["reference"].is_null());
  const auto none = nlohmann::json::parse(lapse({"check", "--json", "nat-gateway"}).output);
  EXPECT_FALSE(none["files"][0].contains("effective"));
  EXPECT_FALSE(none["files"][0].contains("paths"));
}

TEST_F(Check, HelpFitsAScreenAndHasAnExample) {
  CLI::App app("lapse");
  Context context;
  add_check(app, context);
  const std::string help = app.get_subcommand("check")->help();
  EXPECT_LE(std::count(help.begin(), help.end(), '\n'), 24);
  EXPECT_THAT(help, HasSubstr("lapse check my-network.yaml"));
}

}  // namespace
}  // namespace lapse::cli
