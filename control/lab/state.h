// state.h - lab.json: what a lab made, for those who join it and for those who clean up after it was killed.
//
// Owner:    written by the supervisor before it makes a thing and again when it knows more; others read.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     one small file.
// Lifetime: the instance's folder.
// Spec:     control/api/registry.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/lab/caller.h"
#include "control/lab/namespaces.h"

namespace lapse::lab {

struct NamespaceRecord {
  std::string host;  // empty: the lab's own, with data plane, taps and bridges
  std::string path;  // to open it from outside: under /run/netns, or the supervisor's descriptor
  NamespaceId id;    // inode 0: not made yet
};

struct LabState {
  std::string name;
  std::string topology_file;
  std::string start_at;
  std::string boot_id;  // after a reboot no number here means anything
  int supervisor = 0;
  uint64_t supervisor_start = 0;  // in ticks since boot: tells it from a later process with its number
  Caller caller;
  std::vector<NamespaceRecord> namespaces;
  std::string hosts_file;
  unsigned factor = 1;                             // of the warp
  std::map<std::string, std::string> environment;  // of every program, besides the caller's own
  std::vector<std::string> shared_memory;          // files under /dev/shm

  bool in_user_namespace() const { return caller.kind == Caller::Kind::kOrdinary; }
  const NamespaceRecord* find_host(const std::string& host) const;
  std::vector<std::string_view> host_names() const;
};

std::string state_path(const std::string& directory);
absl::Status write_state(const LabState& state, const std::string& directory);
absl::StatusOr<LabState> read_state(const std::string& directory);
absl::StatusOr<LabState> parse_state(const std::string& text);

std::string boot_id();
// In ticks since boot; 0 when there is no such process.
uint64_t start_of_process(int pid);
uint64_t parse_start_time(const std::string& stat_line);
bool supervisor_lives(const LabState& state);

}  // namespace lapse::lab
