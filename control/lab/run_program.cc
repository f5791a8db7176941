// The second half of a supervisor's life: the program, and what is told at the end.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "control/api/client.h"
#include "control/exit_status.h"
#include "control/explain/record.h"
#include "control/lab/files.h"
#include "control/lab/messages.h"
#include "control/lab/prompt.h"
#include "control/lab/supervisor.h"
#include "control/report/write.h"

namespace lapse::lab {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kTermPatience{3};
constexpr const char* kReportName = "report.";
constexpr std::chrono::seconds kNoticePatience{5};
constexpr std::chrono::milliseconds kNoticePoll{2};

// Root writes where sudo was typed; the file is of who typed it.
absl::Status write_for(const Caller& caller, const std::string& path, const std::string& content) {
  if (absl::Status status = report::write_file(path, content); !status.ok()) {
    return status;
  }
  if (caller.kind == Caller::Kind::kSudo && lchown(path.c_str(), caller.uid, caller.gid) != 0) {
    return errno_status(errno, path);
  }
  return absl::OkStatus();
}

// A flow whose time is over counts as expired when its worker gets to it.
bool has_unnoticed_death(const nlohmann::json& flows) {
  const auto& list = flows.at("flows");
  return std::any_of(list.begin(), list.end(), [](const nlohmann::json& flow) { return flow.value("left", 1.0) <= 0; });
}

}  // namespace

int Supervisor::run_program() {
  Program program;
  program.words = options_.program;
  program.environment = ground_.environment(options_.at);
  program.signals = events_.original_mask();
  if (options_.prompt_hint) {
    add_prompt_hint(program.environment, options_.name, options_.at);
  }
  const Started started = spawn(ground_.entrance(options_.at, Identity::kCaller), program);
  if (started.pid < 0) {
    say(started.failure.message);
    return started.failure.exit_status;
  }
  return watch_program(started.pid);
}

int Supervisor::watch_program(pid_t program) {
  std::optional<SteadyTime> deadline;
  if (options_.limit) {
    deadline = steady_clock::now() + *options_.limit;
  }
  std::optional<int> forced;  // the status, when the program ends because we end it
  const auto end_program = [&](int status) {
    forced = forced.value_or(status);
    kill(program, SIGTERM);
    kill(program, SIGCONT);
    deadline = steady_clock::now() + kTermPatience;
  };
  bool asked = false;
  for (;;) {
    const Event event = events_.wait(-1, deadline);
    if (event.kind == Event::Kind::kChildEnded && event.child == program) {
      return report(forced.value_or(exit_status_of(event.status)));
    }
    if (event.kind == Event::Kind::kSignal) {
      // Ctrl-C reaches the program by itself, and what it makes of it is its own affair.
      if (!event.from_terminal) {
        kill(program, event.signal);
        if (event.signal != SIGINT && !asked) {
          asked = true;
          deadline = steady_clock::now() + kTermPatience;
        }
      }
    } else if (event.kind == Event::Kind::kDeadline) {
      if (asked || forced) {
        kill(program, SIGKILL);
        deadline.reset();
      } else {
        say(absl::StrCat("the limit of ", seconds_text(*options_.limit), " is reached"));
        end_program(kTimeLimit);
      }
    } else if (auto status = take_note(event); !status.ok()) {
      say(std::string(status.message()));
      end_program(kLapseFailed);
    }
  }
}

int Supervisor::stay() {
  print_usage();
  std::optional<SteadyTime> deadline;
  if (options_.limit) {
    deadline = steady_clock::now() + *options_.limit;
  }
  for (;;) {
    const Event event = events_.wait(-1, deadline);
    if (event.kind == Event::Kind::kDeadline) {
      return write_reports() ? kTimeLimit : kLapseFailed;
    }
    if (event.kind == Event::Kind::kSignal) {
      return write_reports() ? 0 : kLapseFailed;
    }
    if (auto status = take_note(event); !status.ok()) {
      say(std::string(status.message()));
      return kLapseFailed;
    }
  }
}

