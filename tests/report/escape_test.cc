// Whatever a file calls its hosts, a report stays what it is.
#include "control/report/escape.h"

#include "gtest/gtest.h"

#include "control/report/text_width.h"
#include "tests/report/xml.h"

namespace lapse::report {
namespace {

constexpr const char* kHostile = "</text><script>alert('1 & \"2\"')</script>]]>";

TEST(Escape, XmlGivesBackWhatWentIn) {
  const std::string document = std::string("<a>") + escape_xml(kHostile) + "</a>";
  EXPECT_EQ(xml_errors(document), "");
  EXPECT_EQ(xml_texts(document, "a"), std::vector<std::string>{kHostile});
}

TEST(Escape, XmlHoldsInAnAttribute) {
  EXPECT_EQ(xml_errors("<a b=\"" + escape_xml(kHostile) + "\"/>"), "");
  EXPECT_EQ(xml_errors("<a b='" + escape_xml(kHostile) + "'/>"), "");
}

// XML has no place for these bytes, not even escaped.
TEST(Escape, XmlReplacesWhatNoDocumentMayHold) {
  const std::vector<std::string> texts{
      std::string("\0", 1),   "\x1b[31m", "\x80", "\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "\xef\xbf\xbf",
      "\xf8\x88\x80\x80\x80", "\xe2\x82"};
  for (const std::string& text : texts) {
    EXPECT_EQ(xml_errors("<a>" + escape_xml(text) + "</a>"), "") << testing::PrintToString(text);
    EXPECT_NE(escape_xml(text).find("\xef\xbf\xbd"), std::string::npos) << testing::PrintToString(text);
  }
}

TEST(Escape, XmlKeepsOtherScripts) {
  EXPECT_EQ(escape_xml("Zürich 東京 ⋯"), "Zürich 東京 ⋯");
}

TEST(Escape, MarkdownHasNoMarkupAndNoSecondLine) {
  EXPECT_EQ(escape_markdown("a|b\n# c `d` <b> [e](f) *g*"), "a\\|b \\# c \\`d\\` \\<b\\> \\[e\\](f) \\*g\\*");
}

TEST(Escape, MermaidHasNoStatementInsideAMessage) {
  EXPECT_EQ(escape_mermaid("a; b #1\nend %% <i> \"c\""), "a#59; b #35;1 end #37;#37; #60;i#62; #34;c#34;");
}

TEST(Escape, ShellWordsAreQuotedWhereTheyHaveToBe) {
  EXPECT_EQ(quote_shell("natgw.timeouts.udp=60s"), "natgw.timeouts.udp=60s");
  EXPECT_EQ(quote_shell("my story.yaml"), "'my story.yaml'");
  EXPECT_EQ(quote_shell("it's; rm -r"), "'it'\\''s; rm -r'");
  EXPECT_EQ(quote_shell(""), "''");
}

TEST(TextWidth, WhatFitsIsNoWiderThanItsRoom) {
  const std::string words = "natgw forgets the flow after 350 s of silence; nobody was told";
  for (const double room : {30.0, 80.0, 200.0, 1000.0}) {
    EXPECT_LE(text_width(fitting(words, room, 12), 12), room);
    for (const std::string& line : wrapped(words, room, 12)) {
      EXPECT_LE(text_width(line, 12), room) << line;
    }
  }
}

TEST(TextWidth, WrappingKeepsEveryWord) {
  std::string joined;
  for (const std::string& line : wrapped("one two three four five", 60, 12)) {
    joined += (joined.empty() ? "" : " ") + line;
  }
  EXPECT_EQ(joined, "one two three four five");
}

}  // namespace
}  // namespace lapse::report
