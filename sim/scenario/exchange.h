// exchange.h - a request and its answer, as the programs at both ends of a connection know them.
//
// Owner:    shared by who asks and who answers.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: until both have let go of it.
// Spec:     none.
//
// Simulated streams count bytes and carry none. What the bytes mean, both ends know from here: where a request ends, and
// whether the answer is the one that was asked for or a proxy's own.
#pragma once

#include <memory>

#include "sim/scenario/scenario.h"

namespace lapse::sim {

inline constexpr uint64_t kStatusOk = 200;
inline constexpr uint64_t kStatusClientGone = 499;  // nginx's number; no answer carries it
inline constexpr uint64_t kStatusBadGateway = 502;
inline constexpr uint64_t kStatusGatewayTimeout = 504;

struct Exchange {
  explicit Exchange(const Request& asked) : request(asked), response(asked.response) {}

  Request request;
  uint64_t response;  // bytes of the answer; who answers changes it before it writes
  uint64_t status = kStatusOk;
};
using ExchangePtr = std::shared_ptr<Exchange>;

}  // namespace lapse::sim
