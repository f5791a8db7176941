// The simulator against the kernel: each story on kernel sockets gives the ladder of the simulation, and meets the same
// expectations. The stories are in live/; what differs is printed row by row.
#include <algorithm>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

class Live : public testing::TestWithParam<const char*> {};

TEST_P(Live, LadderIsTheSimulatedOne) {
  const Finished finished = lapse({"sim", "--live", test_file(std::string("live/") + GetParam() + ".yaml")});
  EXPECT_EQ(finished.status, 0) << finished.output << finished.errors;
  EXPECT_TRUE(finished.output.starts_with("ok ")) << finished.output << finished.errors;
  EXPECT_TRUE(std::filesystem::is_empty(runtime_folder())) << "nothing is left behind";
}
INSTANTIATE_TEST_SUITE_P(, Live,
                         testing::Values("abort", "answer-in-time", "client-closes", "client-keepalive", "client-late",
                                         "client-late-unanswered", "half-close", "late-close", "late-keepalive",
                                         "no-answer-to-syn", "reconnect", "server-closes", "server-keepalive",
                                         "server-late", "silence", "udp", "udp-client-late", "udp-push-late"),
                         [](const auto& story) {
                           std::string name = story.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

// What the kernel cannot do in the time that anybody waits is said before, or when it shows.
TEST(LiveRefusal, AnOddKeepaliveIsNamedWithItsLine) {
  const Finished finished = lapse({"sim", "--live", test_file("live/client-keepalive.yaml"), "--set", "live.scale=30"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_NE(finished.errors.find("client-keepalive.yaml:6: a keepalive's 100 s is no multiple"), std::string::npos)
      << finished.errors;
}

TEST(LiveRefusal, AStoryThatIsNotPlayedLiveSaysWhy) {
  const Finished finished =
      lapse({"sim", "--live", test_file("live/udp.yaml"), "--set", "live={no: because it is a test}"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_NE(finished.errors.find("udp: not played live: because it is a test"), std::string::npos) << finished.errors;
}

// A ladder that is not the simulated one, and an expectation that is not met, are told.
TEST(LiveRefusal, AnExpectationThatIsNotMetFails) {
  const Finished finished = lapse({"sim", "--live", test_file("live/client-late.yaml"), "--set",
                                   "natgw.late_packet=drop", "--set", "steps.3.at=353s"});
  EXPECT_EQ(finished.status, 1) << finished.output << finished.errors;
  EXPECT_NE(finished.output.find("found: error none"), std::string::npos) << finished.output;
}

}  // namespace
}  // namespace lapse::test
