// What may be expected of a run, how a mistake in it is told, and what is not met.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include "gtest/gtest.h"

#include "control/expect/expectation.h"
#include "control/expect/expression.h"
#include "control/expect/outcome.h"
#include "control/metrics/metrics.h"
#include "tests/support/nat_topology.h"

namespace lapse::expect {
namespace {

using nlohmann::json;

struct Read {
  std::vector<Expectation> expectations;
  std::vector<std::string> errors;
};

Read read_word(const std::string& word) {
  Read result;
  topology::Findings findings;
  read(word, test::nat_topology(), result.expectations, findings);
  result.errors = findings.errors;
  return result;
}

Read read_text(const std::string& text) {
  const std::string path = testing::TempDir() + "/expect" + std::to_string(getpid()) + ".yaml";
  std::ofstream(path) << text;
  Read result = read_word(path);
  std::filesystem::remove(path);
  return result;
}

RunOutcome outcome(const std::string& events = "") {
  const json status = {{"boxes",
                        {{{"name", "natgw"},
                          {"metrics", {{"IdleTimeoutCount", 1}, {"PacketsDropCount", 5}}},
                          {"events", {{"flow_expired", 1}, {"late_packet", 2}, {"rst_sent", 1}}}}}}};
  const json flows = {{"flows", json::array({{{"box", "natgw"}}, {{"box", "natgw"}}})}};
  const auto read = read_outcome(status, flows, events);
  EXPECT_TRUE(read.ok()) << read.status();
  return read.ok() ? *read : RunOutcome();
}

constexpr const char* kEvents =
    R"({"kind":"flow_expired","box":"natgw","virtual_time":350.5,"told":"nobody","told_names":[]})"
    "\n"
    R"({"kind":"late_packet","box":"natgw","virtual_time":351.0,"told":"sender","told_names":["app"]})"
    "\n"
    R"({"kind":"rst_sent","box":"natgw","virtual_time":351.0,"told":"sender","told_names":["app"]})"
    "\n"
    R"({"kind":"late_packet","box":"natgw","virtual_time":360.0,"told":"nobody","told_names":[]})"
    "\n";

// What was found instead, or nothing.
std::string missed(const std::string& item) {
  const Read read = read_text("expect: [ " + item + " ]");
  EXPECT_TRUE(read.errors.empty()) << read.errors.front();
  const auto all = misses(read.expectations, outcome(kEvents));
  return all.empty() ? "" : all.front().found;
}

struct Row {
  const char* text;
  uint64_t accepted;
  uint64_t refused;
};
class Expressions : public testing::TestWithParam<Row> {};
TEST_P(Expressions, SayWhichNumbersAreAccepted) {
  const auto expression = parse_expression(GetParam().text);
  ASSERT_TRUE(expression.ok()) << expression.status();
  EXPECT_EQ(expression->box, "natgw");
  EXPECT_EQ(expression->metric, "IdleTimeoutCount");
  EXPECT_TRUE(expression->bounds.hold(GetParam().accepted));
  EXPECT_FALSE(expression->bounds.hold(GetParam().refused));
}
INSTANTIATE_TEST_SUITE_P(
    , Expressions,
    testing::Values(Row{"natgw.IdleTimeoutCount == 3", 3, 4}, Row{"natgw.IdleTimeoutCount==3", 3, 2},
                    Row{" natgw.IdleTimeoutCount != 3 ", 4, 3}, Row{"natgw.IdleTimeoutCount < 3", 2, 3},
                    Row{"natgw.IdleTimeoutCount <= 3", 3, 4}, Row{"natgw.IdleTimeoutCount > 3", 4, 3},
                    Row{"natgw.IdleTimeoutCount >=3", 3, 2}));

class Mistakes : public testing::TestWithParam<std::pair<const char*, const char*>> {};
TEST_P(Mistakes, AreToldWithWhatIsAccepted) {
  const Read read = read_word(GetParam().first);
  ASSERT_EQ(read.errors.size(), 1U);
  EXPECT_NE(read.errors[0].find(GetParam().second), std::string::npos) << read.errors[0];
  EXPECT_TRUE(read.expectations.empty());
}
INSTANTIATE_TEST_SUITE_P(, Mistakes,
                         testing::Values(std::pair{"no-such-file.yaml",
                                                   "neither a file nor a comparison (no-such-file.yaml)"},
                                         std::pair{"natgw.IdleTimeoutCount = 0", "no operator; there are =="},
                                         std::pair{"IdleTimeoutCount == 0", "no BOX.METRIC"},
                                         std::pair{"natgw.IdleTimeoutCount == none", "no whole number"},
                                         std::pair{"natgw.IdleTimeoutCount < 0", "no number is ever so"},
                                         std::pair{"natgv.IdleTimeoutCount == 0", "did you mean natgw?"},
                                         std::pair{"natgw.idle == 0", "there are ActiveConnectionCount, "},
                                         std::pair{"natgw.IdleTimeoutCounts == 0", "did you mean IdleTimeoutCount?"},
                                         std::pair{"natgw.PeakBytePerSecond > 0", "did you mean PeakBytesPerSecond?"}));

TEST(Expectations, MayBeAboutEveryMetric) {
  for (const std::string_view name : metrics::names_of("nat-gateway")) {
    const Read read = read_word("natgw." + std::string(name) + " <= 5");
    EXPECT_TRUE(read.errors.empty()) << read.errors.front();
    EXPECT_EQ(read.expectations.size(), 1U) << name;
  }
}

TEST(ExpectFile, EveryMistakeHasItsLine) {
  const Read read = read_text(
      "expect:\n"
      "  - { box: natgw, event: flow_expierd }\n"
      "  - { box: gateway, flows: 0 }\n"
      "  - { box: natgw, metric: IdleTimeoutCount }\n"
      "  - { never: { event: rst_sent, to: apx } }\n"
      "  - { event: rst_sent, flows: 0 }\n"
      "  - { told: nobody }\n"
      "  - { box: natgw, metric: IdleTimeoutCount, equals: 1, at_most: 0 }\n");
  ASSERT_EQ(read.errors.size(), 7U) << read.errors.back();
  const char* const parts[] = {"flow_expired",
                               "natgw",
                               "no number to compare",
                               "did you mean app?",
                               "has no meaning beside the others",
                               "nothing is expected here",
                               "contradict"};
  for (size_t i = 0; i < read.errors.size(); ++i) {
    EXPECT_NE(read.errors[i].find(".yaml:" + std::to_string(i + 2) + ":"), std::string::npos) << read.errors[i];
    EXPECT_NE(read.errors[i].find(parts[i]), std::string::npos) << read.errors[i];
  }
  EXPECT_TRUE(read.expectations.empty());
}

TEST(Outcome, EventsAreComparedPartByPart) {
  EXPECT_EQ(missed("{ event: flow_expired, box: natgw, told: nobody }"), "");
  EXPECT_EQ(missed("{ event: flow_expired, told: sender }"), "no such event");
  EXPECT_EQ(missed("{ event: rst_sent, to: app }"), "");
  EXPECT_EQ(missed("{ event: rst_sent, to: api }"), "no such event");
  EXPECT_EQ(missed("{ event: rejected }"), "no such event");
}

TEST(Outcome, EventsAreCounted) {
  EXPECT_EQ(missed("{ never: { event: late_packet, to: api } }"), "");
  EXPECT_EQ(missed("{ never: { event: late_packet } }"), "2 times, first at 351.000 s");
  EXPECT_EQ(missed("{ count: { event: late_packet, equals: 2 } }"), "");
  EXPECT_EQ(missed("{ count: { event: late_packet, told: nobody, at_least: 2 } }"), "1 time, first at 360.000 s");
}

// The instance keeps the newest events only; its counters have seen all.
TEST(Outcome, EventsThatAreNotKeptAreNotTakenForNone) {
  const Read read = read_text("expect: [ { never: { event: rst_sent, to: app } }, { event: rst_sent } ]");
  const auto all = misses(read.expectations, outcome(""));
  ASSERT_EQ(all.size(), 1U) << "one that is counted has happened";
  EXPECT_EQ(all[0].found, "0 times; 1 more are not kept any longer");
}

TEST(Outcome, MetricsAndFlowsAreThoseOfTheBox) {
  EXPECT_EQ(missed("{ box: natgw, metric: IdleTimeoutCount, equals: 1 }"), "");
  EXPECT_EQ(missed("{ box: natgw, metric: PacketsDropCount, at_most: 4 }"), "PacketsDropCount was 5");
  EXPECT_EQ(missed("{ box: natgw, flows: 2 }"), "");
  EXPECT_EQ(missed("{ box: natgw, flows: 0 }"), "natgw remembers 2");
}

}  // namespace
}  // namespace lapse::expect
