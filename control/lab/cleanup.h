// cleanup.h - nothing of a lab is left: its processes, namespaces, shared memory and folder.
//
// Owner:    the supervisor for its own lab; the next start of any lab of the same user for one that was killed.
// Memory:   ordinary.
// Time:     real; waits for processes to die are bounded.
// Bytes:    none.
// Cost:     one pass over /proc for each try.
// Lifetime: none.
// Spec:     issue A, "Done when" 8.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/lab/state.h"
#include "control/lab/unique_fd.h"

namespace lapse::lab {

// Processes, this one left out, whose network namespace has one of these inodes.
std::vector<int> processes_inside(const std::vector<NamespaceId>& namespaces);

// Signals each process inside that 'certain' agrees to; a process that was replaced by another in between is spared.
// Returns those still there after 'patience'.
using Certain = std::function<bool(int pid, const NamespaceId& found)>;
std::vector<int> signal_inside(const std::vector<NamespaceId>& namespaces, int signal,
                               std::chrono::milliseconds patience, const Certain& certain);

// Ends everything inside namespaces that the caller holds open: politely, then not.
absl::Status end_processes(const std::vector<NamespaceId>& held, std::chrono::milliseconds patience);

// Names under /run/netns, shared memory, and the folder with all that is in it.
void remove_things(const LabState& state, const std::string& directory);

// The folder of a new instance, locked; kAlreadyExists when a living one has it.
absl::StatusOr<UniqueFd> claim_folder(const std::string& root, const std::string& name);

// Cleans up after every lab below 'root' whose supervisor is gone. Called by the owner of the labs, outside of any
// user namespace. Returns a sentence for each thing that could not be removed.
std::vector<std::string> clean_up_after_the_dead(const std::string& root);

}  // namespace lapse::lab
