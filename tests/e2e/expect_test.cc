// `lapse lab --expect`: what the run of a real program leaves in the boxes.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

Finished run(const Arguments& expectations, const std::string& idle, const std::string& status = "0") {
  Arguments all{"--name", "expect" + std::to_string(getpid())};
  for (const std::string& expectation : expectations) {
    all.insert(all.end(), {"--expect", expectation});
  }
  all.insert(all.end(), {"--", "python3", test_file("idle_client.py"), program(), idle, status});
  return lapse(lab_arguments(test_file("warp.yaml"), all));
}

bool says(const Finished& finished, const std::string& text) {
  return finished.errors.find(text) != std::string::npos;
}

TEST(LabExpect, MetExpectationsLeaveTheProgramsStatus) {
  const Finished finished = run(
      {"natgw.IdleTimeoutCount == 0", "natgw.ConnectionEstablishedCount>=1", "natgw.ErrorPortAllocation < 1"}, "349s");
  EXPECT_EQ(finished.status, 0) << finished.errors;
}

TEST(LabExpect, WhatIsNotMetIs120AndSaysWhatWasFound) {
  const Finished finished =
      run({"natgw.IdleTimeoutCount == 0", "natgw.ConnectionAttemptCount != 1", "natgw.ConnectionEstablishedCount == 1"},
          "351s");
  EXPECT_EQ(finished.status, 120) << finished.errors;
  EXPECT_TRUE(says(finished, "expected natgw.IdleTimeoutCount == 0")) << finished.errors;
  EXPECT_TRUE(says(finished, "found: IdleTimeoutCount was 1")) << finished.errors;
  EXPECT_TRUE(says(finished, "found: ConnectionAttemptCount was 1")) << finished.errors;
  EXPECT_FALSE(says(finished, "expected natgw.ConnectionEstablishedCount")) << finished.errors;
}

TEST(LabExpect, AProgramThatFailsKeepsItsStatus) {
  const Finished finished = run({"natgw.IdleTimeoutCount == 7"}, "1s", "3");
  EXPECT_EQ(finished.status, 3) << finished.errors;
  EXPECT_TRUE(says(finished, "expected natgw.IdleTimeoutCount == 7")) << finished.errors;
}

TEST(LabExpect, AFileSaysItInTheWordsOfAScenario) {
  const std::string file = std::filesystem::path(runtime_folder()).parent_path() / "expect.yaml";
  std::ofstream(file) << "expect:\n"
                         "  - { box: natgw, event: flow_expired, told: nobody }\n"
                         "  - { never: { event: rst_sent, to: api } }\n"
                         "  - { count: { event: flow_new, box: natgw, equals: 2 } }\n"
                         "  - { box: natgw, metric: IdleTimeoutCount, at_most: 1 }\n"
                         "  - { box: natgw, flows: 3 }\n";
  const Finished finished = run({file}, "351s");
  EXPECT_EQ(finished.status, 120) << finished.errors;
  EXPECT_FALSE(says(finished, "expect.yaml:2")) << finished.errors;
  EXPECT_FALSE(says(finished, "expect.yaml:3")) << finished.errors;
  EXPECT_TRUE(says(finished, "expect.yaml:4)\n       found: 1 time, first at ")) << finished.errors;
  EXPECT_FALSE(says(finished, "expect.yaml:5")) << finished.errors;
  EXPECT_TRUE(says(finished, "expect.yaml:6)\n       found: natgw remembers 0")) << finished.errors;
}

TEST(LabExpect, AnUnknownNameIsNamedBeforeAnythingStarts) {
  const Finished metric = run({"natgw.IdleTimeoutCounts == 0"}, "1s");
  EXPECT_EQ(metric.status, 125);
  EXPECT_TRUE(says(metric, "did you mean IdleTimeoutCount?")) << metric.errors;
  const Finished box = run({"natgv.IdleTimeoutCount == 0"}, "1s");
  EXPECT_EQ(box.status, 125);
  EXPECT_TRUE(says(box, "did you mean natgw?")) << box.errors;
  const Finished without = lapse(lab_arguments(test_file("warp.yaml"), {"--expect", "natgw.IdleTimeoutCount == 0"}));
  EXPECT_EQ(without.status, 125);
  EXPECT_TRUE(says(without, "put -- CMD")) << without.errors;
}

}  // namespace
}  // namespace lapse::test
