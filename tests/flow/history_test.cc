// The judge of the stress test is judged first: what it has to refuse, and what it has to let pass.
#include "tests/flow/history.h"

#include "gtest/gtest.h"

namespace lapse::test {
namespace {

using Kind = Operation::Kind;

TEST(FlowHistory, OneThreadInOrder) {
  EXPECT_EQ(check({{1, 2, 7, Kind::kInserted},
                   {3, 4, 0, Kind::kMissed},
                   {5, 6, 7, Kind::kPublished},
                   {7, 8, 7, Kind::kFound},
                   {9, 10, 0, Kind::kTaken},
                   {11, 12, 7, Kind::kEnded},
                   {13, 14, 0, Kind::kMissed},
                   {15, 16, 8, Kind::kInserted}}),
            "");
}

TEST(FlowHistory, TwoWinners) {
  EXPECT_NE(check({{1, 4, 7, Kind::kInserted}, {2, 3, 8, Kind::kInserted}}), "");
}

TEST(FlowHistory, WhatOverlapsMayBeEitherWayRound) {
  EXPECT_EQ(check({{1, 2, 7, Kind::kInserted}, {3, 6, 7, Kind::kPublished}, {4, 5, 7, Kind::kFound}}), "");
  EXPECT_EQ(check({{1, 2, 7, Kind::kInserted}, {3, 6, 7, Kind::kPublished}, {4, 5, 0, Kind::kMissed}}), "");
  EXPECT_EQ(check({{1, 2, 7, Kind::kInserted}, {3, 8, 7, Kind::kEnded}, {4, 7, 8, Kind::kInserted}}), "");
}

TEST(FlowHistory, WhatDoesNotOverlapMayNot) {
  EXPECT_NE(check({{1, 2, 7, Kind::kInserted}, {3, 4, 7, Kind::kPublished}, {5, 6, 0, Kind::kMissed}}), "");
  EXPECT_NE(check({{1, 2, 7, Kind::kInserted}, {3, 4, 7, Kind::kFound}, {5, 6, 7, Kind::kPublished}}), "");
}

TEST(FlowHistory, TheDeadAreNotFoundAgain) {
  EXPECT_NE(
      check(
          {{1, 2, 7, Kind::kInserted}, {3, 4, 7, Kind::kPublished}, {5, 6, 7, Kind::kEnded}, {7, 8, 7, Kind::kFound}}),
      "");
}

TEST(FlowHistory, AFlowEndsOnce) {
  EXPECT_NE(check({{1, 2, 7, Kind::kInserted}, {3, 6, 7, Kind::kEnded}, {4, 5, 7, Kind::kEnded}}), "");
}

// Two finds in a row that see a flow, then not, then again: each alone has a reason, together they have none.
TEST(FlowHistory, OneThreadDoesNotSeeTheFutureAndThenThePast) {
  EXPECT_NE(check({{1, 2, 7, Kind::kInserted},
                   {3, 20, 7, Kind::kPublished},
                   {4, 5, 7, Kind::kFound},
                   {6, 7, 0, Kind::kMissed}}),
            "");
}

TEST(FlowHistory, ARefusalNeedsAHolderOrAnotherPut) {
  EXPECT_NE(check({{1, 2, 0, Kind::kTaken}}), "");
  EXPECT_EQ(check({{1, 4, 0, Kind::kTaken}, {2, 3, 0, Kind::kTaken}}), "");
  EXPECT_NE(check({{1, 2, 7, Kind::kInserted}, {3, 4, 7, Kind::kEnded}, {5, 6, 0, Kind::kTaken}}), "");
}

}  // namespace
}  // namespace lapse::test
