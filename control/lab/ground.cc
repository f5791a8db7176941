#include "control/lab/ground.h"

#include <cerrno>

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/api/registry.h"
#include "control/lab/cleanup.h"
#include "control/lab/files.h"
#include "control/lab/hosts_file.h"
#include "control/lab/messages.h"
#include "control/lab/user_namespace.h"

namespace lapse::lab {
namespace {

constexpr const char* kOwnName = "lapse";  // of the lab's own namespace, after the lab's name
constexpr std::chrono::milliseconds kPatienceAtTheEnd{1000};

std::string netns_path(const std::string& lab, const std::string& host) {
  return absl::StrCat("/run/netns/", lab, "-", host.empty() ? kOwnName : host);
}

std::string descriptor_path(const UniqueFd& fd) {
  return absl::StrCat("/proc/", getpid(), "/fd/", fd.get());
}

// Lets ping work without special rights, for as many groups as the writer's user namespace has. Best effort: not every
// kernel has the setting, and only ping would miss it.
void allow_ping() {
  for (const char* groups : {"0 2147483647", "0 65535", "0 0"}) {
    if (write_sysctl("net.ipv4.ping_group_range", groups).ok()) {
      return;
    }
  }
}

absl::Status about_host(const topology::Host& host, const absl::Status& status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat("host ", host.name, ": ", status.message()));
}

}  // namespace

Ground::Ground(const topology::Topology& topology, const LabOptions& options)
    : topology_(topology), options_(options), plan_(plan_wiring(topology)) {
  state_.name = options.name;
  state_.topology_file = topology.file;
  state_.start_at = topology.start_at;
  state_.boot_id = boot_id();
  state_.supervisor = getpid();
  state_.supervisor_start = start_of_process(getpid());
  state_.caller = find_caller();
  state_.factor = options.factor;
}

absl::Status Ground::prepare() {
  if (auto status = claim(); !status.ok()) {
    return status;
  }
  if (auto status = check_tun_device(); !status.ok()) {
    return status;
  }
  if (auto status = plan_warp(); !status.ok()) {
    return status;
  }
  if (auto status = plan_namespaces(); !status.ok()) {
    return status;
  }
  if (state_.in_user_namespace()) {
    const auto map = enter_user_namespace(state_.caller);
    if (!map.ok()) {
      return map.status();
    }
    single_id_ = *map == IdMap::kSingle;
  }
  if (auto status = make_namespaces(); !status.ok()) {
    return status;
  }
  for (const topology::Host& host : topology_.hosts) {
    if (auto status = about_host(host, set_up_host(host)); !status.ok()) {
      return status;
    }
  }
  return save();
}

absl::Status Ground::claim() {
  const auto root = api::instances_root();
  if (!root.ok()) {
    return root.status();
  }
  for (const std::string& problem : clean_up_after_the_dead(*root)) {
    say(problem);
  }
  auto lock = claim_folder(*root, options_.name);
  if (!lock.ok()) {
    return lock.status();
  }
  lock_ = std::move(*lock);
  directory_ = absl::StrCat(*root, "/", options_.name);
  // Alone in its folder: see enter_host().
  state_.hosts_file = directory_ + "/etc/hosts";
  if (mkdir((directory_ + "/etc").c_str(), 0755) != 0 && errno != EEXIST) {
    return errno_status(errno, directory_);
  }
  return replace_file(state_.hosts_file, hosts_file(topology_, read_file("/etc/hosts").value_or("")));
}

absl::Status Ground::plan_warp() {
  if (options_.factor == 1) {
    return save();
  }
  const auto libraries = find_warp_libraries();
  if (!libraries.ok()) {
    return libraries.status();
  }
  warp_files_ = plan_warp_files(options_.name);
  state_.environment = warp_environment(*libraries, warp_files_, options_.factor);
  state_.shared_memory = warp_files_.paths();
  if (auto status = save(); !status.ok()) {
    return status;
  }
  return make_warp_files(warp_files_);
}

