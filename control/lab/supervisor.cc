#include "control/lab/supervisor.h"

#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/exit_status.h"
#include "control/lab/dataplane_process.h"
#include "control/lab/files.h"
#include "control/lab/listening.h"
#include "control/lab/messages.h"
#include "control/lab/program_file.h"
#include "control/lab/user_namespace.h"

namespace lapse::lab {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kDataPlanePatience{30};
constexpr std::chrono::seconds kReadyPatience{10};
constexpr std::chrono::milliseconds kReadyPoll{10};
constexpr std::chrono::seconds kSilencePatience{1};
constexpr size_t kShownLogLines = 10;

std::string search_path() {
  const char* path = std::getenv("PATH");
  return path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
}

std::string ending(int wait_status) {
  return WIFSIGNALED(wait_status) ? absl::StrCat("ended by signal ", WTERMSIG(wait_status))
                                  : absl::StrCat("exited with status ", WEXITSTATUS(wait_status));
}

std::string indented(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    absl::StrAppend(&text, "\n    ", line);
  }
  return text;
}

}  // namespace

Supervisor::Supervisor(const topology::Topology& topology, const LabOptions& options, Director* director)
    : topology_(topology), options_(options), director_(director), ground_(topology, options), hertz_(kernel_hertz()) {}

int Supervisor::run() {
  int status = kLapseFailed;
  if (const auto started = start(); !started.ok()) {
    if (ended_by_ != 0) {
      status = 128 + ended_by_;
    } else {
      say(std::string(started.message()));
    }
  } else {
    status = options_.program.empty() ? stay() : run_program();
  }
  data_plane_line_.reset();
  ground_.clear();
  return status;
}

absl::StatusOr<std::string> Supervisor::direct() {
  const absl::Status started = start();
  absl::StatusOr<std::string> line(started.ok() ? absl::UnknownError("") : started);
  if (started.ok()) {
    constexpr std::string_view kGo = "go\n";
    (void)send(data_plane_line_.get(), kGo.data(), kGo.size(), MSG_NOSIGNAL);
    line = data_plane_says(options_.limit ? std::optional(steady_clock::now() + *options_.limit) : std::nullopt,
                           "the limit is reached");
  }
  data_plane_line_.reset();
  ground_.clear();
  return line;
}

absl::Status Supervisor::start() {
  if (options_.factor > 1) {
    if (auto status = check_services_warpable(); !status.ok()) {
      return status;
    }
    for (const Check& check : checks_before(topology_, options_.factor, hertz_)) {
      if (!check.resolution.decided() || options_.verbose) {
        say(sentence(check.resolution, check.whose, check.against));
      }
    }
  }
  if (auto status = ground_.prepare(); !status.ok()) {
    return status;
  }
  if (auto status = start_data_plane(); !status.ok()) {
    return status;
  }
  if (auto status = ground_.attach_taps(); !status.ok()) {
    return status;
  }
  if (auto status = start_services(); !status.ok()) {
    return status;
  }
  up_ = true;
  return absl::OkStatus();
}

absl::Status Supervisor::check_services_warpable() const {
  for (const topology::Host& host : topology_.hosts) {
    const std::string program = first_program(host.run);
    if (program.empty()) {
      continue;
    }
    // What is not found may be the shell's own word; the shell will say so otherwise.
    const auto why = why_not_warpable(program, search_path(), 0);
    if (why.ok() && *why) {
      return absl::FailedPreconditionError(
          absl::StrCat("host ", host.name, ": `", host.run, "` cannot be warped: ", **why, "; leave out --warp"));
    }
  }
  return absl::OkStatus();
}

absl::Status Supervisor::take_note(const Event& event) {
  if (event.kind == Event::Kind::kSignal) {
    ended_by_ = event.signal;
    return absl::CancelledError(absl::StrCat("ended by signal ", event.signal));
  }
  if (event.kind != Event::Kind::kChildEnded) {
    return absl::OkStatus();
  }
  if (event.child == data_plane_) {
    data_plane_ = -1;
    return absl::InternalError(absl::StrCat("the data plane ", ending(event.status), data_plane_words()));
  }
  for (auto& [host, service] : services_) {
    if (service.pid == event.child) {
      service = {-1, true, event.status};
      if (up_ && event.status != 0) {
        say(absl::StrCat("host ", host, ": its service ", ending(event.status),
                         indented(last_lines(ground_.log_of(host), kShownLogLines))));
      }
    }
  }
  return absl::OkStatus();
}

// ---- the data plane ----

std::string Supervisor::data_plane_words() const {
  return options_.verbose ? "" : indented(last_lines(ground_.log_of("lapse"), kShownLogLines));
}

absl::Status Supervisor::start_data_plane() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return errno_status(errno, "socketpair");
  }
  data_plane_line_ = UniqueFd(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t supervisor = getpid();
  data_plane_ = fork();
  if (data_plane_ < 0) {
    return errno_status(errno, "fork");
  }
  if (data_plane_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != supervisor) {
      _exit(kLapseFailed);
    }
    data_plane_line_.reset();
    become_data_plane(theirs.get());
  }
  theirs.reset();
  return wait_for_data_plane();
}

