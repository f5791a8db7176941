#include "control/lab/namespaces.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/lab/files.h"

namespace lapse::lab {
namespace {

constexpr const char* kOwnNetwork = "/proc/thread-self/ns/net";
constexpr const char* kNamedNamespaces = "/run/netns";

uint64_t own_cookie() {
#ifdef SO_NETNS_COOKIE
  UniqueFd any(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  if (any.valid() && getsockopt(any.get(), SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0) {
    return cookie;
  }
#endif
  return 0;
}

// Mounts inside this folder must reach the mount namespaces that others copied from ours, or a name removed here
// would stay busy there; `ip netns add` does the same.
absl::Status share_named_namespaces() {
  if (mkdir(kNamedNamespaces, 0755) != 0 && errno != EEXIST) {
    return errno_status(errno, kNamedNamespaces);
  }
  if (mount("", kNamedNamespaces, "none", MS_SHARED | MS_REC, nullptr) == 0) {
    return absl::OkStatus();
  }
  if (errno != EINVAL || mount(kNamedNamespaces, kNamedNamespaces, "none", MS_BIND | MS_REC, nullptr) != 0 ||
      mount("", kNamedNamespaces, "none", MS_SHARED | MS_REC, nullptr) != 0) {
    return errno_status(errno, kNamedNamespaces);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<UniqueFd> open_own_network_namespace() {
  UniqueFd fd(open(kOwnNetwork, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return errno_status(errno, kOwnNetwork);
  }
  return fd;
}

absl::Status enter_network_namespace(int fd) {
  if (setns(fd, CLONE_NEWNET) != 0) {
    return errno_status(errno, "entering a network namespace");
  }
  return absl::OkStatus();
}

absl::StatusOr<UniqueFd> make_network_namespace() {
  auto home = open_own_network_namespace();
  if (!home.ok()) {
    return home.status();
  }
  if (unshare(CLONE_NEWNET) != 0) {
    return errno_status(errno, "making a network namespace");
  }
  auto fresh = open_own_network_namespace();
  if (auto back = enter_network_namespace(home->get()); !back.ok()) {
    return back;
  }
  return fresh;
}

absl::Status inside_network_namespace(int fd, const std::function<absl::Status()>& body) {
  auto home = open_own_network_namespace();
  if (!home.ok()) {
    return home.status();
  }
  if (auto status = enter_network_namespace(fd); !status.ok()) {
    return status;
  }
  const absl::Status result = body();
  if (auto back = enter_network_namespace(home->get()); !back.ok()) {
    return back;
  }
  return result;
}

std::optional<NamespaceId> namespace_at(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) {
    return std::nullopt;
  }
  return NamespaceId{status.st_dev, status.st_ino, 0};
}

absl::StatusOr<NamespaceId> identify_network_namespace(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) {
    return errno_status(errno, "looking at a network namespace");
  }
  NamespaceId id{status.st_dev, status.st_ino, 0};
  auto visited = inside_network_namespace(fd, [&id] {
    id.cookie = own_cookie();
    return absl::OkStatus();
  });
  if (!visited.ok()) {
    return visited;
  }
  return id;
}

std::optional<uint64_t> network_cookie_of_process(int pid) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    const int network = open(absl::StrCat("/proc/", pid, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC);
    // The rights are those of the user namespace that owns it, which the process may have left for one further in.
    // Joining the one that one is in already is refused; then the rights at hand must do.
    (void)setns(ioctl(network, NS_GET_USERNS), CLONE_NEWUSER);
    if (network < 0 || setns(network, CLONE_NEWNET) != 0) {
      _exit(1);
    }
    const uint64_t cookie = own_cookie();
    _exit(write(ends[1], &cookie, sizeof(cookie)) == sizeof(cookie) ? 0 : 1);
  }
  writer.reset();
  uint64_t cookie = 0;
  const bool told = child > 0 && read(reader.get(), &cookie, sizeof(cookie)) == sizeof(cookie);
  if (child > 0) {
    waitpid(child, nullptr, 0);
  }
  return told && cookie != 0 ? std::optional(cookie) : std::nullopt;
}

absl::Status bind_network_namespace(int fd, const std::string& path) {
  if (auto status = share_named_namespaces(); !status.ok()) {
    return status;
  }
  UniqueFd target(open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0));
  if (!target.valid()) {
    return errno_status(errno, path);
  }
  const std::string source = absl::StrCat("/proc/self/fd/", fd);
  if (mount(source.c_str(), path.c_str(), "none", MS_BIND, nullptr) != 0) {
    const int error = errno;
    unlink(path.c_str());
    return errno_status(error, path);
  }
  return absl::OkStatus();
}

void unbind_network_namespace(const std::string& path) {
  umount2(path.c_str(), MNT_DETACH);
  unlink(path.c_str());
}

}  // namespace lapse::lab
