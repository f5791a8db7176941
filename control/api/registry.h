// registry.h - which instances run on this machine: one folder each, with a lock that dies with its supervisor.
//
// Owner:    each folder belongs to the supervisor that holds its lock.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a folder listing.
// Lifetime: none.
// Spec:     design, "Control": one instance running needs no -t; several without it is an error that lists them.
//
//   ROOT/NAME/lock          held with flock(LOCK_EX) by the supervisor for its life
//   ROOT/NAME/control.sock  the API, mode 0600
//   ROOT/NAME/lab.json      what the lab made, for exec, shell and for cleaning up after a kill
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lapse::api {

// /run/lapse for root, $XDG_RUNTIME_DIR/lapse or /tmp/lapse-UID for others; created with mode 0700 when missing.
// Computed from the effective user of the caller: ask before entering a user namespace. LAPSE_RUNTIME_DIR overrides it.
absl::StatusOr<std::string> instances_root();

struct InstanceEntry {
  std::string name;
  std::string directory;
  std::string socket;
  bool alive = false;  // somebody holds the lock
};

std::vector<InstanceEntry> list_instances(const std::string& root);

// The one called 'name', or the only living one. The error lists what runs.
absl::StatusOr<InstanceEntry> find_instance(const std::string& root, const std::optional<std::string>& name);

}  // namespace lapse::api
