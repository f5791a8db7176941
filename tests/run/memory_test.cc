// What the preflight counts for a flow against what the boxes really map.
#include "gtest/gtest.h"

#include "control/network/build.h"
#include "control/run/preflight.h"

namespace lapse::run {
namespace {

TEST(Memory, ATableTakesNoMoreThanThePreflightCounts) {
  topology::Findings findings;
  auto topology = topology::load_text(R"(
links: { a: { subnet: 10.0.1.0/24 }, b: { subnet: 10.0.2.0/24 } }
boxes:
  nat: { kind: nat-gateway, inside: { link: a, address: 10.0.1.1 }, outside: { link: b, address: 10.0.2.1 } }
)",
                                      "t.yaml", findings);
  ASSERT_TRUE(topology) << testing::PrintToString(findings.errors);
  for (const uint32_t capacity : {uint32_t{65536}, uint32_t{1} << 20, uint32_t{8} << 20}) {
    topology->boxes.front().nat_gateway.capacity = capacity;
    Quiescence quiescence;
    const auto network = build_network(*topology, {2, [] { return uint64_t{1}; }}, quiescence);
    const size_t bytes = network->box(BoxId{0}).flows()->memory_bytes();
    EXPECT_LE(bytes, capacity * kBytesAFlow) << capacity;
    EXPECT_GE(bytes, capacity * kBytesAFlow / 4) << capacity << ": the preflight asks for far too much";
  }
}

}  // namespace
}  // namespace lapse::run
