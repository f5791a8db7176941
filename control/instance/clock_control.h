// clock_control.h - which flows stand in the way of moving the clock, and how far it may go.
//
// Owner:    none; pure functions of copied flows.
// Memory:   none.
// Time:     virtual durations.
// Bytes:    none.
// Cost:     one pass over the flows.
// Lifetime: none.
// Spec:     design, "Honest time": a jump is for runs without keepalive.
#pragma once

#include <optional>
#include <vector>

#include "control/instance/instance.h"

namespace lapse {

// Whether the flow was refreshed at a cadence below its timeout: something would have kept it alive, given real time.
bool is_kept_alive(const FlowView& flow);

// Of the flows that are kept alive and would be over within 'duration' (left <= duration), the one that is over first.
std::optional<FlowView> first_victim(const std::vector<FlowView>& flows, Duration duration);

// The living flow whose time is over first.
std::optional<FlowView> first_to_expire(const std::vector<FlowView>& flows);

}  // namespace lapse
