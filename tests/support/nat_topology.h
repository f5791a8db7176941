// nat_topology.h - the smallest topology that forgets: app, a NAT gateway, api.
#pragma once

#include <utility>

#include "gtest/gtest.h"

#include "control/topology/topology.h"

namespace lapse::test {

inline constexpr const char* kNatTopology = R"(name: nat
links:
  private:  { subnet: 10.0.1.0/24 }
  internet: { subnet: 203.0.113.0/24 }
boxes:
  natgw:
    kind: nat-gateway
    inside:  { link: private,  address: 10.0.1.1 }
    outside: { link: internet, addresses: [203.0.113.10] }
hosts:
  app: { link: private,  address: 10.0.1.10, gateway: 10.0.1.1 }
  api: { link: internet, address: 203.0.113.80 }
)";

inline topology::Topology nat_topology() {
  topology::Findings findings;
  auto topology = topology::load_text(kNatTopology, "nat.yaml", findings);
  EXPECT_TRUE(topology.has_value()) << (findings.errors.empty() ? "" : findings.errors.front());
  return topology ? *std::move(topology) : topology::Topology();
}

}  // namespace lapse::test
