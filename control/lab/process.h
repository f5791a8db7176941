// process.h - programs inside a host of the lab.
//
// Owner:    the supervisor (spawn) or `exec` (enter_host); single-threaded.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     one fork.
// Lifetime: a spawned program gets SIGKILL when its supervisor dies.
// Spec:     design, section 8: CMD runs as the invoking user, with environment and directory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <signal.h>
#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/lab/caller.h"

namespace lapse::lab {

enum class Identity {
  kCaller,   // CMD
  kLabRoot,  // services, and `--root`
};

// Where a program goes.
struct HostEntrance {
  int network_namespace = -1;
  std::string hosts_file;  // shown as /etc/hosts
  Caller caller;
  Identity identity = Identity::kCaller;
};

// The calling process goes there for good. It keeps its working directory.
absl::Status enter_host(const HostEntrance& entrance);

using Environment = std::map<std::string, std::string>;

// This process's environment with 'changes'; LD_PRELOAD is put before what is there already.
Environment environment_with(const Environment& changes);

struct Program {
  std::vector<std::string> words;
  Environment environment;
  std::string directory;  // empty: the supervisor's
  std::string log;        // output of a service, whose input is then /dev/null; empty: the supervisor's terminal
  sigset_t signals{};     // the mask that it starts with
};

// Why a program did not start, with the status that a shell would give.
struct StartFailure {
  int exit_status = 125;
  std::string message;
};

struct Started {
  pid_t pid = -1;
  StartFailure failure;  // where pid is -1
};

Started spawn(const HostEntrance& entrance, const Program& program);

// Replaces the calling process; returns only on failure.
StartFailure become_program(const HostEntrance& entrance, const Program& program);

}  // namespace lapse::lab
