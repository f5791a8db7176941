// exit_status.h - what the `lapse` program's exit status means.
//
// Owner:    whoever returns one from main.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "Control": exit status.
#pragma once

namespace lapse {

// Of commands that do not start a program.
inline constexpr int kSuccess = 0;
inline constexpr int kExpectationFailed = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kEnvironment = 3;  // the machine lacks something; the message says what and how to get it
// Of commands that do: its own status, 128+N for a signal, and
inline constexpr int kVerdictFailed = 120;  // it succeeded; a verdict or an expectation did not
inline constexpr int kTimeLimit = 124;
inline constexpr int kLapseFailed = 125;
inline constexpr int kCannotExecute = 126;
inline constexpr int kNotFound = 127;

}  // namespace lapse
