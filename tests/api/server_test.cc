#include "control/api/server.h"

#include <condition_variable>
#include <cstring>
#include <fstream>
#include <thread>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gmock/gmock.h"

#include "tests/api/api_bench.h"

namespace lapse::api {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

std::string error_of(const absl::Status& status) {
  return std::string(status.message());
}

TEST(Server, OnlyTheOwnerMayOpenTheSocket) {
  const mode_t before = umask(0);
  const ApiBench bench;
  umask(before);
  struct stat found {};
  ASSERT_EQ(stat(bench.socket.c_str(), &found), 0);
  EXPECT_TRUE(S_ISSOCK(found.st_mode));
  EXPECT_EQ(found.st_mode & 0777u, 0600u);
}

TEST(Server, AStaleSocketIsReplacedAndALivingOneIsNot) {
  const Folder folder;
  const std::string path = folder / "control.sock";
  const int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(bind(dead, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  close(dead);
  FakeInstance instance;
  const auto first = Server::start(instance, {.name = "one", .socket_path = path});
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Server::start(instance, {.name = "two", .socket_path = path});
  EXPECT_THAT(error_of(second.status()), HasSubstr("another instance answers"));
  EXPECT_EQ((*Client(path).get("/v1/status"))["name"], "one");
}

TEST(Server, AFileThatIsNoSocketStays) {
  const Folder folder;
  const std::string path = folder / "notes";
  std::ofstream(path) << "important";
  FakeInstance instance;
  EXPECT_THAT(error_of(Server::start(instance, {.name = "one", .socket_path = path}).status()), HasSubstr("no socket"));
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Server, APathThatDoesNotFitIsNamed) {
  FakeInstance instance;
  const auto server = Server::start(instance, {.name = "one", .socket_path = "/tmp/" + std::string(200, 'x')});
  EXPECT_THAT(error_of(server.status()), AllOf(HasSubstr("205 bytes"), HasSubstr("LAPSE_RUNTIME_DIR")));
}

TEST(Server, TwoStandSideBySide) {
  const ApiBench one;
  ApiBench two;
  two.instance.add_flow(std::chrono::seconds(10), false);
  EXPECT_EQ((*one.client.get("/v1/flows"))["flows"].size(), 0u);
  EXPECT_EQ((*two.client.get("/v1/flows"))["flows"].size(), 1u);
}

TEST(Server, StatusHasBoxesLinksAndTheSum) {
  const ApiBench bench;
  const auto status = bench.client.get("/v1/status");
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ((*status)["topology"], "nat-gateway");
  EXPECT_EQ((*status)["virtual_time"], 100.0);
  const json& box = (*status)["boxes"][0];
  EXPECT_EQ(box["name"], "natgw");
  EXPECT_EQ(box["kind"], "nat-gateway");
  EXPECT_EQ(box["dropped"], json({{"LATE-DROP", 3}}));
  EXPECT_EQ(box["events"], json({{"flow_new", 1}}));
  EXPECT_EQ(box["timeouts"]["tcp_established"], 350.0);
  EXPECT_EQ(box["conservation"]["holds"], true);
  EXPECT_EQ((*status)["links"][0]["device"], "lapse0");
}

TEST(Server, MetricsHaveTheProvidersNamesUnitsAndMeaning) {
  const ApiBench bench;
  const auto answer = bench.client.get("/v1/metrics?box=natgw");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ((*answer)["virtual_time"], 100.0);
  const json& box = (*answer)["boxes"][0];
  EXPECT_EQ(box["name"], "natgw");
  EXPECT_EQ(box["metrics"].size(), 16u);
  EXPECT_EQ(box["metrics"][1], json({{"name", "BytesInFromDestination"},
                                     {"value", 102},
                                     {"unit", "Bytes"},
                                     {"type", "sum"},
                                     {"meaning", "received from destinations"},
                                     {"prometheus", "lapse_nat_gateway_bytes_in_from_destination_total"}}));
  EXPECT_EQ(box["metrics"][14]["type"], "gauge");
}

TEST(Server, FlowsSayWhoIsIdleAndHowLongTheyHave) {
  ApiBench bench;
  bench.instance.add_flow(std::chrono::seconds(100), true);
  const auto answer = bench.client.get("/v1/flows?box=natgw");
  ASSERT_TRUE(answer.ok()) << answer.status();
  const json& flow = (*answer)["flows"][0];
  EXPECT_EQ(flow["flow"], "natgw/17.3");
  EXPECT_EQ(flow["protocol"], "tcp");
  EXPECT_EQ(flow["original"]["name"], "tcp app:40000 > api:8080");
  EXPECT_EQ(flow["original"]["source"], "10.0.1.10:40000");
  EXPECT_EQ(flow["seen_as"], "203.0.113.10:51234");
  EXPECT_EQ(flow["state"], "established");
  EXPECT_EQ(flow["idle"], 100.0);
  EXPECT_EQ(flow["timeout"], 350.0);
  EXPECT_EQ(flow["left"], 250.0);
  EXPECT_EQ(flow["cadence"], json({{"from", 32.768}, {"to", 65.536}}));
}

TEST(Server, FlowsThatAreOverAreShownWhenAskedFor) {
  ApiBench bench;
  bench.instance.add_flow(std::chrono::seconds(400), false);
  EXPECT_EQ((*bench.client.get("/v1/flows"))["flows"].size(), 0u);
  EXPECT_EQ((*bench.client.get("/v1/flows?all=1"))["flows"].size(), 1u);
}

TEST(Server, EveryBadParameterIsNamedWithWhatIsAccepted) {
  const ApiBench bench;
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"/v1/flows?box=fw", {"box", "fw", "natgw"}},
      {"/v1/flows?all=yes", {"all", "yes", "0 or 1"}},
      {"/v1/flows?owner=1", {"owner=1", "box, all"}},
      {"/v1/status?x=1", {"x=1", "none"}},
      {"/v1/metrics?box=fw", {"box", "fw", "natgw"}},
      {"/v1/events?since=-1", {"since", "-1", "a number"}},
      {"/v1/events?since=99999999999999999999999", {"since", "a number"}},
      {"/v1/ladder?columns=10", {"columns", "10", "60 to 400"}},
      {"/v1/ladder?columns=100x", {"columns", "100x"}},
      {"/v1/report?colour=red", {"colour", "red", "0 or 1"}},
      {"/v1/report?format=pdf", {"format", "svg, html, md or pcapng"}},
  };
  for (const auto& [path, parts] : cases) {
    const auto answer = bench.client.get(path);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << path;
    for (const std::string& part : parts) {
      EXPECT_THAT(error_of(answer.status()), HasSubstr(part)) << path;
    }
  }
}

TEST(Server, AnUnknownPathListsWhatExists) {
  const ApiBench bench;
  const auto answer = bench.client.get("/v1/flow");
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(error_of(answer.status()), AllOf(HasSubstr("GET /v1/flow "), HasSubstr("GET /metrics"),
                                               HasSubstr("GET /v1/flows"), HasSubstr("POST /v1/clock")));
  EXPECT_EQ(bench.client.post("/v1/flows", json::object()).status().code(), absl::StatusCode::kNotFound);
}

TEST(Server, TheStoryIsToldOverTheSocket) {
  ApiBench bench;
  bench.play(late_answer_events());
  const auto story = bench.client.get("/v1/story");
  ASSERT_TRUE(story.ok()) << story.status();
  ASSERT_EQ((*story)["conversations"].size(), 1u);
  EXPECT_EQ((*story)["conversations"][0]["forgotten"][0]["box"], "natgw");
  const auto ladder = bench.client.get_text("/v1/ladder?flow=natgw/17.3&columns=90");
  ASSERT_TRUE(ladder.ok()) << ladder.status();
  EXPECT_THAT(*ladder, AllOf(HasSubstr("LATE-DROP"), HasSubstr("natgw: no flow (forgot it at 350.0 s)")));
  EXPECT_EQ(*ladder, *bench.client.get_text("/v1/ladder?flow=app%3A40000&columns=90"));
  EXPECT_THAT(*bench.client.get_text("/v1/report"), HasSubstr("natgw forgot tcp app:40000 > api:8080"));
  EXPECT_EQ((*bench.client.get("/v1/verdict"))["forgot"], true);
}

TEST(Server, ServesTheReportInEveryFormat) {
  ApiBench bench;
  bench.play(late_answer_events());
  const auto report = [&](const std::string& format) {
    const auto text = bench.client.get_text("/v1/report", {{"format", format}, {"command", "lapse lab 'a & b'"}});
    EXPECT_TRUE(text.ok()) << text.status();
    return text.value_or("");
  };
  EXPECT_THAT(report("svg"), HasSubstr("forgets the flow"));
  EXPECT_THAT(report("html"), HasSubstr("<pre>lapse lab &#39;a &amp; b&#39;</pre>"));
  EXPECT_THAT(report("md"), HasSubstr("```sh\nlapse lab 'a & b'\n```"));
  EXPECT_EQ(report("pcapng").substr(0, 4), "\x0a\x0d\x0d\x0a");
}

TEST(Server, ALadderOfNothingIsNotFound) {
  const ApiBench bench;
  const auto ladder = bench.client.get_text("/v1/ladder?flow=app:1");
  EXPECT_EQ(ladder.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(error_of(ladder.status()), AllOf(HasSubstr("app:1"), HasSubstr("natgw/17.3")));
}

// ---- the clock ----

TEST(Clock, MovesAndSaysHowFar) {
  ApiBench bench;
  const auto moved = bench.client.post("/v1/clock", {{"advance", "1m30s"}});
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ((*moved)["moved"], 90.0);
  EXPECT_EQ((*moved)["virtual_time"], 190.0);
  EXPECT_EQ((*moved)["stopped_by"], nullptr);
  EXPECT_EQ((*bench.client.get("/v1/clock"))["virtual_time"], 190.0);
}

TEST(Clock, TheGuardNamesTheFlowItsCadenceAndTheWayAround) {
  ApiBench bench;
  bench.instance.add_flow(std::chrono::seconds(10), true);
  const auto stopped = bench.client.post("/v1/clock", {{"advance", "351s"}});
  EXPECT_EQ(stopped.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(error_of(stopped.status()),
              AllOf(HasSubstr("natgw/17.3"), HasSubstr("tcp app:40000 > api:8080"), HasSubstr("every 32.8 s to 65.5 s"),
                    HasSubstr("350 s"), HasSubstr("--force")));
  EXPECT_EQ((*bench.client.get("/v1/clock"))["virtual_time"], 439.999);
  const auto forced = bench.client.post("/v1/clock", {{"advance", "351s"}, {"force", true}});
  ASSERT_TRUE(forced.ok()) << forced.status();
  EXPECT_EQ((*forced)["moved"], 351.0);
}

TEST(Clock, GoesToTheNextExpiry) {
  ApiBench bench;
  EXPECT_EQ(bench.client.post("/v1/clock", {{"next", true}}).status().code(), absl::StatusCode::kFailedPrecondition);
  bench.instance.add_flow(std::chrono::seconds(10), true);
  const auto moved = bench.client.post("/v1/clock", {{"next", true}});
  ASSERT_TRUE(moved.ok()) << moved.status();
  EXPECT_EQ((*moved)["moved"], 340.0);
  EXPECT_EQ((*moved)["stopped_by"]["flow"], "natgw/17.3");
  EXPECT_THAT((*moved)["message"].get<std::string>(), HasSubstr("the expiry of natgw/17.3"));
}

TEST(Clock, HostsInRealTimeNeedForceForAScale) {
  ApiBench bench;
  const auto refused = bench.client.post("/v1/clock", {{"scale", 50}});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(error_of(refused.status()), AllOf(HasSubstr("not warped"), HasSubstr("--force"), HasSubstr("--warp 50")));
  EXPECT_EQ((*bench.client.get("/v1/clock"))["scale"], 1.0);
  const auto forced = bench.client.post("/v1/clock", {{"scale", 50}, {"force", true}});
  ASSERT_TRUE(forced.ok()) << forced.status();
  EXPECT_EQ((*forced)["scale"], 50.0);
  const ApiBench warped(true);
  EXPECT_TRUE(warped.client.post("/v1/clock", {{"scale", 50}}).ok());
}

TEST(Clock, BadRequestsMoveNothing) {
  const ApiBench bench;
  const std::vector<std::pair<json, std::string>> cases{
      {json::object(), "nothing to do"},
      {json::array(), "not a JSON object"},
      {{{"advance", "351"}}, "advance"},
      {{{"advance", 351}}, "advance"},
      {{{"advance", "-5s"}}, "advance"},
      {{{"advance", "1s"}, {"next", true}}, "more than one"},
      {{{"scale", 0.5}}, "scale"},
      {{{"scale", "50"}}, "scale"},
      {{{"scale", 1001}, {"force", true}}, "scale"},
      {{{"next", false}}, "next"},
      {{{"next", 1}}, "next"},
      {{{"advance", "1s"}, {"force", "yes"}}, "force"},
      {{{"advanec", "1s"}}, "advanec"},
  };
  for (const auto& [body, part] : cases) {
    const auto answer = bench.client.post("/v1/clock", body);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << body;
    EXPECT_THAT(error_of(answer.status()), HasSubstr(part)) << body;
  }
  EXPECT_EQ((*bench.client.get("/v1/clock"))["virtual_time"], 100.0);
}

// ---- events ----

std::vector<json> lines_of(const std::string& text) {
  std::vector<json> lines;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    lines.push_back(json::parse(text.substr(start, end - start)));
    start = end + 1;
  }
  return lines;
}

TEST(Addresses, ComeAndGoOverTheSocket) {
  ApiBench bench;
  const json came{{"box", "natgw"}, {"associate", "203.0.113.11"}};
  ASSERT_TRUE(bench.client.post("/v1/addresses", came).ok());
  EXPECT_EQ(bench.client.post("/v1/addresses", came).status().code(), absl::StatusCode::kFailedPrecondition);
  const auto gone =
      bench.client.post("/v1/addresses", {{"box", "natgw"}, {"disassociate", "203.0.113.11"}, {"drain", "60s"}});
  ASSERT_TRUE(gone.ok()) << gone.status();
  const auto listed = bench.client.get("/v1/addresses?box=natgw");
  ASSERT_TRUE(listed.ok()) << listed.status();
  const json& addresses = (*listed)["boxes"][0]["addresses"];
  EXPECT_EQ(addresses[0], (json{{"address", "203.0.113.10"}, {"primary", true}, {"state", "active"}}));
  EXPECT_EQ(addresses[1],
            (json{{"address", "203.0.113.11"}, {"primary", false}, {"state", "draining"}, {"released_in", 60.0}}));
}

TEST(Addresses, BadRequestsSayWhatIsAccepted) {
  const ApiBench bench;
  for (const json& body :
       std::vector<json>{json::array(),
                         {{"box", "natgw"}},
                         {{"associate", "203.0.113.11"}},
                         {{"box", "natgw"}, {"associate", "x"}},
                         {{"box", "natgw"}, {"associate", "203.0.113.11"}, {"drain", "5s"}},
                         {{"box", "natgw"}, {"disassociate", "203.0.113.11"}, {"drain", 5}},
                         {{"box", "natgw"}, {"associate", "1.2.3.4"}, {"disassociate", "1.2.3.4"}}}) {
    const auto answer = bench.client.post("/v1/addresses", body);
    EXPECT_EQ(answer.status().code(), absl::StatusCode::kInvalidArgument) << body;
  }
  EXPECT_EQ(bench.client.get("/v1/addresses?box=nobody").status().code(), absl::StatusCode::kNotFound);
}

TEST(Events, AreNumberedAndNamed) {
  ApiBench bench;
  bench.play(late_answer_events());
  const std::vector<json> events = lines_of(*bench.client.get_text("/v1/events"));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]["kind"], "flow_new");
  EXPECT_EQ(events[0]["code"], "FLOW-NEW");
  EXPECT_EQ(events[0]["flow"], "natgw/17.3");
  EXPECT_EQ(events[0]["tuple"]["name"], "tcp app:40000 > api:8080");
  EXPECT_EQ(events[1]["kind"], "flow_expired");
  EXPECT_EQ(events[1]["virtual_time"], 360.0);
  EXPECT_EQ(events[1]["timeout"], 350.0);
  EXPECT_EQ(events[1]["told"], "nobody");
  EXPECT_EQ(events[1]["told_names"], json::array());
  EXPECT_EQ(events[2]["kind"], "late_packet");
  EXPECT_EQ(events[2]["reason"], "LATE-DROP");
  EXPECT_EQ(events[2]["side"], "outside");
  EXPECT_THAT(events[2]["real_time"].get<std::string>(), testing::ContainsRegex("^20..-..-..T..:..:..\\.......Z$"));
  EXPECT_LT(events[0]["seq"], events[1]["seq"]);
}