void Supervisor::print_usage() const {
  const std::string at = topology_.start_at.empty() ? topology_.hosts.front().name : topology_.start_at;
  const std::string target = options_.name == topology_.name ? "" : absl::StrCat(" -t ", options_.name);
  const std::string text = absl::StrCat(
      "lab ", options_.name, " is up; Ctrl-C ends it. From another terminal:\n",   //
      "  lapse exec", target, " ", at, " -- CMD...      a program on ", at, "\n",  //
      "  lapse ctl", target, " status | flows | metrics | events | clock | ladder\n", "  lapse shell ", topology_.file,
      target.empty() ? "" : absl::StrCat(" --name ", options_.name), " ", at, "      a shell there\n");
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

// Prints what was scaled; true when a keepalive cannot be told from a timeout.
bool Supervisor::report_warp() {
  const auto seen = parse_seen_options(read_file(ground_.report_path()).value_or(""));
  std::string text = scaled_text(ground_.scaled_sysctls(), seen, options_.factor);
  bool undecided = false;
  for (const Check& check : checks_after(topology_, ground_.scaled_sysctls(), seen, options_.factor, hertz_)) {
    absl::StrAppend(&text, "  ", sentence(check.resolution, check.whose, check.against), "\n");
    undecided = undecided || !check.resolution.decided();
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
  return undecided;
}

int Supervisor::report(int status) {
  const bool undecided = options_.factor > 1 && report_warp();
  if (data_plane_ > 0) {
    const auto text =
        api::Client(ground_.socket()).get_text(absl::StrCat("/v1/report?columns=100&colour=", wants_colour() ? 1 : 0));
    if (text.ok()) {
      std::fwrite(text->data(), 1, text->size(), stderr);
      if (!absl::EndsWith(*text, "\n")) {
        std::fputc('\n', stderr);
      }
    } else {
      say(absl::StrCat("no report: ", text.status().message()));
    }
  }
  if (!write_reports()) {
    return kLapseFailed;
  }
  const bool met = options_.expectations.empty() || meets_expectations();
  return status == 0 && (undecided || !met) ? kVerdictFailed : status;
}

bool Supervisor::meets_expectations() {
  const auto outcome = look_at_boxes();
  if (!outcome.ok()) {
    say(absl::StrCat("the expectations cannot be compared: ", outcome.status().message()));
    return false;
  }
  const auto misses = expect::misses(options_.expectations, *outcome);
  for (const expect::Miss& miss : misses) {
    say(absl::StrCat("expected ", miss.expected, "\n       found: ", miss.found));
  }
  return misses.empty();
}

absl::StatusOr<expect::RunOutcome> Supervisor::look_at_boxes() {
  if (data_plane_ < 0) {
    return absl::UnavailableError("the data plane has ended");
  }
  const api::Client client(ground_.socket());
  const auto deadline = steady_clock::now() + kNoticePatience;
  for (;;) {
    const auto all = client.get("/v1/flows?all=1");
    if (!all.ok()) {
      return all.status();
    }
    if (!has_unnoticed_death(*all)) {
      break;
    }
    if (steady_clock::now() > deadline) {
      return absl::DeadlineExceededError("a box does not notice that a flow is over");
    }
    if (auto status = take_note(events_.wait(-1, steady_clock::now() + kNoticePoll)); !status.ok()) {
      return status;
    }
  }
  const auto status = client.get("/v1/status");
  const auto flows = client.get("/v1/flows");
  const auto events = client.get_text("/v1/events");
  for (const absl::Status& one : {status.status(), flows.status(), events.status()}) {
    if (!one.ok()) {
      return one;
    }
  }
  return expect::read_outcome(*status, *flows, *events);
}

bool Supervisor::write_reports() {
  if (options_.report_folder.empty()) {
    return true;
  }
  if (data_plane_ < 0) {
    say(absl::StrCat("no report in ", options_.report_folder, ": the data plane has ended"));
    return false;
  }
  for (const std::string format : {"svg", "html", "md", "pcapng"}) {
    const auto content =
        api::Client(ground_.socket()).get_text("/v1/report", {{"format", format}, {"command", options_.command}});
    absl::Status status = content.status();
    if (content.ok()) {
      status = write_for(ground_.caller(), absl::StrCat(options_.report_folder, "/", kReportName, format), *content);
    }
    if (!status.ok()) {
      say(absl::StrCat("no report: ", status.message()));
      return false;
    }
  }
  if (absl::Status status = write_record(); !status.ok()) {
    say(absl::StrCat("no record of the run: ", status.message()));
    return false;
  }
  say(absl::StrCat("the report is in ", options_.report_folder));
  return true;
}

// For `lapse explain`: what the instance knows, and the socket options that only this process has seen.
absl::Status Supervisor::write_record() {
  const auto text = api::Client(ground_.socket()).get_text("/v1/record", {{"command", options_.command}});
  if (!text.ok()) {
    return text.status();
  }
  auto run = explain::read_record(*text);
  if (!run.ok()) {
    return run.status();
  }
  for (const SeenOption& seen : parse_seen_options(read_file(ground_.report_path()).value_or(""))) {
    run->options.push_back({seen.host, seen.program, seen.option, seen.wanted});
  }
  return write_for(ground_.caller(), absl::StrCat(options_.report_folder, "/", explain::kRecordName),
                   explain::to_json(*run).dump() + "\n");
}

}  // namespace lapse::lab
