#include "control/lab/user_namespace.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "control/lab/files.h"
#include "control/lab/unique_fd.h"

namespace lapse::lab {
namespace {

std::optional<std::string> read_setting(const std::string& path) {
  auto text = read_file(path);
  if (!text.ok()) {
    return std::nullopt;
  }
  absl::StripAsciiWhitespace(&*text);
  return *text;
}

absl::Status refused(RefusedStep step, int error) {
  return absl::FailedPreconditionError(explain_refusal(step, error, read_setting));
}

bool run_id_tool(const char* tool, pid_t target, uint32_t own, const IdRange& range) {
  const std::array<std::string, 8> words{tool,
                                         std::to_string(target),
                                         "0",
                                         std::to_string(own),
                                         "1",
                                         "1",
                                         std::to_string(range.first),
                                         std::to_string(range.count)};
  const pid_t child = fork();
  if (child == 0) {
    std::array<char*, 9> argv{};
    for (size_t i = 0; i < words.size(); ++i) {
      argv[i] = const_cast<char*>(words[i].c_str());
    }
    const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDERR_FILENO);
    execvp(tool, argv.data());
    _exit(127);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// The tools must run outside the new namespace, so a child is made before it exists and told when it does.
class RangeMapper {
 public:
  RangeMapper(const Caller& caller, const IdRange& uids, const IdRange& gids) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
      return;
    }
    UniqueFd go(ends[0]);
    tell_ = UniqueFd(ends[1]);
    const pid_t target = getpid();
    child_ = fork();
    if (child_ == 0) {
      tell_.reset();
      char byte = 0;
      const bool told = read(go.get(), &byte, 1) == 1;
      const bool done = told && run_id_tool("newuidmap", target, caller.uid, uids) &&
                        run_id_tool("newgidmap", target, caller.gid, gids);
      _exit(done ? 0 : 1);
    }
  }

  // True when both maps are written.
  bool finish(bool proceed) {
    if (proceed) {
      (void)!write(tell_.get(), "g", 1);
    }
    tell_.reset();
    int status = 0;
    return child_ > 0 && waitpid(child_, &status, 0) == child_ && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  UniqueFd tell_;
  pid_t child_ = -1;
};

bool map_is_empty(const char* path) {
  const auto text = read_file(path);
  return text.ok() && text->empty();
}

absl::Status write_single_map(const Caller& caller) {
  if (map_is_empty("/proc/self/uid_map")) {
    if (auto status = write_existing("/proc/self/uid_map", absl::StrCat("0 ", caller.uid, " 1")); !status.ok()) {
      return status;
    }
  }
  if (auto status = write_existing("/proc/self/setgroups", "deny"); !status.ok()) {
    return status;
  }
  return write_existing("/proc/self/gid_map", absl::StrCat("0 ", caller.gid, " 1"));
}

}  // namespace

std::optional<IdRange> find_id_range(std::string_view file, const std::string& user, uint32_t uid) {
  for (const auto line : absl::StrSplit(absl::string_view(file.data(), file.size()), '\n')) {
    const std::vector<std::string> fields = absl::StrSplit(line, ':');
    IdRange range;
    if (fields.size() == 3 && (fields[0] == user || fields[0] == std::to_string(uid)) &&
        absl::SimpleAtoi(fields[1], &range.first) && absl::SimpleAtoi(fields[2], &range.count) && range.count > 0) {
      return range;
    }
  }
  return std::nullopt;
}

absl::StatusOr<IdMap> enter_user_namespace(const Caller& caller) {
  const auto uids = find_id_range(read_file("/etc/subuid").value_or(""), caller.user, caller.uid);
  const auto gids = find_id_range(read_file("/etc/subgid").value_or(""), caller.user, caller.uid);
  std::optional<RangeMapper> mapper;
  if (uids && gids) {
    mapper.emplace(caller, *uids, *gids);
  }
  const bool made = unshare(CLONE_NEWUSER) == 0;
  const int error = errno;
  IdMap map = mapper && mapper->finish(made) ? IdMap::kRange : IdMap::kSingle;
  if (!made) {
    return refused(RefusedStep::kUserNamespace, error);
  }
  if (map == IdMap::kSingle) {
    if (auto status = write_single_map(caller); !status.ok()) {
      return refused(RefusedStep::kIdMap, EPERM);
    }
  } else if (setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0) {
    return refused(RefusedStep::kIdMap, errno);
  }
  if (unshare(CLONE_NEWNS | CLONE_NEWNET) != 0) {
    return refused(RefusedStep::kOtherNamespaces, errno);
  }
  if (mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return refused(RefusedStep::kOtherNamespaces, errno);
  }
  return map;
}

std::string explain_refusal(RefusedStep step, int error, const SettingReader& setting) {
  const std::string what =
      absl::StrCat("this machine does not let an ordinary user make namespaces (", strerror(error), ")");
  const auto remedy = [&what](const std::string& text) {
    return absl::StrCat(what, "; ", text, ", or run lapse with sudo");
  };
  // AppArmor lets the namespace be made and takes its rights away afterwards.
  if (step != RefusedStep::kUserNamespace &&
      setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").value_or("0") != "0") {
    return remedy("AppArmor restricts them: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
  }
  if (setting("/proc/sys/kernel/unprivileged_userns_clone").value_or("1") == "0") {
    return remedy("allow it: sudo sysctl kernel.unprivileged_userns_clone=1");
  }
  const bool net = step == RefusedStep::kOtherNamespaces && error == ENOSPC;
  if (setting("/proc/sys/user/max_user_namespaces").value_or("1") == "0" || (error == ENOSPC && !net)) {
    return remedy("there may be no more of them: sudo sysctl user.max_user_namespaces=15000");
  }
  if (net) {
    return remedy(
        "there may be no more of them: sudo sysctl user.max_net_namespaces=15000 "
        "user.max_mnt_namespaces=15000");
  }
  if (setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").value_or("0") != "0") {
    return remedy("AppArmor restricts them: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0");
  }
  return remedy("in a chroot or a container without that right they cannot be made (docker run --privileged)");
}

absl::Status check_tun_device() {
  UniqueFd tun(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (tun.valid()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(explain_tun(errno, geteuid() != 0));
}

std::string explain_tun(int error, bool ordinary_user) {
  const std::string what = absl::StrCat("/dev/net/tun: ", strerror(error), ": a lab's taps need it");
  switch (error) {
    case EACCES:
    case EPERM:
      return absl::StrCat(what, ordinary_user ? "; sudo chmod 0666 /dev/net/tun"
                                              : "; in a container start it with --device /dev/net/tun");
    case ENOENT:
    case ENODEV:
    case ENXIO:
      return absl::StrCat(what, "; ", ordinary_user ? "sudo " : "",
                          "modprobe tun (in a container: start it with --device /dev/net/tun)");
    default:
      return what;
  }
}

std::optional<std::string> service_needing_ids(const std::string& run) {
  static constexpr std::array<const char*, 10> kServices{"sshd",     "nginx",  "postgres", "apache2",      "haproxy",
                                                         "mariadbd", "mysqld", "named",    "redis-server", "squid"};
  for (const auto word : absl::StrSplit(run, absl::ByAnyChar(" \t;&|"))) {
    const absl::string_view name = word.substr(word.rfind('/') == absl::string_view::npos ? 0 : word.rfind('/') + 1);
    for (const char* service : kServices) {
      if (name == service) {
        return std::string(name);
      }
    }
  }
  return std::nullopt;
}

}  // namespace lapse::lab
