// flow_chart.h - how many flows a box carried over virtual time, as a small drawing.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     virtual, to the right.
// Bytes:    UTF-8.
// Cost:     a pass over the steps.
// Lifetime: none.
// Spec:     none.
#pragma once

#include "control/report/drawing.h"
#include "control/report/ledger.h"

namespace lapse::report {

inline constexpr double kChartWidth = 560;
inline constexpr double kChartHeight = 132;

// From zero to 'end'. Steps closer than a pixel are drawn as their highest.
Drawing draw_flow_chart(const std::vector<FlowStep>& steps, Instant end);

}  // namespace lapse::report
