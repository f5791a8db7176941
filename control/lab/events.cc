#include "control/lab/events.h"

#include <algorithm>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

namespace lapse::lab {
namespace {

constexpr int kHandled[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT};

}  // namespace

int exit_status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

Events::Events() {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int number : kHandled) {
    sigaddset(&handled, number);
  }
  sigprocmask(SIG_BLOCK, &handled, &original_);
  signals_ = UniqueFd(signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  signal(SIGPIPE, SIG_IGN);
  // A child that takes the terminal for itself must not stop us when we write.
  signal(SIGTTOU, SIG_IGN);
}

Events::~Events() {
  sigprocmask(SIG_SETMASK, &original_, nullptr);
}

void Events::read_signals() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
    if (info.ssi_signo != SIGCHLD) {
      Event event;
      event.kind = Event::Kind::kSignal;
      event.signal = static_cast<int>(info.ssi_signo);
      event.from_terminal = info.ssi_code == SI_KERNEL;
      waiting_.push_back(event);
    }
  }
  int status = 0;
  for (pid_t child = waitpid(-1, &status, WNOHANG); child > 0; child = waitpid(-1, &status, WNOHANG)) {
    Event event;
    event.kind = Event::Kind::kChildEnded;
    event.child = child;
    event.status = status;
    waiting_.push_back(event);
  }
}

Event Events::wait(int descriptor, std::optional<SteadyTime> deadline) {
  for (;;) {
    read_signals();
    if (!waiting_.empty()) {
      const Event event = waiting_.front();
      waiting_.pop_front();
      return event;
    }
    int patience = -1;
    if (deadline) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now());
      patience = static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000));
    }
    pollfd entries[] = {{signals_.get(), POLLIN, 0}, {descriptor, POLLIN, 0}};
    poll(entries, descriptor >= 0 ? 2 : 1, patience);
    if (descriptor >= 0 && entries[1].revents != 0) {
      Event event;
      event.kind = Event::Kind::kReadable;
      return event;
    }
    if (entries[0].revents == 0 && deadline && std::chrono::steady_clock::now() >= *deadline) {
      return Event{};
    }
  }
}

}  // namespace lapse::lab
