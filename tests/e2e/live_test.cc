// The simulator against the kernel: each story on kernel sockets gives the ladder of the simulation, and meets the same
// expectations. The stories are in live/; what differs is printed row by row.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>

#include "gtest/gtest.h"

#include "tests/e2e/harness.h"

namespace lapse::test {
namespace {

std::string story(const std::string& name) {
  return test_file("live/" + name + ".yaml");
}

Arguments live_arguments(Arguments stories) {
  stories.insert(stories.begin(), {"sim", "--live"});
  if (workers() > 1) {
    stories.insert(stories.end(), {"--workers", std::to_string(workers())});
  }
  return stories;
}

// All rows are right, and one came at another time: so it is where something else held the processors for longer than the
// tolerance. A difference of the simulator's own is there each time.
bool was_only_late(const std::string& output) {
  return output.find(" is at another time") != std::string::npos && output.find("expected {") == std::string::npos;
}

void expect_the_simulated_ladder(const std::string& name, int status, std::string output) {
  constexpr int kMorePlays = 2;
  for (int play = 0; play < kMorePlays && status != 0 && was_only_late(output); ++play) {
    std::printf("%s was late, and is played again:\n%s\n", name.c_str(), output.c_str());
    Finished again = lapse(live_arguments({story(name)}));
    status = again.status;
    output = again.output + again.errors;
  }
  EXPECT_EQ(status, 0) << name << "\n" << output;
  EXPECT_TRUE(output.starts_with("ok ")) << name << "\n" << output;
}

// What takes its real time waits most of it: stories of this sort are played at once.
void play_at_once(const std::vector<std::string>& names) {
  std::vector<std::unique_ptr<Process>> plays;
  for (const std::string& name : names) {
    Arguments arguments = live_arguments({story(name)});
    arguments.insert(arguments.begin(), program());
    plays.push_back(std::make_unique<Process>(arguments, runtime_folder() + "-" + name + ".errors"));
  }
  for (size_t at = 0; at < names.size(); ++at) {
    const std::string output = plays[at]->read_all();
    expect_the_simulated_ladder(names[at], plays[at]->wait(), output);
  }
  EXPECT_TRUE(std::filesystem::is_empty(runtime_folder())) << "nothing is left behind";
}

class Live : public testing::TestWithParam<const char*> {};

TEST_P(Live, LadderIsTheSimulatedOne) {
  const Finished finished = lapse(live_arguments({story(GetParam())}));
  expect_the_simulated_ladder(GetParam(), finished.status, finished.output + finished.errors);
  EXPECT_TRUE(std::filesystem::is_empty(runtime_folder())) << "nothing is left behind";
}
INSTANTIATE_TEST_SUITE_P(, Live,
                         testing::Values("abort", "answer-in-time", "client-closes", "client-late", "half-close",
                                         "late-close", "pool", "proxy", "reconnect", "server-aborts", "server-closes",
                                         "silence", "udp", "udp-client-late", "udp-push-late"),
                         [](const auto& story) {
                           std::string name = story.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(LiveInRealTime, KeepaliveAndRetransmission) {
  play_at_once({"client-keepalive", "server-keepalive", "server-late", "no-answer-to-syn"});
}

// Once is enough for what takes longest.
TEST(LiveInRealTime, BackoffGivingUpAndTimeWait) {
  if (!is_root() || workers() > 1) {
    GTEST_SKIP() << "played as root, with one worker";
  }
  play_at_once({"backoff", "time-wait", "server-time-wait"});
  play_at_once({"client-keepalive-dead", "server-keepalive-dead", "late-keepalive", "client-late-unanswered"});
  play_at_once({"gives-up-orphan", "gives-up-retries", "gives-up-syn", "gives-up-syn-user-timeout"});
  play_at_once({"gives-up-user-timeout", "half-close-late", "server-late-close"});
}

// What the kernel cannot do in the time that anybody waits is said before, or when it shows.
TEST(LiveRefusal, AnOddKeepaliveIsNamedWithItsLine) {
  const Finished finished = lapse({"sim", "--live", story("client-keepalive"), "--set", "live.scale=30"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_NE(finished.errors.find("client-keepalive.yaml:6: not played live: a keepalive's 100 s is no multiple"),
            std::string::npos)
      << finished.errors;
}

TEST(LiveRefusal, AStoryThatIsNotPlayedLiveSaysWhy) {
  const Finished finished = lapse({"sim", "--live", story("udp"), "--set", "live={no: because it is a test}"});
  EXPECT_EQ(finished.status, 3);
  EXPECT_NE(finished.errors.find("udp: not played live: because it is a test"), std::string::npos) << finished.errors;
}

// A ladder that is not the simulated one, and an expectation that is not met, are told.
TEST(LiveRefusal, AnExpectationThatIsNotMetFails) {
  const Finished finished =
      lapse({"sim", "--live", story("client-late"), "--set", "natgw.late_packet=drop", "--set", "steps.3.at=353s"});
  EXPECT_EQ(finished.status, 1) << finished.output << finished.errors;
  EXPECT_NE(finished.output.find("found: error none"), std::string::npos) << finished.output;
}

// ---- what goes wrong on the way ----

// The processes that run the program as 'word': those of a live lab.
std::vector<pid_t> processes_with(const std::string& word) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) {
      std::ifstream file(entry.path() / "cmdline");
      std::string line((std::istreambuf_iterator<char>(file)), {});
      std::replace(line.begin(), line.end(), '\0', ' ');
      if (line.find(word) != std::string::npos) {
        found.push_back(std::stoi(name));
      }
    }
  }
  return found;
}

// A play that waits for 26 s in real time, and has come to the point where its hosts are at work.
struct LongPlay {
  LongPlay() : process({program(), "sim", "--live", story("backoff")}, errors) {
    const std::string mark = "live-endpoint " + runtime_folder();
    for (int round = 0; round < 1000 && endpoints.size() < 2; ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      endpoints = processes_with(mark);
    }
    EXPECT_EQ(endpoints.size(), 2U) << "one on each host";
  }
  const std::string errors = runtime_folder() + "-play.errors";
  Process process;
  std::vector<pid_t> endpoints;
};

TEST(LiveFault, AnInterruptedPlayLeavesNothingBehind) {
  for (const int signal : {SIGINT, SIGTERM}) {
    LongPlay play;
    play.process.signal(signal);
    EXPECT_EQ(play.process.wait(), 128 + signal);
    EXPECT_TRUE(std::filesystem::is_empty(runtime_folder())) << "when the command has ended, its lab has, too";
    EXPECT_TRUE(processes_with("live-endpoint " + runtime_folder()).empty());
  }
}

TEST(LiveFault, AnEndpointThatDiesIsNamed) {
  LongPlay play;
  ASSERT_EQ(kill(play.endpoints.front(), SIGKILL), 0);
  EXPECT_EQ(play.process.wait(), 3);
  std::ifstream file(play.errors);
  const std::string errors((std::istreambuf_iterator<char>(file)), {});
  EXPECT_NE(errors.find("the endpoint on a"), std::string::npos) << errors;
  EXPECT_TRUE(std::filesystem::is_empty(runtime_folder()));
}

}  // namespace
}  // namespace lapse::test
