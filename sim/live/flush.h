// flush.h - waits until everything that this host has sent has passed the box at an address, and has come back if it would.
//
// Owner:    none.
// Memory:   a frame.
// Time:     real; gives up after a few seconds.
// Bytes:    wire order.
// Cost:     one ARP request and its answer, which overtake nothing on their way.
// Lifetime: none.
// Spec:     RFC 826.
#pragma once

#include <string>

namespace lapse::live {

// 0, or an errno: ETIMEDOUT when no answer comes. Needs CAP_NET_RAW.
int flush(const std::string& interface, const std::string& address);

}  // namespace lapse::live
