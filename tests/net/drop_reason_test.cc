#include "dataplane/drop_reason.h"

#include <fstream>
#include <set>
#include <sstream>

#include "gtest/gtest.h"

namespace lapse {
namespace {

TEST(DropReason, EveryReasonStandsInTheReadme) {
  std::ifstream file(std::string(LAPSE_SOURCE_ROOT) + "/dataplane/README.md");
  ASSERT_TRUE(file.is_open());
  std::stringstream text;
  text << file.rdbuf();
  for (const DropReasonText& reason : kDropReasonTexts) {
    const std::string row = "| `" + std::string(reason.code) + "` | " + std::string(reason.sentence) + " |\n";
    EXPECT_NE(text.str().find(row), std::string::npos) << "missing: " << row;
  }
}

TEST(DropReason, CodesAreUnique) {
  std::set<std::string_view> codes;
  for (const DropReasonText& reason : kDropReasonTexts) {
    EXPECT_TRUE(codes.insert(reason.code).second) << reason.code;
  }
}

}  // namespace
}  // namespace lapse
