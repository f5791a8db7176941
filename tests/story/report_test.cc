#include "control/story/report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/story/scenes.h"

namespace lapse::story {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string last_line(const std::string& text) {
  const size_t start = text.rfind('\n', text.size() - 2);
  return text.substr(start + 1, text.size() - start - 2);
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

// S0.1
TEST(Report, TheLastLineSaysWhoForgotWhatAndWhoWasTold) {
  Stage stage;
  late_answer(stage);
  const std::string text = report(stage.recorder, stage.directory);
  EXPECT_EQ(
      last_line(text),
      "natgw forgot tcp app:40000 > api:8080 after 350 s of silence (timeout tcp_established); app and api were not "
      "told; api's answer at 363.0 s was dropped.");
  EXPECT_THAT(text, HasSubstr("LATE-DROP"));
}

// S1.4
TEST(Report, AResetIsNamedAsTheAnswer) {
  Stage stage;
  late_client(stage);
  EXPECT_EQ(
      verdict(stage.recorder, stage.directory).sentence,
      "natgw forgot tcp app:40000 > api:8080 after 350 s of silence (timeout tcp_established); app and api were not "
      "told; app's data at 351.0 s was answered with a RST.");
}

// S1.5: expiry alone.
TEST(Report, AnExpiryThatNobodyNoticedIsOneToo) {
  Stage stage;
  request(stage);
  stage.at(362.503).expires(350, TimeoutClass::kTcpEstablished);
  EXPECT_EQ(
      verdict(stage.recorder, stage.directory).sentence,
      "natgw forgot tcp app:40000 > api:8080 after 350 s of silence (timeout tcp_established); app and api were not "
      "told.");
}

// S0.2, and the expiry of a closed connection's record is no forgetting.
TEST(Report, AConnectionThatWasClosedWasNotForgotten) {
  Stage stage;
  keepalive(stage);
  stage.at(500).expires(120, TimeoutClass::kTcpClosed);
  const Verdict result = verdict(stage.recorder, stage.directory);
  EXPECT_FALSE(result.forgot);
  EXPECT_EQ(result.sentence, "No box forgot a connection.");
  EXPECT_THAT(stage.ladder(), Not(HasSubstr("forgets")));
  EXPECT_EQ(last_line(report(stage.recorder, stage.directory)), "No box forgot a connection.");
}

TEST(Report, TheVerdictHasAFormForPrograms) {
  Stage stage;
  late_client(stage);
  const nlohmann::json json = verdict(stage.recorder, stage.directory).json;
  EXPECT_EQ(json["forgot"], true);
  EXPECT_EQ(json["box"], "natgw");
  EXPECT_EQ(json["flow"], "natgw/17.3");
  EXPECT_EQ(json["timeout"], 350.0);
  EXPECT_EQ(json["timeout_class"], "tcp_established");
  EXPECT_EQ(json["not_told"], nlohmann::json({"app", "api"}));
  EXPECT_EQ(json["still_believe"], nlohmann::json({"api"}));
  EXPECT_EQ(json["late"][0]["who"], "app");
  EXPECT_EQ(json["late"][0]["after"], 351.003);
  EXPECT_EQ(json["virtual_time"], 362.503);
}

TEST(Report, AtMostThreeLaddersAndAllAreCounted) {
  Stage stage;
  for (uint16_t client = 0; client < 5; ++client) {
    stage.original.source_port = be16(static_cast<uint16_t>(40000 + client));
    stage.nat_port = be16(static_cast<uint16_t>(51000 + client));
    stage.generation = client;
    late_client(stage);
  }
  const std::string text = report(stage.recorder, stage.directory);
  EXPECT_EQ(count_of(text, "who still believes"), 3u);
  EXPECT_THAT(text, HasSubstr("5 connections were forgotten"));
}

TEST(Report, WithoutForgettingTheBusiestIsShown) {
  Stage stage;
  quick(stage);
  stage.original.source_port = be16(40001);
  stage.nat_port = be16(51235);
  stage.at(20).app_opens({kTcpSyn, 1, 0});
  const std::string text = report(stage.recorder, stage.directory);
  EXPECT_EQ(count_of(text, "who still believes"), 1u);
  EXPECT_THAT(text, HasSubstr("tcp app:40000 > api:8080"));
}

TEST(Report, NothingAtAllIsSaid) {
  const Stage stage;
  EXPECT_EQ(report(stage.recorder, stage.directory), "No packet met a box.\n\nNo box forgot a connection.\n");
}

}  // namespace
}  // namespace lapse::story
