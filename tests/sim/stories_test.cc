// Every shipped story: it passes, it passes in the same way again, and each of its changes breaks it.
#include <string>

#include "gtest/gtest.h"

#include "sim/scenario/runner.h"
#include "sim/scenario/scenario.h"

namespace lapse::sim {
namespace {

constexpr uint64_t kSeed = 1;

std::string text(const std::vector<Miss>& misses) {
  std::string lines;
  for (const Miss& miss : misses) {
    lines +=
        miss.place.file + ":" + std::to_string(miss.place.line) + ": " + miss.text + "\n  found: " + miss.found + "\n";
  }
  return lines;
}

std::optional<Scenario> loaded(const std::string& name) {
  const auto path = locate_scenario(name);
  EXPECT_TRUE(path.ok()) << path.status();
  topology::Findings findings;
  auto scenario = path.ok() ? load_scenario(*path, {}, findings) : std::nullopt;
  for (const std::string& error : findings.errors) {
    ADD_FAILURE() << error;
  }
  return scenario;
}

class Story : public testing::TestWithParam<std::string> {};

TEST_P(Story, Passes) {
  const auto scenario = loaded(GetParam());
  ASSERT_TRUE(scenario);
  const auto outcome = play(*scenario, kSeed);
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(outcome->misses.empty()) << text(outcome->misses)
                                       << (outcome->ladders.empty() ? "" : outcome->ladders[0]);
}

TEST_P(Story, IsRepeatable) {
  const auto scenario = loaded(GetParam());
  ASSERT_TRUE(scenario);
  const auto first = play(*scenario, kSeed);
  const auto second = play(*scenario, kSeed);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->ladders, second->ladders);
  EXPECT_EQ(first->events, second->events);
}

TEST_P(Story, EachOfItsChangesBreaksIt) {
  const auto path = locate_scenario(GetParam());
  ASSERT_TRUE(path.ok());
  EXPECT_FALSE(loaded(GetParam())->must_fail_with.empty());
  EXPECT_EQ(text(lines_that_change_nothing(*path, kSeed)), "");
}

INSTANTIATE_TEST_SUITE_P(Shipped, Story, testing::ValuesIn(shipped_scenarios()), [](const auto& story) {
  std::string name = story.param;
  for (char& letter : name) {
    letter = letter == '.' || letter == '-' ? '_' : letter;
  }
  return name;
});

}  // namespace
}  // namespace lapse::sim
