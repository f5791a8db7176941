#include "control/lab/join.h"

#include <cerrno>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/api/registry.h"
#include "control/exit_status.h"
#include "control/lab/files.h"
#include "control/lab/messages.h"
#include "control/lab/program_file.h"
#include "control/lab/prompt.h"
#include "control/lab/state.h"
#include "control/lab/warp.h"
#include "control/topology/text.h"

namespace lapse::lab {
namespace {

absl::StatusOr<LabState> find_lab(const std::optional<std::string>& name) {
  const auto root = api::instances_root();
  if (!root.ok()) {
    return root.status();
  }
  const auto instance = api::find_instance(*root, name);
  if (!instance.ok()) {
    return instance.status();
  }
  auto state = read_state(instance->directory);
  // An instance of `run` has a state without any.
  if (absl::IsNotFound(state.status()) || (state.ok() && state->namespaces.empty())) {
    return absl::FailedPreconditionError(absl::StrCat(instance->name, " has no hosts: it is no lab, or just starting"));
  }
  return state;
}

absl::StatusOr<UniqueFd> open_namespace(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return errno_status(errno, path);
  }
  return fd;
}

// An ordinary user's lab is in a user namespace and a mount namespace of its supervisor.
absl::Status enter_supervisors_namespaces(const LabState& state) {
  const auto user = open_namespace(absl::StrCat("/proc/", state.supervisor, "/ns/user"));
  const auto mounts = open_namespace(absl::StrCat("/proc/", state.supervisor, "/ns/mnt"));
  if (!user.ok() || !mounts.ok()) {
    return user.ok() ? mounts.status() : user.status();
  }
  if (setns(user->get(), CLONE_NEWUSER) != 0 || setns(mounts->get(), CLONE_NEWNS) != 0) {
    return errno_status(errno, absl::StrCat("entering the namespaces of process ", state.supervisor));
  }
  // Its own number means nobody inside; root is who the caller is there.
  if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0) {
    return errno_status(errno, "becoming root of the lab");
  }
  return absl::OkStatus();
}

absl::Status check_warpable(const LabState& state, const std::string& program) {
  if (state.factor == 1) {
    return absl::OkStatus();
  }
  const char* path = getenv("PATH");
  const auto why = why_not_warpable(program, path != nullptr ? path : "/usr/bin:/bin", state.caller.uid);
  if (why.ok() && *why) {
    return absl::FailedPreconditionError(absl::StrCat("`", program, "` cannot be warped, and the lab ", state.name,
                                                      " runs with --warp ", state.factor, ": ", **why));
  }
  return absl::OkStatus();
}

int fail(const absl::Status& status, int exit_status = kLapseFailed) {
  say(std::string(status.message()));
  return exit_status;
}

}  // namespace

int join_lab(const JoinOptions& options) {
  const auto state = find_lab(options.instance);
  if (!state.ok()) {
    return fail(state.status());
  }
  const std::string host = options.host.empty() ? state->start_at : options.host;
  const NamespaceRecord* record = state->find_host(host);
  if (record == nullptr) {
    const std::vector<std::string_view> hosts = state->host_names();
    return fail(absl::NotFoundError(
        host.empty() ? absl::StrCat("which host? ", state->name, " has ", topology::listed(hosts))
                     : absl::StrCat("the lab ", state->name, " has no host ", host, topology::suggestion(host, hosts),
                                    "it has ", topology::listed(hosts))));
  }
  if (auto status = check_warpable(*state, options.program.front()); !status.ok()) {
    return fail(status, kCannotExecute);
  }
  const auto found = namespace_at(record->path);
  if (!supervisor_lives(*state) || !found || !found->same_inode(record->id)) {
    return fail(absl::UnavailableError(absl::StrCat("the lab ", state->name, " has just ended")));
  }
  const auto network = open_namespace(record->path);
  if (!network.ok()) {
    return fail(network.status());
  }
  Program program;
  char directory[4096];
  program.directory = getcwd(directory, sizeof(directory)) != nullptr ? directory : "/";
  program.words = options.program;
  Environment changes = state->environment;
  changes["LAPSE_LAB"] = state->name;
  changes["LAPSE_HOST"] = host;
  program.environment = environment_with(changes);
  sigprocmask(SIG_SETMASK, nullptr, &program.signals);
  if (options.prompt_hint) {
    add_prompt_hint(program.environment, state->name, host);
  }
  if (state->in_user_namespace()) {
    if (auto status = enter_supervisors_namespaces(*state); !status.ok()) {
      return fail(status);
    }
  }
  const HostEntrance entrance{network->get(), state->hosts_file,
                              state->in_user_namespace() ? state->caller : find_caller(),
                              options.as_root ? Identity::kLabRoot : Identity::kCaller};
  const StartFailure failure = become_program(entrance, program);
  say(failure.message);
  return failure.exit_status;
}

}  // namespace lapse::lab
