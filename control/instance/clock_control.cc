#include "control/instance/clock_control.h"

namespace lapse {

bool is_kept_alive(const FlowView& flow) {
  if (flow.flow.cadence == 0) {
    return false;
  }
  return (Duration(kTick) * (int64_t{1} << flow.flow.cadence)) < flow.timeout;
}

std::optional<FlowView> first_victim(const std::vector<FlowView>& flows, Duration duration) {
  std::optional<FlowView> first;
  for (const FlowView& flow : flows) {
    if (is_kept_alive(flow) && flow.left <= duration && (!first || flow.left < first->left)) {
      first = flow;
    }
  }
  return first;
}

std::optional<FlowView> first_to_expire(const std::vector<FlowView>& flows) {
  std::optional<FlowView> first;
  for (const FlowView& flow : flows) {
    if (!first || flow.left < first->left) {
      first = flow;
    }
  }
  return first;
}

}  // namespace lapse
