#include "dataplane/net/distribution.h"

#include <array>

#include "gtest/gtest.h"

#include "tests/support/random.h"

namespace lapse::test {
namespace {

FiveTuple any_tuple(Random& random) {
  return {be32(random.any<uint32_t>()), be32(random.any<uint32_t>()), be16(random.any<uint16_t>()),
          be16(random.any<uint16_t>()), random.one_in(2) ? uint8_t{6} : uint8_t{17}};
}

TEST(Distribution, BothDirectionsOfAConversationAreOneWorkers) {
  Random random(seed(1));
  for (size_t workers = 1; workers <= kMaxWorkers; ++workers) {
    for (int i = 0; i < 1000; ++i) {
      const FiveTuple tuple = any_tuple(random);
      const WorkerId worker = worker_of_flow(tuple, workers);
      EXPECT_LT(index(worker), workers);
      EXPECT_EQ(worker, worker_of_flow(tuple.reversed(), workers)) << to_string(tuple);
    }
  }
}

// RFC 5508: the identifier stands in the port of whoever asked.
TEST(Distribution, AnEchoRequestAndItsReplyAreOneWorkers) {
  for (uint16_t identifier = 0; identifier < 100; ++identifier) {
    const FiveTuple request{be32(0x0a000001), be32(0xc6120750), be16(identifier), {}, 1};
    EXPECT_EQ(worker_of_flow(request, 4), worker_of_flow(request.reversed(), 4));
  }
}

void expect_even(const std::array<int, 4>& counts, int total) {
  for (const int count : counts) {
    EXPECT_NEAR(count, total / 4, total / 20);
  }
}

// As a client makes them: one address and one port far away, consecutive ports here.
TEST(Distribution, ConsecutivePortsOfOneClientAreSpreadEvenly) {
  std::array<int, 4> counts{};
  for (uint16_t port = 32768; port < 32768 + 8000; ++port) {
    ++counts[index(worker_of_flow({be32(0x0a00010a), be32(0xcb007150), be16(port), be16(443), 6}, 4))];
  }
  expect_even(counts, 8000);
}

TEST(Distribution, ConsecutiveClientsAreSpreadEvenly) {
  std::array<int, 4> counts{};
  for (uint32_t host = 0; host < 8000; ++host) {
    ++counts[index(worker_of_flow({be32(0x0a000000 + host), be32(0xcb007150), be16(40000), be16(443), 6}, 4))];
  }
  expect_even(counts, 8000);
}

TEST(Distribution, ConsecutiveDatagramsInFragmentsAreSpreadEvenly) {
  std::array<int, 4> counts{};
  for (uint16_t identification = 0; identification < 8000; ++identification) {
    Ipv4Header ip{};
    ip.source = be32(0x0a00010a);
    ip.destination = be32(0xcb007150);
    ip.identification = be16(identification);
    ++counts[index(worker_of_fragment(ip, 4))];
  }
  expect_even(counts, 8000);
}

}  // namespace
}  // namespace lapse::test
