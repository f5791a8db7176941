// settings.h - `--set PATH=VALUE`: changes the document before it is checked.
//
// Owner:    one load of one file.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, `--set P=V`.
#pragma once

#include <string>
#include <vector>

#include "control/topology/document.h"
#include "control/topology/report.h"

namespace lapse::topology {

// PATH begins with the name of a box, host or link ("natgw.timeouts.icmp", "app.sysctls.net.ipv4.tcp_keepalive_time"),
// or with a key of the file itself ("start_at"); a number is a position in a list. VALUE is YAML. What is new is added,
// what is there is replaced, and both get the place "--set PATH=VALUE". A path that leads nowhere is reported.
void apply_settings(Node& root, const std::vector<std::string>& settings, Report& report);

}  // namespace lapse::topology