absl::Status Ground::plan_namespaces() {
  std::vector<std::string> hosts{""};
  for (const topology::Host& host : topology_.hosts) {
    hosts.push_back(host.name);
  }
  for (const std::string& host : hosts) {
    const std::string path = netns_path(options_.name, host);
    if (!state_.in_user_namespace() && access(path.c_str(), F_OK) == 0) {
      state_.namespaces.clear();
      return absl::AlreadyExistsError(absl::StrCat("a network namespace called ", path.substr(path.rfind('/') + 1),
                                                   " exists and is none of lapse's: give the lab another --name, or ",
                                                   "`ip netns delete` it"));
    }
    state_.namespaces.push_back({host, state_.in_user_namespace() ? "" : path, {}});
  }
  return save();
}

absl::Status Ground::name_namespace(NamespaceRecord& record, const UniqueFd& fd) {
  const auto id = identify_network_namespace(fd.get());
  if (!id.ok()) {
    return id.status();
  }
  record.id = *id;
  if (state_.in_user_namespace()) {
    record.path = descriptor_path(fd);
    return absl::OkStatus();
  }
  return bind_network_namespace(fd.get(), record.path);
}

absl::Status Ground::make_namespaces() {
  // An ordinary user's lab has its own with the user namespace; root's enters one now. Nothing else is wanted of the
  // machine's own from here on.
  if (!state_.in_user_namespace() && unshare(CLONE_NEWNET) != 0) {
    return errno_status(
        errno, "making a network namespace (in a container lapse needs the right to: docker run --privileged)");
  }
  auto own = open_own_network_namespace();
  if (!own.ok()) {
    return own.status();
  }
  own_ = std::move(*own);
  if (auto status = prepare_namespace(); !status.ok()) {
    return status;
  }
  for (NamespaceRecord& record : state_.namespaces) {
    if (!record.host.empty()) {
      auto made = make_network_namespace();
      if (!made.ok()) {
        return made.status();
      }
      hosts_[record.host] = std::move(*made);
    }
    if (auto status = name_namespace(record, record.host.empty() ? own_ : hosts_[record.host]); !status.ok()) {
      return status;
    }
  }
  if (auto status = save(); !status.ok()) {
    return status;
  }
  auto lab = Netlink::open_in(own_.get());
  return lab.ok() ? build_bridges(*lab, plan_) : lab.status();
}

absl::Status Ground::set_up_host(const topology::Host& host) {
  const int fd = namespace_of(host.name);
  if (auto status = inside_network_namespace(fd, prepare_namespace); !status.ok()) {
    return status;
  }
  auto lab = Netlink::open_in(own_.get());
  if (!lab.ok()) {
    return lab.status();
  }
  if (auto status = connect_host(*lab, plan_, topology_, host, fd); !status.ok()) {
    return status;
  }
  return inside_network_namespace(fd, [this, &host]() -> absl::Status {
    allow_ping();
    for (const auto& [key, value] : host.sysctls) {
      if (auto status = write_sysctl(key, value); !status.ok()) {
        return status;
      }
    }
    if (options_.factor == 1) {
      return absl::OkStatus();
    }
    auto scaled = warp_sysctls(host.name, options_.factor);
    if (!scaled.ok()) {
      return scaled.status();
    }
    scaled_.insert(scaled_.end(), scaled->begin(), scaled->end());
    return absl::OkStatus();
  });
}

absl::Status Ground::attach_taps() {
  auto lab = Netlink::open_in(own_.get());
  return lab.ok() ? lab::attach_taps(*lab, plan_) : lab.status();
}

void Ground::clear() {
  if (directory_.empty()) {
    return;
  }
  std::vector<NamespaceId> held;
  for (const NamespaceRecord& record : state_.namespaces) {
    held.push_back(record.id);
  }
  if (auto status = end_processes(held, kPatienceAtTheEnd); !status.ok()) {
    say(std::string(status.message()));
  }
  remove_things(state_, directory_);
}

HostEntrance Ground::entrance(const std::string& host, Identity identity) const {
  return {namespace_of(host), state_.hosts_file, state_.caller, identity};
}

Environment Ground::environment(const std::string& host) const {
  Environment changes = state_.environment;
  changes["LAPSE_LAB"] = options_.name;
  changes["LAPSE_HOST"] = host;
  return environment_with(changes);
}

}  // namespace lapse::lab
