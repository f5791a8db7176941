// The Markdown report: a Mermaid block of the grammar that we know, a verdict, a table, a command.
#include <regex>
#include <set>
#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "tests/report/played.h"

namespace lapse::report {
namespace {

using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

// Each Mermaid block: participants first, then only messages and notes between them, in text without markup.
void expect_sequence_diagrams(const std::string& markdown) {
  const std::regex participant(R"(  participant (c\d+) as (.+))");
  const std::regex message(R"(  (c\d+)(->>|-->>|-x)(c\d+): (.+))");
  const std::regex note(R"(  Note over (c\d+)(?:,(c\d+))?: (.+))");
  const std::regex unescaped(R"([;"'`{}\[\]\\]|%%|[<>](?!br/))");
  std::set<std::string> known;
  bool inside = false;
  size_t blocks = 0;
  for (const std::string& line : lines_of(markdown)) {
    if (line == "```mermaid") {
      inside = true;
      known.clear();
      ++blocks;
      continue;
    }
    if (!inside || line == "sequenceDiagram") {
      continue;
    }
    if (line == "```") {
      inside = false;
      continue;
    }
    std::smatch found;
    std::string words;
    if (std::regex_match(line, found, participant)) {
      EXPECT_TRUE(known.insert(found[1]).second) << line;
      words = std::regex_replace(found[2].str(), std::regex("<br/>"), " ");
    } else if (std::regex_match(line, found, message)) {
      EXPECT_TRUE(known.contains(found[1]) && known.contains(found[3])) << line;
      EXPECT_NE(found[1], found[3]) << line;
      words = found[4];
    } else if (std::regex_match(line, found, note)) {
      EXPECT_TRUE(known.contains(found[1]) && (!found[2].matched || known.contains(found[2]))) << line;
      words = found[3];
    } else {
      ADD_FAILURE() << "not a statement: " << line;
    }
    // What is left of a text without its entities has nothing that Mermaid would read as its own.
    words = std::regex_replace(words, std::regex("#\\d+;"), "");
    EXPECT_FALSE(std::regex_search(words, unescaped)) << line;
    EXPECT_EQ(words.find('#'), std::string::npos) << line;
  }
  EXPECT_FALSE(inside);
  EXPECT_GT(blocks, 0);
}

class EveryDiagram : public testing::TestWithParam<std::string> {};

TEST_P(EveryDiagram, IsASequenceDiagramAndTheSameTwice) {
  const std::string markdown = markdown_report(played(GetParam()));
  expect_sequence_diagrams(markdown);
  EXPECT_EQ(markdown, markdown_report(played(GetParam())));
}

INSTANTIATE_TEST_SUITE_P(Shipped, EveryDiagram, testing::ValuesIn(sim::shipped_scenarios()), test_name);

TEST(Markdown, TellsTheVerdictTheBeliefsAndTheCommand) {
  const std::string markdown = markdown_report(played("S0.1"));
  EXPECT_THAT(markdown, HasSubstr("# S0.1: an answer after 363.627 s"));
  EXPECT_THAT(markdown, HasSubstr("natgw forgot tcp app:"));
  EXPECT_THAT(markdown, HasSubstr("| app | ESTABLISHED (was never told) | yes |"));
  EXPECT_THAT(markdown, HasSubstr("| natgw | no flow (forgot it at 350.0 s) | no |"));
  EXPECT_THAT(markdown, HasSubstr("```sh\nlapse sim S0.1\n```"));
  EXPECT_THAT(markdown, HasSubstr("Every expectation was met."));
}

TEST(Markdown, TheDiagramShowsTheIdleTimeTheForgettingAndTheDrop) {
  const std::string markdown = markdown_report(played("S0.1"));
  EXPECT_THAT(markdown, HasSubstr("Note over c0,c2: ⋯ 350.0 s idle ⋯"));
  EXPECT_THAT(markdown,
              HasSubstr("Note over c1: 350.000 s#58; forgets the flow after 350 s of silence#59; nobody was told"));
  EXPECT_THAT(markdown, HasSubstr("c2-xc1: 363.627 s PSH 57 B"));
}

TEST(Markdown, AFenceIsLongerThanTheBackticksInACommand) {
  ReportedRun run = played("S0.1");
  run.command = "lapse sim '```'";
  EXPECT_THAT(markdown_report(run), HasSubstr("````sh\nlapse sim '```'\n````"));
}

}  // namespace
}  // namespace lapse::report
