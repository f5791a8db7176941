// to_json.h - what the data plane reports, as the API's JSON.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     every time is in seconds; "virtual_time" counts from the start of the instance.
// Bytes:    addresses and ports as text.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     design, "Control": every event and drop has a stable code.
#pragma once

#include <string>

#include "nlohmann/json.hpp"

#include "control/api/history.h"
#include "control/instance/instance.h"

namespace lapse::api {

double seconds(Duration duration);

// "2026-10-05T09:12:33.123456Z".
std::string wall_time_text(int64_t nanoseconds_since_epoch);

// 'wall_start' is the wall time at the real time 0 of the events.
nlohmann::json event_json(const NumberedEvent& event, const topology::Directory& directory, int64_t wall_start);
nlohmann::json flow_json(const FlowView& view, const topology::Directory& directory);
// The provider's metrics of one box, each with its unit and meaning.
nlohmann::json metrics_json(const BoxStatus& box, const topology::Directory& directory);
nlohmann::json status_json(const InstanceStatus& status, const topology::Directory& directory);

// "every 33 s to 66 s", or empty when no gap has been seen.
std::string cadence_text(const FlowView& view);
// "natgw/17.3 (tcp app:40000 > api:8080)".
std::string flow_text(const FlowView& view, const topology::Directory& directory);

}  // namespace lapse::api
