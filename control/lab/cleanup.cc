#include "control/lab/cleanup.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/lab/files.h"

namespace lapse::lab {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kPatienceWithKilled{5000};
constexpr milliseconds kPatienceWithCleaner{5000};
constexpr milliseconds kPatienceWithUnknown{500};

const NamespaceId* find_namespace(const std::vector<NamespaceId>& namespaces, int pid) {
  const auto found = namespace_at(absl::StrCat("/proc/", pid, "/ns/net"));
  if (!found) {
    return nullptr;
  }
  const auto match = std::find_if(namespaces.begin(), namespaces.end(),
                                  [&found](const NamespaceId& id) { return id.inode != 0 && id.same_inode(*found); });
  return match == namespaces.end() ? nullptr : &*match;
}

UniqueFd open_process(int pid) {
  return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
}

// The descriptor pins the process, so looking again behind it rules out that the number means another one by now.
bool signal_if_inside(const std::vector<NamespaceId>& namespaces, int pid, int signal, const Certain& certain,
                      std::vector<UniqueFd>& signalled) {
  UniqueFd process = open_process(pid);
  const NamespaceId* found = find_namespace(namespaces, pid);
  if (!process.valid() || found == nullptr || !certain(pid, *found)) {
    return false;
  }
  if (syscall(SYS_pidfd_send_signal, process.get(), signal, nullptr, 0) != 0) {
    return false;
  }
  signalled.push_back(std::move(process));
  return true;
}

void wait_for_ends(const std::vector<UniqueFd>& processes, SteadyClock::time_point deadline) {
  for (const UniqueFd& process : processes) {
    pollfd entry{process.get(), POLLIN, 0};
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    poll(&entry, 1, static_cast<int>(std::max<milliseconds::rep>(left.count(), 0)));
  }
}

// Children that ended stay visible until they are asked for.
void reap_children() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

bool same_file(int fd, const std::string& path) {
  struct stat open_file {};
  struct stat named {};
  return fstat(fd, &open_file) == 0 && stat(path.c_str(), &named) == 0 && open_file.st_dev == named.st_dev &&
         open_file.st_ino == named.st_ino;
}

// Whoever lists the instances holds each lock for an instant: only a holder that stays is one.
bool lock_for_life(int fd) {
  constexpr int kAttempts = 10;
  constexpr int kMillisecondsBetween = 5;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
      return true;
    }
    poll(nullptr, 0, kMillisecondsBetween);
  }
  return false;
}

// Nothing when somebody holds it, or removed it meanwhile.
UniqueFd try_lock(const std::string& lock_path) {
  UniqueFd lock(open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.valid() || !lock_for_life(lock.get()) || !same_file(lock.get(), lock_path)) {
    return UniqueFd();
  }
  return lock;
}

void remove_shared_memory(const std::string& path) {
  // Only what a lab may have made: the file says which, and files can be edited.
  if (absl::StartsWith(path, "/dev/shm/") && path.find("lapse") != std::string::npos &&
      path.find("..") == std::string::npos) {
    unlink(path.c_str());
  }
}

// The inode is certain while the name under /run/netns holds the namespace; otherwise only the cookie tells.
Certain certainty_about(const LabState& state) {
  return [&state](int pid, const NamespaceId& found) {
    for (const NamespaceRecord& record : state.namespaces) {
      if (!record.id.same_inode(found)) {
        continue;
      }
      const auto named = namespace_at(record.path);
      if (!state.in_user_namespace() && named && named->same_inode(found)) {
        return true;
      }
      const auto cookie = network_cookie_of_process(pid);
      return cookie && found.cookie != 0 && *cookie == found.cookie;
    }
    return false;
  };
}

// The caller holds the folder's lock. Returns a sentence about what could not be ended.
std::optional<std::string> clean_up_locked(const std::string& directory) {
  const auto state = read_state(directory);
  if (!state.ok()) {
    // Killed before it made anything.
    std::error_code error;
    std::filesystem::remove_all(directory, error);
    return std::nullopt;
  }
  std::vector<NamespaceId> namespaces;
  for (const NamespaceRecord& record : state->namespaces) {
    namespaces.push_back(record.id);
  }
  std::vector<int> left;
  if (state->boot_id == boot_id()) {
    left = signal_inside(namespaces, SIGKILL, kPatienceWithKilled, certainty_about(*state));
  }
  remove_things(*state, directory);
  if (left.empty()) {
    return std::nullopt;
  }
  return absl::StrCat("processes of the killed lab ", state->name, " could not be ended: ", absl::StrJoin(left, ", "));
}

enum class Holder { kAlive, kGone };

