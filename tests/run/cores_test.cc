#include "control/run/cores.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lapse::run {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string refusal(std::string_view text) {
  return std::string(parse_cores(text).status().message());
}

TEST(Cores, AreReadAndWrittenAsTheKernelDoes) {
  EXPECT_THAT(*parse_cores("1-3,6"), ElementsAre(1, 2, 3, 6));
  EXPECT_THAT(*parse_cores("5,2"), ElementsAre(5, 2));
  EXPECT_THAT(*parse_cores("0"), ElementsAre(0));
  EXPECT_THAT(*parse_cores(""), IsEmpty());
  EXPECT_EQ(cores_text({1, 2, 3, 6}), "1-3,6");
  EXPECT_EQ(cores_text({5, 2}), "5,2");
  EXPECT_EQ(cores_text({0, 1}), "0-1");
  EXPECT_EQ(cores_text({}), "");
}

TEST(Cores, SayWhatIsWrongWithAList) {
  EXPECT_EQ(refusal("1,two"), "not the number of a core (two)");
  EXPECT_EQ(refusal("1,"), "not the number of a core ()");
  EXPECT_EQ(refusal("-1"), "not the number of a core ()");
  EXPECT_EQ(refusal("1-2-3"), "not the number of a core (2-3)");
  EXPECT_EQ(refusal("99999999999"), "not the number of a core (99999999999)");
  EXPECT_EQ(refusal("0-4096"), "not the number of a core (4096)");
  EXPECT_EQ(refusal("3-1"), "a range that ends before it begins (3-1)");
  EXPECT_EQ(refusal("1-3,2"), "core 2 is given twice");
}

}  // namespace
}  // namespace lapse::run
