#include "control/lab/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "control/lab/files.h"
#include "control/lab/namespaces.h"

extern char** environ;

namespace lapse::lab {
namespace {

constexpr const char* kHostsFile = "/etc/hosts";

std::string folder_of(const std::string& file) {
  return std::filesystem::path(file).parent_path();
}

// A bare system may have no file of that name to mount over, and making one would change the machine: so the lab's folder,
// which holds nothing else, is laid over /etc.
int show_folder_over_etc(const std::string& folder) {
  const std::string layers = absl::StrCat("lowerdir=", folder, ":/etc");
  return mount("overlay", "/etc", "overlay", MS_RDONLY, layers.c_str());
}

absl::Status show_hosts_file(const std::string& hosts_file) {
  if (unshare(CLONE_NEWNS) != 0) {
    return errno_status(errno, "making a mount namespace");
  }
  if (mount("", "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
    return errno_status(errno, "keeping mounts apart");
  }
  if (mount(hosts_file.c_str(), kHostsFile, nullptr, MS_BIND, nullptr) == 0) {
    return absl::OkStatus();
  }
  if (errno == ENOENT && show_folder_over_etc(folder_of(hosts_file)) == 0) {
    return absl::OkStatus();
  }
  return errno_status(errno, absl::StrCat("showing the lab's names as ", kHostsFile));
}

absl::Status redirect_to_log(const std::string& log) {
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (input < 0 || output < 0) {
    return errno_status(errno, log);
  }
  if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
    return errno_status(errno, log);
  }
  // Ctrl-C is for CMD; a service ends with its lab.
  setsid();
  return absl::OkStatus();
}

void restore_signals(const sigset_t& mask) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD, SIGTTOU, SIGTTIN, SIGTSTP}) {
    signal(number, SIG_DFL);
  }
  sigprocmask(SIG_SETMASK, &mask, nullptr);
}

StartFailure failure(const absl::Status& status) {
  return {125, std::string(status.message())};
}

struct CStrings {
  std::vector<std::string> kept;
  std::vector<char*> pointers;

  void finish() {
    for (std::string& text : kept) {
      pointers.push_back(text.data());
    }
    pointers.push_back(nullptr);
  }
};

// Sent through the pipe that closes itself when the program has started.
struct Message {
  int exit_status;
  std::array<char, 1024> text;
};

void send_failure(int pipe_end, const StartFailure& why) {
  Message message{why.exit_status, {}};
  std::strncpy(message.text.data(), why.message.c_str(), message.text.size() - 1);
  (void)!write(pipe_end, &message, sizeof(message));
}

}  // namespace

absl::Status enter_host(const HostEntrance& entrance) {
  if (auto status = enter_network_namespace(entrance.network_namespace); !status.ok()) {
    return status;
  }
  if (auto status = show_hosts_file(entrance.hosts_file); !status.ok()) {
    return status;
  }
  if (entrance.identity == Identity::kLabRoot) {
    return absl::OkStatus();
  }
  int death_signal = 0;
  prctl(PR_GET_PDEATHSIG, &death_signal);
  const absl::Status status = become_caller(entrance.caller);
  // The kernel takes it away from a process that changes identity.
  prctl(PR_SET_PDEATHSIG, death_signal);
  return status;
}

Environment environment_with(const Environment& changes) {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) {
      environment[text.substr(0, equals)] = text.substr(equals + 1);
    }
  }
  for (const auto& [name, value] : changes) {
    std::string& target = environment[name];
    target = name == "LD_PRELOAD" && !target.empty() ? absl::StrCat(value, ":", target) : value;
  }
  return environment;
}

StartFailure become_program(const HostEntrance& entrance, const Program& program) {
  if (!program.log.empty()) {
    if (auto status = redirect_to_log(program.log); !status.ok()) {
      return failure(status);
    }
  }
  if (auto status = enter_host(entrance); !status.ok()) {
    return failure(status);
  }
  if (!program.directory.empty() && chdir(program.directory.c_str()) != 0) {
    return failure(errno_status(errno, program.directory));
  }
  CStrings words{program.words, {}};
  words.finish();
  CStrings variables;
  for (const auto& [name, value] : program.environment) {
    variables.kept.push_back(absl::StrCat(name, "=", value));
  }
  variables.finish();
  environ = variables.pointers.data();
  restore_signals(program.signals);
  execvp(words.pointers[0], words.pointers.data());
  const int error = errno;
  // A folder of PATH that may not be searched makes execvp() speak of permission for a program that is nowhere.
  const auto path = program.environment.find("PATH");
  if (error != ENOENT && path != program.environment.end() &&
      absl::IsNotFound(find_program(program.words[0], path->second).status())) {
    return {127, absl::StrCat(program.words[0], ": command not found")};
  }
  return {error == ENOENT ? 127 : 126, absl::StrCat(program.words[0], ": ", strerror(error))};
}

Started spawn(const HostEntrance& entrance, const Program& program) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return {-1, failure(errno_status(errno, "pipe"))};
  }
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  const pid_t supervisor = getpid();
  const pid_t child = fork();
  if (child < 0) {
    return {-1, failure(errno_status(errno, "fork"))};
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor) {
      _exit(125);
    }
    send_failure(writer.get(), become_program(entrance, program));
    _exit(125);
  }
  writer.reset();
  Message message{};
  const ssize_t got = read(reader.get(), &message, sizeof(message));
  if (got != static_cast<ssize_t>(sizeof(message))) {
    return {child, {}};
  }
  waitpid(child, nullptr, 0);
  return {-1, {message.exit_status, message.text.data()}};
}

}  // namespace lapse::lab