TEST(Events, PacketsAreThereWhenAskedFor) {
  ApiBench bench;
  bench.play(late_answer_events());
  const std::vector<json> events = lines_of(*bench.client.get_text("/v1/events?packets=1"));
  ASSERT_EQ(events.size(), late_answer_events().size());
  EXPECT_EQ(events[0]["kind"], "packet");
  EXPECT_EQ(events[0]["flags"], "S");
  EXPECT_EQ(events[0]["link"], "private");
  EXPECT_EQ(events[0]["from"], "host");
  EXPECT_EQ(events[0]["to"], "natgw.inside");
  for (size_t at = 0; at < events.size(); ++at) {
    EXPECT_EQ(events[at]["seq"], at + 1);
  }
}

TEST(Events, SinceContinuesWhereAnEarlierAnswerEnded) {
  ApiBench bench;
  bench.play(late_answer_events());
  const std::vector<json> events = lines_of(*bench.client.get_text("/v1/events?since=2"));
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0]["kind"], "flow_expired");
  EXPECT_TRUE(bench.client.get_text("/v1/events?since=1000")->empty());
}

TEST(Events, AFollowerSeesWhatWasAndWhatComesAndMayLeave) {
  ApiBench bench;
  bench.play(late_answer_events());
  std::vector<std::string> kinds;
  const absl::Status done = bench.client.follow("/v1/events?follow=1", [&](std::string_view line) {
    kinds.push_back(json::parse(line)["kind"]);
    if (kinds.size() == 3) {
      bench.play(late_answer_events());
    }
    return kinds.size() < 6;
  });
  EXPECT_TRUE(done.ok()) << done;
  EXPECT_THAT(kinds, testing::ElementsAre("flow_new", "flow_expired", "late_packet", "flow_new", "flow_expired",
                                          "late_packet"));
  // A follower that left has given its place back: more than the limit may come one after the other.
  for (size_t round = 0; round < 2 * ServerOptions{}.followers; ++round) {
    absl::Status next;
    do {
      next = bench.client.follow("/v1/events?follow=1", [](std::string_view) { return false; });
    } while (absl::IsUnavailable(next));  // the server notices a moment later
    EXPECT_TRUE(next.ok()) << next;
  }
}

