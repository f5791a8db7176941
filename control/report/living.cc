#include "control/report/living.h"

namespace lapse::report {

LivingFlow living_flow(BoxId box, const FlowSnapshot& flow, Instant last_seen, Duration timeout) {
  const bool is_tcp = flow.original.protocol == static_cast<uint8_t>(Protocol::kTcp);
  return {.key = {box, static_cast<uint32_t>(flow.id), flow.control.generation},
          .state = is_tcp ? std::string(name(flow.control.tcp_state)) : "open",
          .last_seen = last_seen,
          .timeout = timeout,
          .timeout_class = flow.control.timeout_class};
}

std::vector<LivingFlow> living_flows(BoxId box, const FlowTable& table, Instant now) {
  std::vector<LivingFlow> living;
  for (uint32_t id = 0; id < table.record_count(); ++id) {
    const auto flow = table.snapshot(FlowId{id});
    if (!flow || to_tick(now) - flow->last_seen >= table.timeouts().dead_after(flow->control.timeout_class)) {
      continue;
    }
    const Duration timeout = std::chrono::milliseconds(table.timeouts().milliseconds(flow->control.timeout_class));
    living.push_back(living_flow(box, *flow, to_instant(flow->last_seen, now), timeout));
  }
  return living;
}

}  // namespace lapse::report
