// summary.h - what a run says when it is up, and when it is over.
//
// Owner:    none; pure functions.
// Memory:   ordinary.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "Conservation".
#pragma once

#include <string>

#include "control/instance/instance.h"

namespace lapse::run {

// A line for each device: how it was configured.
std::string ports_text(const InstanceStatus& status, const topology::Directory& directory);

// Packets, drops by reason and what each worker did, a line each.
std::string summary_text(const InstanceStatus& status, const topology::Directory& directory);

}  // namespace lapse::run