TEST(Events, StopEndsFollowersAtOnceAndProperly) {
  ApiBench bench;
  bench.play(late_answer_events());
  std::mutex mutex;
  std::condition_variable reached;
  size_t following = 0;
  std::vector<std::thread> followers;
  for (size_t follower = 0; follower < ServerOptions{}.followers; ++follower) {
    followers.emplace_back([&] {
      const absl::Status done = Client(bench.socket).follow("/v1/events?follow=1&since=2", [&](std::string_view line) {
        if (json::parse(line)["kind"] == "late_packet") {
          const std::lock_guard lock(mutex);
          ++following;
          reached.notify_one();
        }
        return true;
      });
      EXPECT_TRUE(done.ok()) << done;
    });
  }
  {
    std::unique_lock lock(mutex);
    reached.wait(lock, [&] { return following == followers.size(); });
  }
  // All places are taken, and the other paths are still served.
  const auto one_more = bench.client.follow("/v1/events?follow=1", [](std::string_view) { return true; });
  EXPECT_TRUE(absl::IsUnavailable(one_more)) << one_more;
  EXPECT_TRUE(bench.client.get("/v1/status").ok());
  bench.server->stop();
  for (std::thread& follower : followers) {
    follower.join();
  }
  EXPECT_EQ(bench.instance.subscribers(), 0u);
  EXPECT_FALSE(std::filesystem::exists(bench.socket));
  EXPECT_TRUE(absl::IsUnavailable(bench.client.get("/v1/status").status()));
}

}  // namespace
}  // namespace lapse::api
