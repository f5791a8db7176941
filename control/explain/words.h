// words.h - settings, moments and ends in the words of an explanation.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     moments count from the conversation's first packet, as in its ladder.
// Bytes:    UTF-8.
// Cost:     none.
// Lifetime: none.
// Spec:     none.
#pragma once

#include <string>

#include "control/explain/run.h"

namespace lapse::explain {

// "nobody set it: the default of nat-gateway (reference 1: NAT gateway, TCP connection; documented)", "the default of
// nat-gateway" without a row of its own,
// "set in nat-gateway.yaml:19", "set by --set natgw.timeouts.udp=60s".
std::string origin_text(const Origin& origin, const std::string& kind);

// "351.0 s": when it was in the conversation.
std::string moment(Instant instant, const story::Conversation& conversation);

// "late_packet.outside: drop, the default of nat-gateway".
std::string behaviour_text(const BoxFacts& box, Side side);
// "answers it with a RST", "drops it in silence".
std::string deed(LatePacket behaviour);

// The sysctl of a host as this run has it: "net.ipv4.tcp_keepalive_time of app is 7200, set in nat-gateway.yaml:24".
std::string keepalive_sysctl_text(const Run& run, const std::string& host);
// In seconds of that host's kernel.
Duration keepalive_sysctl(const Run& run, const std::string& host);
bool sets_keepalive_sysctl(const Run& run, const std::string& host);

}  // namespace lapse::explain
