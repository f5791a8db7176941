// prometheus.h - what an instance has counted, in Prometheus' text format.
//
// Owner:    none; pure functions.
// Memory:   the whole text, some hundred lines a box.
// Time:     times are in seconds; counters count from the start of the instance, in virtual time as in real time.
// Bytes:    of the provider's metrics IP packets, of links whole frames.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     https://prometheus.io/docs/instrumenting/exposition_formats, /docs/practices/naming; control/metrics/README.md.
#pragma once

#include <string>
#include <string_view>

#include "control/instance/instance.h"

namespace lapse::api {

inline constexpr std::string_view kPrometheusType = "text/plain; version=0.0.4; charset=utf-8";

// Each series carries the name of the topology. A counter by reason or kind is there from the start, at zero: one that
// appeared with its first drop would hide it from increase().
std::string prometheus_text(const InstanceStatus& status, const topology::Directory& directory,
                            const std::string& topology);

}  // namespace lapse::api
