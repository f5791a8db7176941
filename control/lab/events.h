// events.h - what a supervisor waits for: signals, the end of children, a descriptor, a deadline.
//
// Owner:    the supervisor; one for each process, made before any child.
// Memory:   ordinary.
// Time:     real.
// Bytes:    none.
// Cost:     one poll().
// Lifetime: gives signals back to the process when destroyed.
// Spec:     signalfd(2).
#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include <signal.h>
#include <sys/types.h>

#include "control/lab/unique_fd.h"

namespace lapse::lab {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Event {
  enum class Kind {
    kSignal,
    kChildEnded,
    kReadable,  // the descriptor that was asked for
    kDeadline,
  };
  Kind kind = Kind::kDeadline;
  int signal = 0;
  bool from_terminal = false;  // every process of the foreground group has it, too
  pid_t child = -1;
  int status = 0;  // as wait() has it
};

// 128+N for a signal, as a shell says it.
int exit_status_of(int wait_status);

class Events {
 public:
  Events();
  ~Events();
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;

  // The mask from before: programs start with it.
  const sigset_t& original_mask() const { return original_; }

  // 'descriptor' may be -1; without a deadline it waits for as long as it takes.
  Event wait(int descriptor, std::optional<SteadyTime> deadline);

 private:
  void read_signals();

  sigset_t original_{};
  UniqueFd signals_;
  std::deque<Event> waiting_;
};

}  // namespace lapse::lab
