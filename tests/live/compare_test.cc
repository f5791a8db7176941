// Two plays of a story are the same picture when who speaks, what it says and what boxes do are, at about the same times.
#include "control/story/compare.h"

#include "gtest/gtest.h"

#include "control/topology/loader.h"
#include "sim/scenario/runner.h"
#include "tests/story/stage.h"

namespace lapse::story {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// The first conversation of a shipped story, played in virtual time.
struct Played {
  explicit Played(const std::string& name, const std::vector<std::string>& settings = {}) {
    topology::Findings findings;
    const auto path = sim::locate_scenario(std::string(LAPSE_SOURCE_ROOT) + "/topologies/scenarios/" + name + ".yaml");
    const auto scenario = sim::load_scenario(*path, settings, findings);
    EXPECT_TRUE(scenario.has_value()) << findings.errors.front();
    directory = topology::make_directory(scenario->topology);
    conversation = sim::play(*scenario, 1)->conversations.front();
  }
  topology::Directory directory;
  Conversation conversation;
};

std::string difference(const Played& one, const Played& other, Duration at_least, double share = 0) {
  return first_difference(one.conversation, other.conversation, one.directory, {at_least, share}, {"one", "other"});
}

TEST(Compare, APlayIsLikeItself) {
  EXPECT_EQ(difference(Played("S1.4"), Played("S1.4"), Duration{}), "");
}

TEST(Compare, WhatABoxDoesIsComparedRowByRow) {
  const std::string text = difference(Played("S1.4"), Played("S1.4", {"natgw.late_packet=drop"}), seconds(1));
  EXPECT_NE(text.find("differs"), std::string::npos) << text;
  EXPECT_NE(text.find("dropped LATE-DROP"), std::string::npos) << text;
}

TEST(Compare, LengthsAreCompared) {
  const std::string text = difference(Played("S1.4"), Played("S1.4", {"steps.2.send=6"}), seconds(1));
  EXPECT_NE(text.find("P. 5"), std::string::npos) << text;
  EXPECT_NE(text.find("P. 6"), std::string::npos) << text;
}

TEST(Compare, TimesMayDifferByTheTolerance) {
  const Played one("S1.4");
  const Played later("S1.4", {"steps.2.at=351200ms"});
  EXPECT_EQ(difference(one, later, milliseconds(300)), "");
  EXPECT_NE(difference(one, later, milliseconds(100)).find("at another time"), std::string::npos);
  EXPECT_EQ(difference(one, later, Duration{}, 0.5), "") << "a share of the silence before";
}

// The kernel of a server that answers at once lets the answer carry the acknowledgement; of one that is late it does not.
TEST(Compare, OfALateProgramTheAcknowledgementMayTravelAlone) {
  const Played prompt("S1.4", {"steps.1.after=0s"});
  const Played late("S1.4", {"steps.1.after=60ms"});
  EXPECT_EQ(difference(prompt, late, milliseconds(300)), "");
  EXPECT_NE(difference(prompt, late, milliseconds(10)), "") << "not within the tolerance";
}

struct Said {
  double at = 0;
  bool by_app = true;
  Words words;
};
constexpr Words kBareAck{kTcpAck, 1001, 0};
constexpr Words kRequest{kTcpPsh | kTcpAck, 1001, 120};
constexpr Words kMore{kTcpPsh | kTcpAck, 1121, 80};
constexpr Words kAnswersAck{kTcpAck, 5001, 0};

Conversation after_syn_ack(const std::vector<Said>& all) {
  Stage stage;
  stage.at(1).app_opens({kTcpSyn, 1000, 0}).api_says({kTcpSyn | kTcpAck, 5000, 0});
  for (const Said& said : all) {
    stage.at(said.at);
    said.by_app ? stage.app_says(said.words) : stage.api_says(said.words);
  }
  return stage.only();
}

std::string difference(const std::vector<Said>& one, const std::vector<Said>& other) {
  return first_difference(after_syn_ack(one), after_syn_ack(other), nat_directory(), {milliseconds(300), 0},
                          {"one", "other"});
}

// A kernel with two queues to a box may let them overtake each other.
TEST(Compare, AnAcknowledgementMayComeRightAfterItsPacketInsteadOfBefore) {
  const std::vector<Said> before = {{1.01, true, kBareAck}, {1.02, true, kRequest}, {1.03, false, kAnswersAck}};
  const std::vector<Said> after = {{1.01, true, kRequest}, {1.02, true, kBareAck}, {1.03, false, kAnswersAck}};
  EXPECT_EQ(difference(before, after), "");
  EXPECT_EQ(difference(after, before), "");
}

TEST(Compare, AnAcknowledgementFarBehindItsPacketDiffers) {
  const std::vector<Said> before = {{1.01, true, kBareAck}, {1.02, true, kRequest}};
  EXPECT_NE(difference(before, {{1.01, true, kRequest}, {1.52, true, kBareAck}}), "");
  EXPECT_NE(
      difference({{1.01, true, kBareAck}, {1.52, true, kRequest}}, {{1.01, true, kRequest}, {1.02, true, kBareAck}}),
      "")
      << "and the packet comes too early";
}

TEST(Compare, AnAcknowledgementThatNeverComesDiffers) {
  EXPECT_NE(difference({{1.01, true, kBareAck}, {1.02, true, kRequest}}, {{1.01, true, kRequest}}), "");
  EXPECT_NE(difference({{1.01, true, kRequest}}, {{1.01, true, kRequest}, {1.02, true, kBareAck}}), "");
}

TEST(Compare, PacketsWithDataInAnotherOrderDiffer) {
  EXPECT_NE(difference({{1.01, true, kRequest}, {1.01, true, kMore}}, {{1.01, true, kMore}, {1.01, true, kRequest}}),
            "");
}

TEST(Compare, PacketsOfDifferentSendersInAnotherOrderDiffer) {
  EXPECT_NE(difference({{1.01, true, kRequest}, {1.01, false, kAnswersAck}},
                       {{1.01, false, kAnswersAck}, {1.01, true, kRequest}}),
            "");
}

TEST(Compare, APlayThatEndsEarlierDiffers) {
  const std::string text = difference(Played("S1.4"), Played("S1.4", {"steps.3.at=351s"}), Duration{});
  EXPECT_EQ(text, "") << "nothing happens in between";
  EXPECT_NE(difference(Played("S1.4"), Played("S1.5"), Duration{}).find("nothing more"), std::string::npos);
}

}  // namespace
}  // namespace lapse::story