// The lock, once a dead supervisor's last child, or another cleaner, has let go of it; invalid while the lab lives.
UniqueFd lock_of_the_dead(const std::string& directory, Holder& holder) {
  const auto begin = SteadyClock::now();
  for (;;) {
    if (UniqueFd lock = try_lock(absl::StrCat(directory, "/lock")); lock.valid()) {
      holder = Holder::kGone;
      return lock;
    }
    const auto state = read_state(directory);
    const auto patience = state.ok() ? kPatienceWithCleaner : kPatienceWithUnknown;
    const bool gone = !std::filesystem::exists(directory);
    if (gone || (state.ok() && supervisor_lives(*state)) || SteadyClock::now() - begin > patience) {
      holder = gone ? Holder::kGone : Holder::kAlive;
      return UniqueFd();
    }
    poll(nullptr, 0, 10);
  }
}

}  // namespace

std::vector<int> processes_inside(const std::vector<NamespaceId>& namespaces) {
  std::vector<int> inside;
  const std::unique_ptr<DIR, int (*)(DIR*)> processes(opendir("/proc"), closedir);
  while (processes != nullptr) {
    const dirent* entry = readdir(processes.get());
    if (entry == nullptr) {
      break;
    }
    int pid = 0;
    if (absl::SimpleAtoi(entry->d_name, &pid) && pid != getpid() && find_namespace(namespaces, pid) != nullptr) {
      inside.push_back(pid);
    }
  }
  return inside;
}

std::vector<int> signal_inside(const std::vector<NamespaceId>& namespaces, int signal, milliseconds patience,
                               const Certain& certain) {
  const auto deadline = SteadyClock::now() + patience;
  for (;;) {
    reap_children();
    std::vector<UniqueFd> signalled;
    std::vector<int> inside;
    for (const int pid : processes_inside(namespaces)) {
      if (signal_if_inside(namespaces, pid, signal, certain, signalled)) {
        inside.push_back(pid);
      }
    }
    if (inside.empty() || SteadyClock::now() >= deadline) {
      return inside;
    }
    wait_for_ends(signalled, deadline);
    reap_children();
    if (signal != SIGKILL) {
      return processes_inside(namespaces);
    }
  }
}

absl::Status end_processes(const std::vector<NamespaceId>& held, milliseconds patience) {
  const Certain always = [](int, const NamespaceId&) { return true; };
  if (signal_inside(held, SIGTERM, patience, always).empty()) {
    return absl::OkStatus();
  }
  const auto left = signal_inside(held, SIGKILL, kPatienceWithKilled, always);
  if (left.empty()) {
    return absl::OkStatus();
  }
  return absl::DeadlineExceededError(absl::StrCat("processes do not end: ", absl::StrJoin(left, ", ")));
}

void remove_things(const LabState& state, const std::string& directory) {
  for (const NamespaceRecord& record : state.namespaces) {
    if (absl::StartsWith(record.path, "/run/netns/")) {
      const auto named = namespace_at(record.path);
      // A name that stands for another namespace by now belongs to somebody else.
      if (named && (record.id.inode == 0 || named->same_inode(record.id) || state.boot_id != boot_id())) {
        unbind_network_namespace(record.path);
      }
    }
  }
  for (const std::string& path : state.shared_memory) {
    remove_shared_memory(path);
  }
  std::error_code error;
  std::filesystem::remove_all(directory, error);
}

absl::StatusOr<UniqueFd> claim_folder(const std::string& root, const std::string& name) {
  const std::string directory = absl::StrCat(root, "/", name);
  Holder holder = Holder::kGone;
  while (holder == Holder::kGone) {
    if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
      return errno_status(errno, directory);
    }
    UniqueFd lock = lock_of_the_dead(directory, holder);
    if (lock.valid() && access(state_path(directory).c_str(), F_OK) != 0) {
      return lock;
    }
    if (lock.valid()) {
      clean_up_locked(directory);
    }
  }
  return absl::AlreadyExistsError(
      absl::StrCat("an instance called ", name, " is running; give this one another name: --name ", name, "-2"));
}

std::vector<std::string> clean_up_after_the_dead(const std::string& root) {
  std::vector<std::string> problems;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    Holder holder = Holder::kAlive;
    const UniqueFd lock = entry.is_directory(error) ? lock_of_the_dead(entry.path().string(), holder) : UniqueFd();
    if (!lock.valid()) {
      continue;
    }
    if (auto problem = clean_up_locked(entry.path().string())) {
      problems.push_back(*problem);
    }
  }
  return problems;
}

}  // namespace lapse::lab
