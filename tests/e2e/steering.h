// steering.h - which queue of a lab's tap the kernel gives every frame to: a test's choice instead of the kernel's.
//
// Owner:    the test; takes root.
// Memory:   none.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls.
// Lifetime: as long as the tap.
// Spec:     Linux, TUNSETSTEERINGEBPF: the program's answer, modulo the number of queues.
#pragma once

#include <string>

#include "tests/e2e/harness.h"

namespace lapse::test {

// Left alone, the kernel moves a flow to the queue that last sent on it: to the worker that has it already.
// Returns an empty string, or what failed.
std::string steer_to_queue(const Lab& lab, const std::string& tap, int queue);

}  // namespace lapse::test
