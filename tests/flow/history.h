// history.h - what several threads did to one key, and whether any order of it explains what they saw.
//
// The key is free, or held by a flow that is opening, or by one that is live. Each operation took effect at one moment
// between its invocation and its response; check() searches for such moments (Wing and Gong 1993; Lowe 2017, just in
// time: only where a response forces it).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lapse::test {

struct Operation {
  enum class Kind : uint8_t {
    kInserted,   // put() gave the key to 'flow'
    kTaken,      // put() found the key held
    kPublished,  // 'flow' was made visible
    kEnded,      // 'flow' was killed, expired or rolled back
    kFound,      // find() returned 'flow'
    kMissed,     // find() returned none
  };
  static constexpr uint64_t kNoFlow = 0;

  uint64_t invoked = 0;
  uint64_t returned = 0;
  uint64_t flow = kNoFlow;  // record and generation: no two flows of a history are the same
  Kind kind{};
};

// "" when the history is linearizable; else the operation that no order explains, and those around it.
//
// A put that meets another one of its key may be refused even when that one comes to nothing, so kTaken needs no reason
// while another put of the key is under way.
std::string check(std::vector<Operation> history);

std::string to_string(const Operation& operation);

}  // namespace lapse::test
