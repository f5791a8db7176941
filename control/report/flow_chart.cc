#include "control/report/flow_chart.h"

#include <algorithm>
#include <cmath>

#include "control/story/text.h"

namespace lapse::report {
namespace {

constexpr double kLeft = 64;
constexpr double kRight = kChartWidth - 24;
constexpr double kTop = 16;
constexpr double kBottom = kChartHeight - 30;
constexpr double kSize = 11;
constexpr int kTicks = 4;

const TextStyle kAxisStyle{.size = kSize, .colour = Colour::kDim};

double x_of(Instant time, Instant end) {
  const double whole = std::max<double>(static_cast<double>(end.time_since_epoch().count()), 1);
  return kLeft + (kRight - kLeft) * static_cast<double>(time.time_since_epoch().count()) / whole;
}

// The curve's corners, at most a few for each pixel.
std::vector<Point> corners_of(const std::vector<FlowStep>& steps, Instant end, uint64_t most) {
  const auto y_of = [&](uint64_t flows) {
    return kBottom - (kBottom - kTop) * static_cast<double>(flows) / static_cast<double>(most);
  };
  std::vector<Point> corners{{kLeft, y_of(0)}};
  for (size_t at = 0; at < steps.size();) {
    const double x = std::round(x_of(steps[at].time, end) * 2) / 2;
    uint64_t highest = 0;
    uint64_t latest = 0;
    for (; at < steps.size() && std::round(x_of(steps[at].time, end) * 2) / 2 == x; ++at) {
      highest = std::max(highest, steps[at].flows);
      latest = steps[at].flows;
    }
    corners.push_back({x, corners.back().y});
    corners.push_back({x, y_of(highest)});
    corners.push_back({x, y_of(latest)});
  }
  corners.push_back({kRight, corners.back().y});
  return corners;
}

}  // namespace

Drawing draw_flow_chart(const std::vector<FlowStep>& steps, Instant end) {
  Drawing drawing;
  uint64_t most = 1;
  for (const FlowStep& step : steps) {
    most = std::max(most, step.flows);
  }
  const Stroke axis{.colour = Colour::kFaint};
  drawing.line({kLeft, kTop}, {kRight, kTop}, axis);
  drawing.line({kLeft, kBottom}, {kRight, kBottom}, axis);
  const TextStyle count{.size = kSize, .colour = Colour::kDim, .anchor = Anchor::kEnd};
  drawing.text({kLeft - 8, kTop + 4}, story::count_text(most), count);
  drawing.text({kLeft - 8, kBottom + 4}, "0", count);
  for (int tick = 0; tick <= kTicks; ++tick) {
    const Instant time(end.time_since_epoch() * tick / kTicks);
    const double x = x_of(time, end);
    drawing.line({x, kBottom}, {x, kBottom + 4}, axis);
    TextStyle style = kAxisStyle;
    style.anchor = tick == 0 ? Anchor::kStart : tick == kTicks ? Anchor::kEnd : Anchor::kMiddle;
    drawing.text({x, kBottom + 18}, story::about(time.time_since_epoch()), style);
  }
  drawing.path(corners_of(steps, end, most), {.colour = Colour::kAlive, .width = 2});
  return drawing;
}

}  // namespace lapse::report
