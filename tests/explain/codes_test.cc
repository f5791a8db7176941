// Whatever code a person meets in an event, a ladder or a status, `lapse explain` has words for it.
#include "control/explain/codes.h"

#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::explain {
namespace {

using testing::HasSubstr;

TEST(Codes, EveryEventAndEveryDropIsExplained) {
  const std::vector<Entry> entries = all();
  EXPECT_EQ(entries.size(), kEventKindCount + kDropReasonCount);
  std::set<std::string_view> codes;
  for (const Entry& entry : entries) {
    EXPECT_TRUE(codes.insert(entry.code).second) << entry.code << " stands for two things";
    EXPECT_FALSE(entry.explanation.meaning.empty()) << entry.code;
    EXPECT_FALSE(entry.explanation.seen.empty()) << entry.code;
    EXPECT_FALSE(entry.explanation.remedy.empty()) << entry.code;
    ASSERT_TRUE(find(entry.code)) << entry.code;
    EXPECT_EQ(find(entry.code)->code, entry.code);
  }
}

TEST(Codes, AreFoundInAnyCaseAndEventsByTheirNameToo) {
  EXPECT_EQ(find("late-drop")->code, "LATE-DROP");
  EXPECT_EQ(find("flow_expired")->code, "FLOW-EXPIRED");
  EXPECT_FALSE(find("LATE"));
  EXPECT_FALSE(find(""));
}

TEST(Codes, SayWhoNoticesAndWhatHelps) {
  const std::string rst = text(*find("LATE-RST"));
  EXPECT_THAT(rst, HasSubstr("ECONNRESET"));
  EXPECT_THAT(rst, HasSubstr("the other end is told nothing"));
  EXPECT_THAT(text(*find("FLOW-EXPIRED")), HasSubstr("TCP_KEEPIDLE"));
  EXPECT_THAT(text(*find("PORTS-EXHAUSTED")), HasSubstr("ErrorPortAllocation"));
}

TEST(Codes, FitAHundredColumns) {
  for (const Entry& entry : all()) {
    std::istringstream lines(text(entry));
    for (std::string line; std::getline(lines, line);) {
      EXPECT_LE(line.size(), 100U) << line;
      EXPECT_FALSE(line.ends_with(' ')) << line;
    }
  }
}

}  // namespace
}  // namespace lapse::explain
