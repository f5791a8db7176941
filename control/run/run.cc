#include "control/run/run.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/api/registry.h"
#include "control/exit_status.h"
#include "control/lab/cleanup.h"
#include "control/lab/messages.h"
#include "control/lab/state.h"
#include "control/lab/unique_fd.h"
#include "control/run/cores.h"
#include "control/run/preflight.h"
#include "control/run/summary.h"
#include "control/serving/serving.h"
#include "control/story/text.h"

namespace lapse::run {
namespace {

using lab::say;

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// The instance's folder, which others find it by, for as long as this object lives.
class Folder {
 public:
  static absl::StatusOr<Folder> claim(const std::string& name) {
    const auto root = api::instances_root();
    if (!root.ok()) {
      return root.status();
    }
    for (const std::string& problem : lab::clean_up_after_the_dead(*root)) {
      say(problem);
    }
    auto lock = lab::claim_folder(*root, name);
    if (!lock.ok()) {
      return lock.status();
    }
    Folder folder(absl::StrCat(*root, "/", name), *std::move(lock));
    // So that others see at once that whoever holds the lock lives.
    lab::LabState state;
    state.name = name;
    state.boot_id = lab::boot_id();
    state.supervisor = getpid();
    state.supervisor_start = lab::start_of_process(getpid());
    if (absl::Status status = lab::write_state(state, folder.path_); !status.ok()) {
      return status;
    }
    return folder;
  }
  Folder(Folder&&) = default;
  Folder& operator=(Folder&&) = default;
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    if (lock_.valid()) {
      std::error_code error;
      std::filesystem::remove_all(path_, error);
    }
  }

  std::string socket() const { return path_ + "/control.sock"; }

 private:
  Folder(std::string path, lab::UniqueFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}

  std::string path_;
  lab::UniqueFd lock_;
};

size_t worker_count(const topology::Topology& topology, const RunOptions& options) {
  if (!options.cores.empty()) {
    return options.cores.size();
  }
  size_t most = 1;
  for (const topology::Port& port : topology.ports) {
    most = std::max<size_t>(most, port.queues.value_or(1));
  }
  return most;
}

// What is not a worker keeps off the workers' cores, where there are others.
void leave_cores_to_workers(const std::vector<int>& cores) {
  cpu_set_t rest;
  if (cores.empty() || sched_getaffinity(0, sizeof(rest), &rest) != 0) {
    return;
  }
  for (const int core : cores) {
    CPU_CLR(core, &rest);
  }
  if (CPU_COUNT(&rest) > 0) {
    sched_setaffinity(0, sizeof(rest), &rest);
  }
}

bool passes(const Preflight& preflight, const topology::Topology& topology) {
  for (const std::string& warning : preflight.warnings) {
    say("warning: " + warning);
  }
  for (const std::string& error : preflight.errors) {
    say("error: " + error);
  }
  if (!preflight.errors.empty()) {
    say(absl::StrCat(topology.file, ": ", story::counted(preflight.errors.size(), "error"), "; nothing was started"));
  }
  return preflight.errors.empty();
}

ServingOptions serving_options(const topology::Topology& topology, const RunOptions& options, const Request& request,
                               const Preflight& preflight) {
  ServingOptions serving;
  serving.name = options.name;
  InstanceOptions& instance = serving.instance;
  instance.workers = request.workers;
  instance.cores = request.cores;
  instance.polling = request.spins ? Polling::kSpin : Polling::kAdaptive;
  instance.verbose = options.verbose;
  instance.memory = preflight.memory;
  instance.memory_mebibytes = preflight.memory_mebibytes;
  instance.say = [](const std::string& sentence) { say(sentence); };
  const std::vector<io::PortWish> wishes = wishes_of(topology, request.workers);
  for (size_t number = 0; number < topology.ports.size(); ++number) {
    const topology::Port& port = topology.ports[number];
    instance.ports[port.link] = port.device;
    instance.wishes[port.link] = wishes[number];
  }
  return serving;
}

void say_notes(const InstanceStatus& status, const topology::Directory& directory, const Preflight& preflight) {
  for (const LinkStatus& link : status.links) {
    const std::string& name = directory.links[index(link.link)].name;
    if (!link.port || preflight.queues_told.contains(name)) {
      continue;
    }
    for (const std::string& note : link.port->plan.notes) {
      say(absl::StrCat("warning: ports.", name, ": ", note));
    }
  }
}

void print_start(Instance& instance, const RunOptions& options, const Request& request) {
  const std::string target = options.name == instance.topology().name ? "" : absl::StrCat(" -t ", options.name);
  print(absl::StrCat("run ", options.name, " is up: ", story::counted(request.workers, "worker"),
                     request.cores.empty() ? ""
                                           : absl::StrCat(request.cores.size() == 1 ? " on core " : " on cores ",
                                                          cores_text(request.cores)),
                     request.spins ? ", polling all the time" : ", asleep when idle", "; Ctrl-C ends it\n",
                     ports_text(instance.status(), instance.directory()), "  lapse ctl", target,
                     " status | flows | metrics | events | clock | ladder\n"));
}

void wait_for_the_end(int signals) {
  pollfd end{.fd = signals, .events = POLLIN, .revents = 0};
  while (poll(&end, 1, -1) != 1) {
  }
}

}  // namespace

int run(const topology::Topology& topology, const RunOptions& options) {
  const Request request{topology, worker_count(topology, options), options.cores,
                        !options.cores.empty() && !options.adaptive};
  const Preflight preflight = check(request, look_at_machine("", topology));
  if (!passes(preflight, topology)) {
    return kEnvironment;
  }
  const auto folder = Folder::claim(options.name);
  if (!folder.ok()) {
    say(std::string(folder.status().message()));
    return absl::IsAlreadyExists(folder.status()) ? kBadInput : kEnvironment;
  }
  const lab::UniqueFd signals(block_signals());
  leave_cores_to_workers(request.cores);
  ServingOptions serving_as = serving_options(topology, options, request, preflight);
  serving_as.socket_path = folder->socket();
  const auto serving = Serving::start(topology, serving_as);
  if (!serving.ok()) {
    say(absl::StrCat("error: ", serving.status().message(), "; nothing was started"));
    return kEnvironment;
  }
  Instance& instance = (*serving)->instance();
  say_notes(instance.status(), instance.directory(), preflight);
  print_start(instance, options, request);
  wait_for_the_end(signals.get());
  (*serving)->finish();
  print(absl::StrCat("run ", options.name, " is over\n", summary_text(instance.status(), instance.directory())));
  return kSuccess;
}

}  // namespace lapse::run
