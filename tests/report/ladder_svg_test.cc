// The ladder as a drawing: well-formed, nothing over anything else, and it says what the text ladder says.
#include "control/report/ladder_svg.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/report/played.h"
#include "tests/report/xml.h"

namespace lapse::report {
namespace {

using story::Stage;
using testing::Contains;
using testing::HasSubstr;

std::string svg_of(const LadderDrawing& ladder) {
  return ladder.drawing.svg(
      {.width = ladder.width, .height = ladder.height, .title = "t", .description = "d", .id = "x"}, true);
}

LadderDrawing drawn(const Stage& stage) {
  return draw_ladders({story::picture_of(stage.only(), stage.directory)});
}

void expect_nothing_overlaps(const LadderDrawing& ladder) {
  const std::vector<TextBox>& texts = ladder.drawing.texts();
  for (size_t one = 0; one < texts.size(); ++one) {
    EXPECT_GE(texts[one].x, 0) << texts[one].text;
    EXPECT_LE(texts[one].x + texts[one].width, ladder.width) << texts[one].text;
    EXPECT_LE(texts[one].y + texts[one].height, ladder.height) << texts[one].text;
    for (size_t other = one + 1; other < texts.size(); ++other) {
      EXPECT_FALSE(texts[one].overlaps(texts[other])) << texts[one].text << " | " << texts[other].text;
    }
  }
}

class EveryLadder : public testing::TestWithParam<std::string> {};

TEST_P(EveryLadder, IsWellFormedAndNothingOverlaps) {
  const ReportedRun run = played(GetParam());
  ASSERT_NE(run.record, nullptr);
  const std::string svg = svg_report(run);
  EXPECT_EQ(xml_errors(svg), "");
  EXPECT_EQ(count_of(svg, "<script"), 0);
  expect_nothing_overlaps(draw_ladders(pictures_of(run)));
}

TEST_P(EveryLadder, IsTheSameTwice) {
  EXPECT_EQ(svg_report(played(GetParam())), svg_report(played(GetParam())));
}

// One model: each label of an arrow in the text ladder's picture is a text here.
TEST_P(EveryLadder, DrawsEachRowOfThePicture) {
  const ReportedRun run = played(GetParam());
  const std::vector<story::Picture> pictures = pictures_of(run);
  const std::string svg = svg_report(run);
  size_t packets = 0;
  size_t silences = 0;
  size_t forgettings = 0;
  for (const story::Picture& picture : pictures) {
    for (const story::PictureRow& row : picture.rows) {
      packets += row.kind == story::RowKind::kPacket ? 1 : 0;
      silences += row.kind == story::RowKind::kSilence ? 1 : 0;
      forgettings += row.forgets ? 1 : 0;
    }
  }
  EXPECT_GT(packets, 0);
  EXPECT_EQ(count_of(svg, "<g class=\"packet\""), packets);
  EXPECT_EQ(count_of(svg, "<g class=\"silence\""), silences);
  EXPECT_EQ(count_of(svg, "<g class=\"forgets\""), forgettings);
}

INSTANTIATE_TEST_SUITE_P(Shipped, EveryLadder, testing::ValuesIn(sim::shipped_scenarios()), test_name);

TEST(LadderSvg, TheMomentOfForgettingIsMarked) {
  Stage stage;
  story::late_answer(stage);
  const std::vector<std::string> texts = xml_texts(svg_of(drawn(stage)), "text");
  EXPECT_THAT(texts, Contains(HasSubstr("forgets the flow after 350 s")));
  EXPECT_THAT(texts, Contains(HasSubstr(" idle")));
}

TEST(LadderSvg, ADroppedPacketSaysItsReasonAtTheBox) {
  Stage stage;
  story::late_answer(stage);
  EXPECT_THAT(xml_texts(svg_of(drawn(stage)), "text"), Contains(HasSubstr("(LATE-DROP)")));
}

// An arrow's label is over the middle of its lane; a box's RST crosses one lane, from the box to who spoke.
TEST(LadderSvg, AResetThatABoxMadeBeginsAtTheBox) {
  Stage stage;
  story::late_client(stage);
  const story::Picture picture = story::picture_of(stage.only(), stage.directory);
  const auto reset = std::find_if(picture.rows.begin(), picture.rows.end(), [](const story::PictureRow& row) {
    return !row.arrows.empty() && row.arrows.front().label == "RST by natgw";
  });
  ASSERT_NE(reset, picture.rows.end());
  EXPECT_EQ(reset->arrows.size(), 1);
  EXPECT_EQ(reset->arrows.front().from, 1);
  EXPECT_EQ(reset->arrows.front().to, 0);
}

// The client was told, the server was not: its lifeline goes on, in vain.
TEST(LadderSvg, LifelinesTellWhoStillBelieves) {
  Stage stage;
  story::late_client(stage);
  const story::Picture picture = story::picture_of(stage.only(), stage.directory);
  using story::Life;
  EXPECT_EQ(picture.rows.back().lives, (std::vector<Life>{Life::kNone, Life::kForgotten, Life::kInVain}));
  const std::string svg = svg_of(drawn(stage));
  EXPECT_THAT(svg, HasSubstr("api believes in what a box forgot"));
  EXPECT_THAT(svg, HasSubstr("natgw forgot the flow"));
}

TEST(LadderSvg, IsNamedForWhoCannotSeeIt) {
  Stage stage;
  story::late_client(stage);
  const std::string svg = svg_of(drawn(stage));
  EXPECT_THAT(svg, HasSubstr("role=\"img\""));
  EXPECT_THAT(svg, HasSubstr("aria-labelledby=\"x-title x-desc\""));
  EXPECT_EQ(xml_texts(svg, "desc"), std::vector<std::string>{"d"});
}

TEST(LadderSvg, HostileAndLongNamesStayInTheirPlace) {
  Stage stage;
  stage.directory.hosts = {{be32(0x0a00010a), "<script>alert(1)</script>&\"'"},
                           {be32(0xcb007150), std::string(300, 'W')}};
  stage.directory.boxes[0].name = "東京の箱 \x01\xff";
  story::late_answer(stage);
  const LadderDrawing ladder = drawn(stage);
  EXPECT_EQ(xml_errors(svg_of(ladder)), "");
  EXPECT_EQ(count_of(svg_of(ladder), "<script"), 0);
  expect_nothing_overlaps(ladder);
}

TEST(LadderSvg, ManyKindsOfRowsDoNotOverlap) {
  for (void (*const scene)(Stage&) :
       {story::late_answer, story::late_client, story::late_probe, story::keepalive, story::quick, story::bulk}) {
    Stage stage;
    scene(stage);
    expect_nothing_overlaps(drawn(stage));
  }
  Stage udp(Protocol::kUdp);
  story::datagrams(udp);
  expect_nothing_overlaps(drawn(udp));
  Stage icmp(Protocol::kIcmp);
  story::ping(icmp);
  expect_nothing_overlaps(drawn(icmp));
}

TEST(LadderSvg, NothingToDrawIsSaid) {
  EXPECT_THAT(xml_texts(svg_of(draw_ladders({})), "text"), Contains("No packet met a box."));
}

}  // namespace
}  // namespace lapse::report
