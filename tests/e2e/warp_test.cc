// Unmodified programs at 50 times the speed, through real kernels.
#include <chrono>
#include <string>

#include "gtest/gtest.h"

#include "control/exit_status.h"
#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

// client.py in a lab of its own. 'arguments' are the client's.
Finished warped(const Arguments& options, const Arguments& arguments) {
  const std::string folder = test_file("");
  Arguments all{"--name", "warp" + std::to_string(getpid()), "--warp", "50"};
  all.insert(all.end(), options.begin(), options.end());
  all.insert(all.end(), {"--", "python3", folder + "client.py"});
  all.insert(all.end(), arguments.begin(), arguments.end());
  return lapse(lab_arguments(folder + "warp.yaml", all));
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  const size_t start = text.find_last_of('\n', end);
  return text.substr(start + 1, end - start);
}

// S0.3: an answer after 340 s arrives.
TEST(Warp, AnAnswerBeforeTheTimeoutArrives) {
  const Finished run = warped({}, {"0", "340"});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(run.output, "answered\n");
}

// S0.1: the answer after 363 s is dropped and the client hangs until somebody ends it.
TEST(Warp, AnAnswerAfterTheTimeoutNeverArrives) {
  const auto start = std::chrono::steady_clock::now();
  const Finished run = warped({"--limit", "10s"}, {"0", "363"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));
  EXPECT_EQ(run.status, kTimeLimit) << run.errors;
  EXPECT_NE(last_line(run.errors).find("natgw forgot"), std::string::npos) << run.errors;
}

// S0.2 with 60 s instead of 349 s: the probes keep the flow.
TEST(Warp, Keepalive60sBringsTheAnswer) {
  const Finished run = warped({}, {"0", "363", "60"});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(run.output, "answered\n");
}

// S1.3: for three timeouts.
TEST(Warp, Keepalive60sHoldsAFlowForThreeTimeouts) {
  const Finished run = warped({}, {"1055", "0", "60"});
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_EQ(run.output, "answered\n");
}

// S0.8: the first probe comes too late and meets a RST.
TEST(Warp, Keepalive400sIsReset) {
  const Finished run = warped({}, {"500", "0", "400"});
  EXPECT_EQ(run.status, 1) << run.errors;
  EXPECT_NE(run.errors.find("ECONNRESET"), std::string::npos) << run.errors;
}

// S1.4: the client speaks after the timeout.
TEST(Warp, AQuestionAfter351sIsReset) {
  const Finished run = warped({}, {"351", "0"});
  EXPECT_EQ(run.status, 1) << run.errors;
  EXPECT_NE(run.errors.find("ECONNRESET"), std::string::npos) << run.errors;
  EXPECT_NE(last_line(run.errors).find("natgw forgot"), std::string::npos) << run.errors;
}

// What whole seconds and the kernel's timer cannot tell apart is not guessed.
TEST(Warp, Keepalive349sIsUndecided) {
  const Finished run = warped({}, {"1", "0", "349"});
  EXPECT_EQ(run.output, "answered\n") << run.errors;
  EXPECT_EQ(run.status, kVerdictFailed);
  EXPECT_NE(run.errors.find("undecided"), std::string::npos) << run.errors;
}

}  // namespace
}  // namespace lapse::test
