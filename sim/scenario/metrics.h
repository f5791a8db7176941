// metrics.h - what the provider of a box would have counted, by the provider's names.
//
// Owner:    none; pure functions.
// Memory:   none.
// Time:     a gauge is that of 'now'; a count that of the whole run.
// Bytes:    IP packets, as the provider counts them: without the Ethernet header.
// Cost:     ActiveConnectionCount reads every record of the table; ConnectionAttemptCount and IdleTimeoutCount every event.
// Lifetime: none.
// Spec:     aws-behaviour 9.1, C-16 (each SYN once, established on the answer), C-17 (at the transition).
//
// Whether a late packet from outside is one of PacketsDropCount, the provider does not say; here it is.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/net/network.h"

namespace lapse::sim {

// Of a nat-gateway. The peaks are not among them: they are of a minute, and these are of a run.
std::span<const std::string_view> nat_gateway_metrics();

// 'metric' is one of nat_gateway_metrics(), 'events' all that are no packets.
uint64_t nat_gateway_metric(Network& network, BoxId box, std::string_view metric, std::span<const Event> events,
                            Instant now);

// Flows that a box still remembers at 'now'.
uint64_t living_flows(Network& network, BoxId box, Instant now);

}  // namespace lapse::sim
