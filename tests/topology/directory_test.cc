#include "control/topology/directory.h"

#include "tests/topology/error_rows.h"

namespace lapse::topology {
namespace {

Directory directory_of(const std::string& text) {
  Findings findings;
  const auto topology = load_text(text, "t.yaml", findings);
  EXPECT_TRUE(topology) << testing::PrintToString(findings.errors);
  return make_directory(topology.value_or(Topology{}));
}

TEST(Directory, NumbersInTheOrderOfTheFile) {
  const Directory directory =
      directory_of(changed({{"boxes:\n",
                             "boxes:\n  first: { kind: nat-gateway, inside: { link: internet, address: 203.0.113.1 },"
                             " outside: { link: private, address: 10.0.1.2 } }\n"},
                            {"address: 203.0.113.80", "address: 203.0.113.80, gateway: 203.0.113.1"}}));
  ASSERT_EQ(directory.links.size(), 2U);
  EXPECT_EQ(directory.links[0].name, "private");
  EXPECT_EQ(to_string(directory.links[1].subnet), "203.0.113.0/24");
  ASSERT_EQ(directory.boxes.size(), 2U);
  EXPECT_EQ(directory.boxes[0].name, "first");
  EXPECT_EQ(directory.boxes[1].kind, "nat-gateway");
  EXPECT_EQ(directory.boxes[1].side_names[index(NatGateway::kOutside)], "outside");

  ASSERT_EQ(directory.interfaces.size(), 4U);
  const std::vector<std::tuple<size_t, size_t, size_t>> box_side_link{{0, 0, 1}, {0, 1, 0}, {1, 0, 0}, {1, 1, 1}};
  for (size_t number = 0; number < directory.interfaces.size(); ++number) {
    const Directory::Interface& interface = directory.interfaces[number];
    EXPECT_EQ(std::tuple(index(interface.box), index(interface.side), index(interface.link)), box_side_link[number]);
  }
}

TEST(Directory, NamesHostsSidesAndStrangers) {
  const Directory directory = directory_of(changed({{"[203.0.113.10]", "[203.0.113.10-203.0.113.12]"}}));
  EXPECT_EQ(directory.name_of(*parse_ipv4("10.0.1.10")), "app");
  EXPECT_EQ(directory.name_of(*parse_ipv4("203.0.113.80")), "api");
  EXPECT_EQ(directory.name_of(*parse_ipv4("10.0.1.1")), "natgw.inside");
  EXPECT_EQ(directory.name_of(*parse_ipv4("203.0.113.12")), "natgw.outside");
  EXPECT_EQ(directory.name_of(*parse_ipv4("192.0.2.1")), "192.0.2.1");
}

}  // namespace
}  // namespace lapse::topology
