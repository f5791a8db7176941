// verdict.h - what came of a story for its programs, in one word.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     virtual.
// Bytes:    none.
// Cost:     a pass over programs, logs and what boxes forgot.
// Lifetime: none.
// Spec:     below. It looks at what the programs have lived through and at the words of the steps, never at the settings of a
//           sweep; and not at the story's expectations, which are about one point of it.
//
// Every program is owed what the steps say to it: of a client the answers to its requests and what the server sends unasked,
// of a server the requests and what the client sends. The verdict on a connection is the first of these that holds:
//
//   hangs     its client waits for an answer, at a time when no timer is left that could tell it anything; or it has given up
//             after silence, by its own patience (TIMEOUT) or its kernel's (ETIMEDOUT; ENETRESET of Windows' keepalive), or its proxy
//             has for it (504); or an end lacks what it is owed, and no error has told the client of it. So does a datagram
//             that is lost.
//   reset     its client lacks something that is owed on it, or was owed nothing at all, and an error said so:
//             ECONNRESET, EPIPE, ECONNREFUSED, EOF before the answer, a proxy's 502. So does a server's error, where the
//             client has noticed nothing and nothing is lacking, because nothing was owed.
//   recovers  everybody has got everything, but the client has lost a connection and opened another for it. What it had said
//             unasked it does not say again: words lost with the connection are lacking.
//   survives  everybody has got everything on the first connection. What happens to the connection afterwards, in a silence
//             that no step ends, does not count.
//
// The verdict on a run is the worst of its connections: hangs, reset, recovers, survives. `error` is a run that could not be
// played.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/scenario/runner.h"

namespace lapse::sim {

// In the order of gravity.
enum class Fate : uint8_t { kSurvives, kRecovers, kReset, kHangs, kError };
inline constexpr size_t kFateCount = 5;
std::string_view name(Fate fate);

struct Verdict {
  Fate fate = Fate::kSurvives;
  // Of the connection that decides, where it did not survive:
  std::string program;  // "app (c1)"
  std::string error;    // "ECONNRESET", "504"; empty: it waits, or lacks something and does not know
  bool waits = false;
  Instant at{};  // of the error, or the beginning of the wait
  // Where it did not survive: the box that had forgotten a connection before, and when.
  std::string box;
  Instant forgot_at{};
  std::string reason;  // kError: why

  // "hangs: app (c1) waits since 0 s; natgw forgot at 350 s".
  std::string sentence() const;
};

Verdict verdict(const Scenario& scenario, const Outcome& outcome);

}  // namespace lapse::sim