void Supervisor::become_data_plane(int ready_fd) {
  ground_.let_go_of_lock();
  // Ctrl-C is for the program; the data plane ends with its supervisor.
  setsid();
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(input, STDIN_FILENO);
  if (!options_.verbose) {
    const int log = open(ground_.log_of("lapse").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
  } else {
    dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  prctl(PR_SET_NAME, "lapse-dataplane");
  sigprocmask(SIG_SETMASK, &events_.original_mask(), nullptr);
  DataplaneProcessOptions options;
  options.instance.scale = options_.factor * options_.scale;
  options.instance.workers = options_.workers;
  options.instance.verbose = options_.verbose;
  options.instance.keep_frames = !options_.report_folder.empty();
  options.instance.ports = tap_devices(ground_.plan());
  options.instance_name = options_.name;
  options.socket_path = ground_.socket();
  options.director = director_;
  const int status = run_dataplane_process(topology_, options, ready_fd);
  std::fflush(nullptr);
  _exit(status);
}

absl::StatusOr<std::string> Supervisor::data_plane_says(std::optional<SteadyTime> deadline, const std::string& late) {
  std::string words;
  while (words.find('\n') == std::string::npos) {
    const Event event = events_.wait(data_plane_line_.get(), deadline);
    if (event.kind == Event::Kind::kDeadline) {
      return absl::DeadlineExceededError(absl::StrCat(late, data_plane_words()));
    }
    if (event.kind == Event::Kind::kReadable) {
      char chunk[4096];
      const ssize_t got = recv(data_plane_line_.get(), chunk, sizeof(chunk), 0);
      if (got <= 0) {
        int status = 0;
        const bool over = waitpid(data_plane_, &status, 0) == data_plane_;
        data_plane_ = -1;
        return absl::InternalError(
            absl::StrCat("the data plane ", over ? ending(status) : "ended", data_plane_words()));
      }
      words.append(chunk, static_cast<size_t>(got));
    } else if (auto status = take_note(event); !status.ok()) {
      return status;
    }
  }
  words.resize(words.find('\n'));
  return words;
}

absl::Status Supervisor::wait_for_data_plane() {
  const auto words =
      data_plane_says(steady_clock::now() + kDataPlanePatience,
                      absl::StrCat("the data plane is not ready after ", kDataPlanePatience.count(), " s"));
  if (!words.ok()) {
    return words.status();
  }
  return *words == "ready" ? absl::OkStatus()
                           : absl::InternalError(absl::StrCat("the data plane did not start: ", *words));
}

// ---- services ----

absl::Status Supervisor::start_services() {
  const std::string folder = std::filesystem::absolute(topology_.file).parent_path().string();
  for (const topology::Host& host : topology_.hosts) {
    if (host.run.empty()) {
      continue;
    }
    Program program;
    program.words = {"/bin/sh", "-c", host.run};
    program.environment = ground_.environment(host.name);
    program.directory = folder;
    program.log = ground_.log_of(host.name);
    program.signals = events_.original_mask();
    const Started started = spawn(ground_.entrance(host.name, Identity::kLabRoot), program);
    if (started.pid < 0) {
      return absl::InternalError(absl::StrCat("host ", host.name, ": ", started.failure.message));
    }
    services_[host.name].pid = started.pid;
  }
  for (const topology::Host& host : topology_.hosts) {
    if (auto status = wait_until_ready(host); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

bool Supervisor::is_ready(const topology::Host& host) const {
  if (!host.ready.tcp) {
    return true;
  }
  bool ready = false;
  // An error reads as not ready, and the time that is given for that runs out.
  (void)inside_network_namespace(ground_.namespace_of(host.name), [&ready, &host] {
    for (const char* table : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
      ready = ready || listens_on(read_file(table).value_or(""), *host.ready.tcp);
    }
    return absl::OkStatus();
  });
  return ready;
}

absl::Status Supervisor::service_failed(const topology::Host& host, const std::string& what,
                                        const std::string& remedy) const {
  std::string text = absl::StrCat("host ", host.name, ": `", host.run, "` ", what, "; ", remedy);
  const auto lines = last_lines(ground_.log_of(host.name), kShownLogLines);
  absl::StrAppend(&text, lines.empty() ? "\n  it printed nothing" : "\n  its last lines:", indented(lines));
  if (const auto service = service_needing_ids(host.run); service && ground_.single_id()) {
    absl::StrAppend(
        &text, "\n  ", *service, " changes to other users, which this lab has none of: there is no range for ",
        ground_.caller().user, " in /etc/subuid and /etc/subgid, or no newuidmap. This gives one: ",
        "sudo apt-get install uidmap; sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ",
        ground_.caller().user, "; or run lapse with sudo");
  }
  return absl::FailedPreconditionError(text);
}

absl::Status Supervisor::wait_until_ready(const topology::Host& host) {
  const auto begin = steady_clock::now();
  bool said = false;
  while (!is_ready(host)) {
    const Service& service = services_[host.name];
    const std::string port = absl::StrCat("tcp ", *host.ready.tcp);
    // Status 0 may be a daemon that went to the background.
    if (service.over && service.status != 0) {
      return service_failed(host, absl::StrCat(ending(service.status), " before it listened on ", port),
                            "run it by hand, or correct `run`");
    }
    if (steady_clock::now() - begin > kReadyPatience) {
      return service_failed(host, absl::StrCat("does not listen on ", port, " after ", kReadyPatience.count(), " s"),
                            "correct `ready` or `run`");
    }
    if (!said && steady_clock::now() - begin > kSilencePatience) {
      say_progress(absl::StrCat("waiting for ", host.name, " to listen on ", port));
      said = true;
    }
    if (auto status = take_note(events_.wait(-1, steady_clock::now() + kReadyPoll)); !status.ok()) {
      return status;
    }
  }
  const Service& service = services_[host.name];
  if (!host.run.empty() && service.over && service.status != 0) {
    return service_failed(host, ending(service.status), "run it by hand, or correct `run`");
  }
  return absl::OkStatus();
}

}  // namespace lapse::lab
