#include "sim/live/live.h"

#include <array>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "control/api/registry.h"
#include "control/lab/files.h"
#include "control/lab/lab.h"
#include "control/lab/unique_fd.h"
#include "control/report/escape.h"
#include "sim/live/director.h"

namespace lapse::live {
namespace {

using nlohmann::json;

constexpr int kPriority = -10;

template <typename... Parts>
absl::Status refusal(const topology::Place& place, const Parts&... parts) {
  return absl::FailedPreconditionError(absl::StrCat(place.file, ":", place.line, ": not played live: ", parts...));
}

// Real keepalives are whole seconds: what a scale divides has to come out even.
absl::Status check_keepalive(const sim::ProgramSettings& settings, unsigned scale, const topology::Place& place) {
  if (!settings.keepalive || !settings.keepalive->on) {
    return absl::OkStatus();
  }
  if (settings.keepalive->system != sim::KeepaliveSystem::kLinux) {
    return refusal(place, "the kernels of a lab are Linux");
  }
  for (const Duration one : {settings.keepalive->time, settings.keepalive->interval}) {
    if (one % (std::chrono::seconds(1) * scale) != Duration{}) {
      return refusal(place, "a keepalive's ", std::chrono::duration_cast<std::chrono::seconds>(one).count(),
                     " s is no multiple of the scale ", scale, ", and the kernel takes whole seconds");
    }
  }
  return absl::OkStatus();
}

const sim::Connect* connect_of(const sim::Step& step) {
  if (const auto* const pool = std::get_if<sim::OpenPool>(&step.action)) {
    return &pool->connect;
  }
  if (const auto* const proxy = std::get_if<sim::OpenProxy>(&step.action)) {
    return &proxy->upstream;
  }
  return std::get_if<sim::Connect>(&step.action);
}

absl::Status check(const sim::Scenario& scenario) {
  if (!scenario.live.why_not.empty()) {
    return absl::FailedPreconditionError(absl::StrCat("not played live: ", scenario.live.why_not));
  }
  for (const sim::Step& step : scenario.steps) {
    if (std::holds_alternative<sim::Readdress>(step.action)) {
      return refusal(step.place, "a lab's hosts keep their addresses");
    }
    const sim::Connect* const connect = connect_of(step);
    if (connect == nullptr) {
      continue;
    }
    for (const sim::ProgramSettings* settings : {&connect->client, &connect->server}) {
      if (auto status = check_keepalive(*settings, scenario.live.scale, step.place); !status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

// What of the story is played live: until a time, what happens by then, and what is true of all of it.
sim::Scenario live_part(sim::Scenario scenario) {
  if (!scenario.live.until || *scenario.live.until >= scenario.end) {
    return scenario;
  }
  const Instant end = *scenario.live.until;
  scenario.end = end;
  std::erase_if(scenario.steps, [end](const sim::Step& step) { return step.at > end; });
  std::erase_if(scenario.expectations, [end](const sim::Expectation& expectation) {
    const auto* const event = std::get_if<sim::ExpectEvent>(&expectation.what);
    const auto* const count = std::get_if<sim::ExpectCount>(&expectation.what);
    const auto at = event != nullptr ? event->at : expectation.at;
    const bool is_never = count != nullptr && count->most == 0;
    return !is_never && (!at || *at > end);
  });
  return scenario;
}

std::string own_program() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

// Every host runs an endpoint, and nothing of its own.
topology::Topology with_endpoints(topology::Topology topology, const std::string& directory) {
  for (topology::Host& host : topology.hosts) {
    host.run = absl::StrCat("exec ", report::quote_shell(own_program()), " live-endpoint ",
                            report::quote_shell(meeting_point(directory)), " ", host.name);
    host.ready = {};
  }
  return topology;
}

absl::StatusOr<std::string> play_in_lab(const sim::Scenario& scenario, const LiveOptions& how) {
  const auto root = api::instances_root();
  if (!root.ok()) {
    return root.status();
  }
  lab::LabOptions options;
  options.name = absl::StrCat("live-", getpid());
  options.factor = 1;
  options.scale = scenario.live.scale;
  const topology::Topology topology = with_endpoints(scenario.topology, absl::StrCat(*root, "/", options.name));
  options.workers = how.workers;
  StoryDirector director(scenario, how.seed);
  return lab::run_directed_lab(topology, options, director);
}

[[noreturn]] void become_lab(const sim::Scenario& scenario, const LiveOptions& options, int result_fd) {
  // Lateness is what a machine with much to do spoils a play with; who may not have it does without.
  (void)setpriority(PRIO_PROCESS, 0, kPriority);
  const auto line = play_in_lab(scenario, options);
  const std::string text = line.ok() ? *line : json{{"error", std::string(line.status().message())}}.dump();
  for (size_t written = 0; written < text.size();) {
    const ssize_t size = write(result_fd, text.data() + written, text.size() - written);
    if (size <= 0) {
      _exit(1);
    }
    written += static_cast<size_t>(size);
  }
  _exit(0);
}

// Signals that end a command wait until its lab has cleared up; then they end it.
class PostponedEnd {
 public:
  PostponedEnd() {
    sigset_t ending;
    sigemptyset(&ending);
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
      sigaddset(&ending, signal);
    }
    sigprocmask(SIG_BLOCK, &ending, &before_);
    fd_ = lab::UniqueFd(signalfd(-1, &ending, SFD_CLOEXEC));
  }
  ~PostponedEnd() {
    restore_mask();
    if (signal_ != 0) {
      raise(signal_);
    }
  }
  PostponedEnd(const PostponedEnd&) = delete;
  PostponedEnd& operator=(const PostponedEnd&) = delete;

  void restore_mask() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }
  int fd() const { return fd_.get(); }
  void pass_on(pid_t child) {
    signalfd_siginfo info{};
    if (read(fd_.get(), &info, sizeof(info)) == sizeof(info)) {
      signal_ = static_cast<int>(info.ssi_signo);
      kill(child, signal_);
    }
  }

 private:
  sigset_t before_{};
  lab::UniqueFd fd_;
  int signal_ = 0;
};

// Everything that the child writes until it ends.
std::string words_of(pid_t child, int fd, PostponedEnd& postponed) {
  std::string text;
  std::array<char, 65536> chunk;
  for (;;) {
    std::array<pollfd, 2> readable{{{fd, POLLIN, 0}, {postponed.fd(), POLLIN, 0}}};
    if (poll(readable.data(), readable.size(), -1) < 0) {
      continue;
    }
    if (readable[1].revents != 0) {
      postponed.pass_on(child);
    }
    if (readable[0].revents != 0) {
      const ssize_t size = read(fd, chunk.data(), chunk.size());
      if (size <= 0) {
        return text;
      }
      text.append(chunk.data(), static_cast<size_t>(size));
    }
  }
}

// In a child process, because a lab takes its process into namespaces for good; what it says is returned.
absl::StatusOr<std::string> play_in_child(const sim::Scenario& scenario, const LiveOptions& options) {
  std::array<int, 2> ends;
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    return lab::errno_status(errno, "pipe");
  }
  lab::UniqueFd result(ends[0]);
  lab::UniqueFd theirs(ends[1]);
  PostponedEnd postponed;
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    return lab::errno_status(errno, "fork");
  }
  if (child == 0) {
    postponed.restore_mask();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
      _exit(1);
    }
    result.reset();
    become_lab(scenario, options, theirs.get());
  }
  theirs.reset();
  std::string words = words_of(child, result.get(), postponed);
  waitpid(child, nullptr, 0);
  return words;
}

}  // namespace

absl::StatusOr<LiveOutcome> play_live(const sim::Scenario& whole, const LiveOptions& options) {
  const sim::Scenario scenario = live_part(whole);
  if (auto status = check(scenario); !status.ok()) {
    return status;
  }
  const auto text = play_in_child(scenario, options);
  if (!text.ok()) {
    return text.status();
  }
  const json said = json::parse(*text, nullptr, false);
  if (!said.is_object()) {
    return absl::InternalError("the lab ended without a word");
  }
  if (said.contains("error")) {
    return absl::FailedPreconditionError(said.at("error").get<std::string>());
  }
  LiveOutcome outcome{{}, said.at("differences"), said.at("ladders")};
  for (const json& miss : said.at("misses")) {
    const sim::Expectation& expectation = scenario.expectations.at(miss.at("expectation").get<size_t>());
    outcome.misses.push_back({expectation.place, expectation.text, miss.at("found")});
  }
  return outcome;
}

}  // namespace lapse::live
