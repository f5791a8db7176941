// ctl_commands.h - what each subcommand of `lapse ctl` does with a running instance.
//
// Owner:    ctl.cc, which parses.
// Memory:   ordinary.
// Time:     none but the instance's.
// Bytes:    JSON from the API, text for people.
// Cost:     a request each.
// Lifetime: none.
// Spec:     design, "Control".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "nlohmann/json.hpp"

#include "control/api/client.h"

namespace lapse::cli {

struct FlowsOptions {
  std::string box;
  bool all = false;
  bool json = false;
};
struct MetricsOptions {
  std::string box;
  bool json = false;
};
struct EventsOptions {
  bool follow = false;
  bool packets = false;
  uint64_t since = 0;
};
struct AddressChange {
  std::string box;
  std::string address;
  std::string drain;  // empty: as the box says
};
struct LadderArguments {
  std::string flow = "last";
  size_t columns = 0;  // 0: the terminal's
  bool json = false;
};

// Each prints, and returns what went wrong.
absl::Status ctl_status(const api::Client& client, bool json);
absl::Status ctl_flows(const api::Client& client, const FlowsOptions& options);
absl::Status ctl_metrics(const api::Client& client, const MetricsOptions& options);
absl::Status ctl_events(const api::Client& client, const EventsOptions& options);
absl::Status ctl_ladder(const api::Client& client, const LadderArguments& arguments);
absl::Status ctl_clock_show(const api::Client& client, bool json);
absl::Status ctl_clock_move(const api::Client& client, const nlohmann::json& move, bool json);
absl::Status ctl_addresses_show(const api::Client& client, bool json);
// 'way' is "associate" or "disassociate".
absl::Status ctl_addresses_change(const api::Client& client, const std::string& way, const AddressChange& change,
                                  bool json);

}  // namespace lapse::cli
