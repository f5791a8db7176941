#include <algorithm>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "gmock/gmock.h"

#include "control/cli/command.h"
#include "control/cli/ctl_print.h"
#include "tests/api/api_bench.h"

namespace lapse::cli {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

struct Printed {
  int status = -1;
  std::string out;
  std::string error;
};

Printed run(std::vector<std::string> words) {
  CLI::App app("test", "lapse");
  Context context;
  add_ctl(app, context);
  words.insert(words.begin(), "ctl");
  std::reverse(words.begin(), words.end());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Printed printed;
  try {
    app.parse(words);
    printed.status = context.status;
  } catch (const CLI::ParseError& error) {
    app.exit(error);
  }
  printed.out = testing::internal::GetCapturedStdout();
  printed.error = testing::internal::GetCapturedStderr();
  return printed;
}

// A fake instance that the registry knows.
class Ctl : public testing::Test {
 protected:
  void SetUp() override {
    setenv("LAPSE_RUNTIME_DIR", folder_.path().c_str(), 1);
    std::filesystem::create_directories(folder_ / "nat-gateway");
    lock_ = open((folder_ / "nat-gateway/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ASSERT_EQ(flock(lock_, LOCK_EX | LOCK_NB), 0);
    auto started =
        api::Server::start(instance_, {.name = "nat-gateway", .socket_path = folder_ / "nat-gateway/control.sock"});
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }
  void TearDown() override {
    server_.reset();
    close(lock_);
    unsetenv("LAPSE_RUNTIME_DIR");
  }
  void play() {
    for (const Event& event : api::late_answer_events()) {
      instance_.tell(event);
    }
  }

  api::Folder folder_;
  int lock_ = -1;
  api::FakeInstance instance_;
  std::unique_ptr<api::Server> server_;
};

TEST_F(Ctl, FlowsAreATable) {
  EXPECT_EQ(run({"flows"}).out, "no flows\n");
  instance_.add_flow(std::chrono::seconds(100), true);
  EXPECT_EQ(run({"flows"}).out,
            "FLOW        ORIGINAL                  SEEN OUTSIDE AS     STATE           IDLE     LEFT\n"
            "natgw/17.3  tcp app:40000 > api:8080  203.0.113.10:51234  established  100.0 s  250.0 s\n");
  EXPECT_EQ(json::parse(run({"flows", "--json"}).out)[0]["flow"], "natgw/17.3");
  const Printed bad = run({"flows", "--box", "fw"});
  EXPECT_EQ(bad.status, kBadInput);
  EXPECT_EQ(bad.error, "lapse ctl: box: fw is not accepted; give one of natgw\n");
}

TEST_F(Ctl, MetricsAreATableOfTheProvidersNames) {
  const std::string out = run({"metrics"}).out;
  EXPECT_THAT(out, testing::StartsWith("natgw (nat-gateway), in 100.0 s of virtual time:\n"
                                       "METRIC                      VALUE  UNIT   MEANING\n"
                                       "ActiveConnectionCount         101  Count  TCP connections that are"));
  EXPECT_THAT(out, HasSubstr("\nPeakPacketsPerSecond          116  Count  received from both sides, the highest"));
  EXPECT_EQ(run({"metrics", "--box", "natgw"}).out, out);
  const json boxes = json::parse(run({"metrics", "--json"}).out);
  EXPECT_EQ(boxes[0]["name"], "natgw");
  EXPECT_EQ(boxes[0]["metrics"][15]["value"], 116);
  const Printed bad = run({"metrics", "--box", "fw"});
  EXPECT_EQ(bad.status, kBadInput);
  EXPECT_EQ(bad.error, "lapse ctl: box: fw is not accepted; give one of natgw\n");
}

TEST_F(Ctl, StatusFitsAScreen) {
  const Printed printed = run({"status"});
  EXPECT_EQ(printed.status, kSuccess);
  EXPECT_THAT(printed.out, AllOf(HasSubstr("nat-gateway: topology nat-gateway, virtual time 100.0 s"),
                                 HasSubstr("natgw dropped: LATE-DROP 3"), HasSubstr("lapse0")));
  EXPECT_EQ(json::parse(run({"status", "--json"}).out)["boxes"][0]["name"], "natgw");
}

TEST_F(Ctl, StatusShowsPortsAndWorkers) {
  const std::string out = run({"status"}).out;
  EXPECT_THAT(out,
              HasSubstr("PORT     DRIVER     STATE         QUEUES  RX DESC  TX DESC    MTU  FRAMES ARE SPREAD BY"));
  EXPECT_THAT(out, HasSubstr("private  net_ixgbe  up 10 Gbit/s       2    1,024    1,024  1,500  "
                             "receive hash of the device (ipv4, ipv4-tcp)  fast free\n"
                             "  private: 3 workers and 2 queues: net_ixgbe has no more\n"
                             "  private does without: segmentation\n"));
  EXPECT_THAT(out, HasSubstr("WORKER  CORE  STATE              PACKETS  HANDED  PACKETS/BURST  CYCLES/PACKET  DROPPED\n"
                             "     0     3  polling                  8       2            2.0          250.0        3\n"
                             "     1   any  asleep                   0       0              -              -        0\n"
                             "     2     5  STALLED for 1.5 s        0       0              -              -        0\n"
                             "  worker 0 dropped: LATE-DROP 3\n"));
  EXPECT_THAT(out, HasSubstr("  private: delay 50 ms, loss 1%; seed 0000000000000abc; under way 3\n"));
  const json status = json::parse(run({"status", "--json"}).out);
  EXPECT_EQ(status["links"][0]["impairments"]["delay"], 0.05);
  const json& port = status["links"][0]["port"];
  EXPECT_EQ(port["queues"], 2);
  EXPECT_EQ(port["rss"]["fields"], "ipv4, ipv4-tcp");
  EXPECT_EQ(port["offloads"], json({"fast free"}));
  const json& workers = status["workers"];
  EXPECT_EQ(workers[0]["cycles_per_packet"], 250.0);
  EXPECT_EQ(workers[0]["packets_per_burst"], 2.0);
  EXPECT_EQ(workers[0]["dropped"]["LATE-DROP"], 3);
  EXPECT_EQ(workers[1]["state"], "asleep");
  EXPECT_TRUE(workers[1]["cycles_per_packet"].is_null());
  EXPECT_EQ(workers[2]["state"], "stalled");
  EXPECT_EQ(workers[2]["stalled_for"], 1.5);
}

TEST_F(Ctl, ALinkThatGoesDownIsAnEvent) {
  Event event;
  event.kind = EventKind::kLinkDown;
  event.link = story::kPrivate;
  instance_.tell(event);
  const json line = json::parse(run({"events"}).out);
  EXPECT_EQ(line["kind"], "link_down");
  EXPECT_EQ(line["code"], "LINK-DOWN");
  EXPECT_EQ(line["link"], "private");
  EXPECT_FALSE(line.contains("tuple"));
}

TEST_F(Ctl, EventsAreJsonLines) {
  play();
  const std::string out = run({"events"}).out;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_EQ(json::parse(out.substr(0, out.find('\n')))["kind"], "flow_new");
  const std::string packets = run({"events", "--packets", "--since", "1"}).out;
  EXPECT_EQ(std::count(packets.begin(), packets.end(), '\n'), 6);
}

TEST_F(Ctl, TheLadderIsThatOfTheLastConversationOrTheOneAskedFor) {
  play();
  const Printed last = run({"ladder"});
  EXPECT_THAT(last.out, HasSubstr("natgw: no flow (forgot it at 350.0 s)"));
  EXPECT_EQ(run({"ladder", "app:40000"}).out, last.out);
  EXPECT_EQ(json::parse(run({"ladder", "app:40000", "--json"}).out)[0]["connection"], "tcp app:40000 > api:8080");
  const Printed none = run({"ladder", "web:1"});
  EXPECT_EQ(none.status, kBadInput);
  EXPECT_THAT(none.error, HasSubstr("no conversation matches web:1"));
}

TEST_F(Ctl, TheClockMovesUnlessItsGuardRefuses) {
  EXPECT_THAT(run({"clock", "advance", "10s"}).out, HasSubstr("moved 10.0 s; virtual time 110.0 s"));
  instance_.add_flow(std::chrono::seconds(10), true);
  const Printed refused = run({"clock", "advance", "351s", "-t", "nat-gateway"});
  EXPECT_EQ(refused.status, kExpectationFailed);
  EXPECT_THAT(refused.error, AllOf(HasSubstr("natgw/17.3"), HasSubstr("--force")));
  EXPECT_EQ(run({"clock", "advance", "351s", "--force"}).status, kSuccess);
  EXPECT_EQ(run({"clock", "advance", "351"}).status, kBadInput);
  EXPECT_EQ(run({"clock", "scale", "50"}).status, kExpectationFailed);
  EXPECT_THAT(run({"clock", "scale", "50", "--force"}).out, HasSubstr("50 virtual seconds a second"));
  EXPECT_EQ(run({"clock", "next"}).status, kExpectationFailed);  // the flow is over
  EXPECT_EQ(json::parse(run({"clock", "show", "--json"}).out)["scale"], 50.0);
}

TEST_F(Ctl, WithoutAnInstanceTheEnvironmentLacksSomething) {
  server_->stop();
  close(lock_);
  lock_ = -1;
  const Printed printed = run({"status"});
  EXPECT_EQ(printed.status, kEnvironment);
  EXPECT_THAT(printed.error, AllOf(HasSubstr("no instance is running"), HasSubstr("lapse lab")));
}

TEST_F(Ctl, AnUnknownNameListsWhatRuns) {
  const Printed printed = run({"-t", "other", "status"});
  EXPECT_EQ(printed.status, kBadInput);
  EXPECT_THAT(printed.error, AllOf(HasSubstr("other"), HasSubstr("nat-gateway")));
}

TEST_F(Ctl, HelpFitsAScreenAndHasAnExample) {
  const std::vector<std::vector<std::string>> commands{{},          {"status"},           {"flows"},
                                                       {"metrics"}, {"events"},           {"ladder"},
                                                       {"clock"},   {"clock", "advance"}, {"clock", "scale"}};
  for (std::vector<std::string> words : commands) {
    words.emplace_back("--help");
    const std::string out = run(words).out;
    EXPECT_LE(std::count(out.begin(), out.end(), '\n'), 24) << out;
    EXPECT_THAT(out, HasSubstr("lapse ctl"));
  }
}

TEST(Table, GivesWayOnANarrowTerminalOnly) {
  Table table({{"FLOW"}, {"IDLE", Align::kRight}});
  table.add({"tcp a-very-long-name:40000 > another:80", "1.0 s"});
  EXPECT_EQ(table.text({.terminal = true, .columns = 20}), "FLOW            IDLE\ntcp a-very-l…  1.0 s\n");
  EXPECT_THAT(table.text({.terminal = false, .columns = 20}), HasSubstr("> another:80  1.0 s"));
  EXPECT_THAT(table.text({.terminal = true, .colour = true, .columns = 80}), HasSubstr("\x1b[1mFLOW"));
}

}  // namespace
}  // namespace lapse::cli
