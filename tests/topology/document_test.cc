#include "control/topology/document.h"

#include "control/topology/text.h"
#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> errors_of(const std::string& text) {
  return findings_of(text).errors;
}

TEST(Document, SyntaxErrorHasItsPlace) {
  EXPECT_THAT(errors_of("links: [private\nboxes: 1\n"),
              ElementsAre("t.yaml:2:6: not YAML: end of sequence flow not found"));
  EXPECT_THAT(errors_of("links:\n\t- x\n"), ElementsAre("t.yaml:2:2: not YAML: illegal block entry"));
}

// The parser takes a line's end at the end of the file for the end of a quoted text.
TEST(Document, QuotedTextThatDoesNotEndIsAnError) {
  for (const std::string value : {"\"server", "\"server\\\"", "'server", "'server''", "\"ser\nver", "\""}) {
    EXPECT_THAT(errors_of("links: { a: { subnet: 10.0.0.0/24 } }\nhosts:\n  a:\n    run: " + value + "\n"),
                ElementsAre("t.yaml:4:10: not YAML: the quoted text that begins here does not end"))
        << value;
  }
  for (const char* value : {"\"lab\"", "'lab'", "\"l\\x61b\"", "\"lab\" # it's a remark"}) {
    EXPECT_THAT(errors_of("links: { a: { subnet: 10.0.0.0/24 } }\nname: " + std::string(value)), ElementsAre())
        << value;
  }
}

TEST(Document, EmptyFileSaysWhatItNeeds) {
  const auto empty = ElementsAre("t.yaml: the file is empty; a topology needs links, boxes and hosts");
  EXPECT_THAT(errors_of(""), empty);
  EXPECT_THAT(errors_of("# nothing but a remark\n"), empty);
}

TEST(Document, TextAloneIsNoTopology) {
  EXPECT_THAT(errors_of("hello\n"), ElementsAre("t.yaml:1:1: a map is needed, found text (hello)"));
  EXPECT_THAT(errors_of("- 1\n"), ElementsAre(HasSubstr("t.yaml:1:1: a map is needed, found a list")));
}

TEST(Document, SecondDocumentIsRefused) {
  EXPECT_THAT(errors_of(std::string(kGoodFile) + "---\nname: other\n"),
              ElementsAre("t.yaml:14:1: a second YAML document begins; one file holds one topology"));
}

TEST(Document, KeysAreTextAndTagsAreRefused) {
  EXPECT_THAT(errors_of(changed({{"start_at: app", "start_at: !host app"}})),
              ElementsAre("t.yaml:2:11: a YAML tag has no meaning here (!host); leave it out"));
  EXPECT_THAT(errors_of(changed({{"start_at: app", "? [a]\n: b\nstart_at: app"}})),
              ElementsAre("t.yaml:2:3: a key must be text, found a list"));
  EXPECT_THAT(errors_of(changed({{"name: lab", "name: !!str lab"}})), ElementsAre());
}

TEST(Document, AliasAndMergeStandForWhatTheyName) {
  Findings findings;
  const auto topology = load_text(changed({{"  app: { link: private, address: 10.0.1.10, gateway: 10.0.1.1 }\n",
                                            "  app: &app { link: private, address: 10.0.1.10, gateway: &gw 10.0.1.1 }\n"
                                            "  app2:\n    <<: *app\n    address: 10.0.1.11\n"
                                            "  app3: { link: private, address: 10.0.1.12, gateway: *gw }\n"}}),
                                  "t.yaml", findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  EXPECT_EQ(to_string(topology->find_host("app2")->interfaces.at("eth0").addresses.front()), "10.0.1.11");
  EXPECT_EQ(to_string(*topology->find_host("app2")->interfaces.at("eth0").gateway), "10.0.1.1");
  EXPECT_EQ(to_string(*topology->find_host("app3")->interfaces.at("eth0").gateway), "10.0.1.1");
}

TEST(Document, MergeTakesMapsOnlyAndAQuotedOneIsAKey) {
  EXPECT_THAT(errors_of(changed({{"start_at: app", "<<: app\nstart_at: app"}})),
              ElementsAre("t.yaml:2:1: <<: takes an alias of a map, found text (app)"));
  EXPECT_THAT(errors_of(changed({{"start_at: app", "'<<': {}\nstart_at: app"}})),
              ElementsAre(HasSubstr("t.yaml:2:1: <<: unknown key (<<)")));
}

TEST(Document, AliasInsideOfItselfIsRefused) {
  EXPECT_THAT(errors_of("name: &x [*x]\n"),
              ElementsAre("t.yaml:1:11: not YAML: an alias inside of what it stands for"));
  EXPECT_THAT(errors_of("name: *unknown\n"), ElementsAre(HasSubstr("t.yaml:1:7: not YAML: ")));
}

TEST(Document, AliasesOfAliasesStayBounded) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int level = 1; level < 12; ++level) {
    const std::string before = "*a" + std::to_string(level - 1);
    text += "a" + std::to_string(level) + ": &a" + std::to_string(level) + " [" + before;
    for (int copy = 1; copy < 10; ++copy) {
      text += ", " + before;
    }
    text += "]\n";
  }
  EXPECT_THAT(errors_of(text), ElementsAre(HasSubstr("not YAML: more than 20000 values")));
}

TEST(Document, NestingStaysBounded) {
  EXPECT_THAT(errors_of("links: " + std::string(100'000, '[')), ElementsAre(HasSubstr("not YAML: ")));
  EXPECT_THAT(errors_of("links: " + std::string(100'000, '{')), ElementsAre(HasSubstr("not YAML: ")));
}

TEST(Document, EveryValueKnowsItsPlace) {
  Report report;
  const auto root = parse_document("a:\n  b: [1,\n      { c: 2 }]\nd:\n", "f", report);
  ASSERT_TRUE(root && !report.has_errors());
  const Node& list = root->find("a")->value.find("b")->value;
  EXPECT_EQ(list.items[0].place.line, 2);
  EXPECT_EQ(list.items[0].place.column, 7);
  const Entry& c = list.items[1].entries.front();
  EXPECT_EQ(concat(c.place.file, ":", std::to_string(c.place.line), ":", std::to_string(c.place.column)), "f:3:9");
  EXPECT_EQ(c.value.place.column, 12);
  // An absent value stands where its key stands, not where the next thing begins.
  EXPECT_EQ(root->find("d")->value.place.line, 4);
}

}  // namespace
}  // namespace lapse::topology
