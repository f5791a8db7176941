// warp_preload.cc - goes into every program of a warped lab: divides the times that sockets are given, and the waits
// that libfaketime leaves alone. It needs nothing but the C library, and must never fail or hold up its program.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "control/lab/preload/scale.h"

#define EXPORTED extern "C" __attribute__((visibility("default")))

namespace {

using lapse::lab::real_deadline;
using lapse::lab::scaled_down;

constexpr int kLargestKeepalive = 32767;  // MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL of the kernel
constexpr long long kMicrosecondsPerSecond = 1'000'000;
// The kernel's own numbers: the C library's are an expression of the size of time_t.
constexpr int kReceiveTimeoutOld = 20, kSendTimeoutOld = 21, kReceiveTimeoutNew = 66, kSendTimeoutNew = 67;

long long factor = 1;
const char* report_path = nullptr;
const char* report_host = "";

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

__attribute__((constructor)) void read_environment() {
  const char* text = getenv("LAPSE_WARP");
  const long long number = text != nullptr ? strtoll(text, nullptr, 10) : 1;
  factor = number >= 1 && number <= 1000 ? number : 1;
  report_path = getenv("LAPSE_WARP_REPORT");
  const char* host = getenv("LAPSE_HOST");
  report_host = host != nullptr ? host : "";
}

struct Option {
  const char* name;
  const char* unit;
  int identity;  // the same for both spellings of a time
};

const Option* find_option(int level, int name) {
  static constexpr Option kIdle{"TCP_KEEPIDLE", "s", 1};
  static constexpr Option kInterval{"TCP_KEEPINTVL", "s", 2};
  static constexpr Option kUser{"TCP_USER_TIMEOUT", "ms", 3};
  static constexpr Option kReceive{"SO_RCVTIMEO", "us", 4};
  static constexpr Option kSend{"SO_SNDTIMEO", "us", 5};
  if (level == IPPROTO_TCP) {
    return name == TCP_KEEPIDLE       ? &kIdle
           : name == TCP_KEEPINTVL    ? &kInterval
           : name == TCP_USER_TIMEOUT ? &kUser
                                      : nullptr;
  }
  if (level == SOL_SOCKET) {
    return name == kReceiveTimeoutOld || name == kReceiveTimeoutNew ? &kReceive
           : name == kSendTimeoutOld || name == kSendTimeoutNew     ? &kSend
                                                                    : nullptr;
  }
  return nullptr;
}

bool is_time_of_day(const Option& option) {
  return option.identity >= 4;
}

// What sockets were told, by the kernel's cookie, which no other socket ever gets. Full: the oldest give way, and
// their sockets answer with the kernel's value times the factor.
struct Told {
  uint64_t cookie;
  int identity;
  long long wanted;
  long long given;
};
constexpr size_t kTold = 4096;
Told told[kTold];
size_t told_next = 0;
pthread_mutex_t told_mutex = PTHREAD_MUTEX_INITIALIZER;

// Holds off signals too: a handler may set an option while its thread is in here.
class Guard {
 public:
  Guard() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
    pthread_mutex_lock(&told_mutex);
  }
  ~Guard() {
    pthread_mutex_unlock(&told_mutex);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  sigset_t before_;
};

__attribute__((constructor)) void survive_forks() {
  pthread_atfork([] { pthread_mutex_lock(&told_mutex); }, [] { pthread_mutex_unlock(&told_mutex); },
                 [] { pthread_mutex_unlock(&told_mutex); });
}

using GetSocketOption = int (*)(int, int, int, void*, socklen_t*);
using SetSocketOption = int (*)(int, int, int, const void*, socklen_t);

int kernel_get(int fd, int level, int name, void* value, socklen_t* size) {
  static const GetSocketOption real = next<GetSocketOption>("getsockopt");
  return real(fd, level, name, value, size);
}

int kernel_set(int fd, int level, int name, const void* value, socklen_t size) {
  static const SetSocketOption real = next<SetSocketOption>("setsockopt");
  return real(fd, level, name, value, size);
}

uint64_t cookie_of(int fd) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return kernel_get(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

void remember(int fd, const Option& option, long long wanted, long long given) {
  const uint64_t cookie = cookie_of(fd);
  const Guard guard;
  for (Told& entry : told) {
    if (entry.cookie == cookie && entry.identity == option.identity) {
      entry.wanted = wanted;
      entry.given = given;
      return;
    }
  }
  told[told_next++ % kTold] = {cookie, option.identity, wanted, given};
}

long long recall(int fd, const Option& option, long long given) {
  const uint64_t cookie = cookie_of(fd);
  const Guard guard;
  for (const Told& entry : told) {
    if (entry.cookie == cookie && entry.identity == option.identity && entry.given == given) {
      return entry.wanted;
    }
  }
  return given * factor;
}

// Each kind of value is reported once a process: a program may set an option for every request.
struct Reported {
  int identity;
  long long wanted;
};
constexpr size_t kReported = 64;
Reported reported[kReported];
size_t reported_count = 0;

bool is_new(int identity, long long wanted) {
  const Guard guard;
  for (size_t i = 0; i < reported_count; ++i) {
    if (reported[i].identity == identity && reported[i].wanted == wanted) {
      return false;
    }
  }
  if (reported_count == kReported) {
    return false;
  }
  reported[reported_count++] = {identity, wanted};
  return true;
}

// One line, appended in one write to a file in memory: whole, and never waiting.
void report(const Option& option, long long wanted, long long given) {
  if (report_path == nullptr || !is_new(option.identity, wanted)) {
    return;
  }
  char line[256];
  const int size = snprintf(line, sizeof(line), "%s\t%d\t%s\t%s\t%s\t%lld\t%lld\n", report_host,
                            static_cast<int>(syscall(SYS_getpid)), program_invocation_short_name, option.name,
                            option.unit, wanted, given);
  const int file = open(report_path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
  if (file >= 0) {
    if (size > 0 && size < static_cast<int>(sizeof(line))) {
      const ssize_t written = write(file, line, static_cast<size_t>(size));
      static_cast<void>(written);
    }
    close(file);
  }
}

long long microseconds_of(const timeval& time) {
  return static_cast<long long>(time.tv_sec) * kMicrosecondsPerSecond + time.tv_usec;
}

timeval to_timeval(long long microseconds) {
  timeval time{};
  time.tv_sec = static_cast<time_t>(microseconds / kMicrosecondsPerSecond);
  time.tv_usec = static_cast<suseconds_t>(microseconds % kMicrosecondsPerSecond);
  return time;
}

timeval scaled_time(const timeval& wanted) {
  return to_timeval(scaled_down(microseconds_of(wanted), factor));
}
timeval own_time(const timeval& given) {
  return to_timeval(microseconds_of(given) * factor);
}

int set_integer(int fd, int level, int name, const Option& option, const void* value, socklen_t size) {
  int wanted = 0;
  memcpy(&wanted, value, sizeof(wanted));
  // A value that the kernel refuses is refused as it is.
  const bool keepalive = option.identity <= 2;
  if (wanted <= 0 || (keepalive && wanted > kLargestKeepalive)) {
    return kernel_set(fd, level, name, value, size);
  }
  const int given = static_cast<int>(scaled_down(wanted, factor));
  const int result = kernel_set(fd, level, name, &given, sizeof(given));
  if (result == 0) {
    remember(fd, option, wanted, given);
    report(option, wanted, given);
  }
  return result;
}

int set_time(int fd, int level, int name, const Option& option, const void* value, socklen_t size) {
  timeval wanted{};
  memcpy(&wanted, value, sizeof(wanted));
  const long long microseconds = microseconds_of(wanted);
  if (wanted.tv_sec < 0 || wanted.tv_usec < 0 || wanted.tv_usec >= kMicrosecondsPerSecond || microseconds == 0) {
    return kernel_set(fd, level, name, value, size);
  }
  const timeval given = scaled_time(wanted);
  const int result = kernel_set(fd, level, name, &given, sizeof(given));
  if (result == 0) {
    // The kernel keeps it in whole ticks of its own and answers so.
    timeval kept{};
    socklen_t kept_size = sizeof(kept);
    kernel_get(fd, level, name, &kept, &kept_size);
    remember(fd, option, microseconds, microseconds_of(kept));
    report(option, microseconds, microseconds_of(given));
  }
  return result;
}

timespec kernel_now(clockid_t clock) {
  timespec now{};
  syscall(SYS_clock_gettime, clock, &now);
  return now;
}

// clock_gettime() is libfaketime's here.
timespec in_real_time(clockid_t clock, const timespec& deadline) {
  timespec warped{};
  clock_gettime(clock, &warped);
  return real_deadline(deadline, warped, kernel_now(clock), factor);
}

timespec divided(const timespec& span) {
  return lapse::lab::to_timespec(scaled_down(lapse::lab::nanoseconds(span), factor));
}

}  // namespace

EXPORTED int setsockopt(int fd, int level, int name, const void* value, socklen_t size) {
  const Option* option = factor > 1 && value != nullptr ? find_option(level, name) : nullptr;
  if (option != nullptr && is_time_of_day(*option) && size >= sizeof(timeval)) {
    return set_time(fd, level, name, *option, value, size);
  }
  if (option != nullptr && !is_time_of_day(*option) && size >= sizeof(int)) {
    return set_integer(fd, level, name, *option, value, size);
  }
  const int result = kernel_set(fd, level, name, value, size);
  if (factor > 1 && result == 0 && level == SOL_SOCKET && name == SO_KEEPALIVE && size >= sizeof(int)) {
    int enabled = 0;
    memcpy(&enabled, value, sizeof(enabled));
    if (enabled != 0) {
      report({"SO_KEEPALIVE", "", 6}, 1, 1);
    }
  }
  return result;
}

EXPORTED int getsockopt(int fd, int level, int name, void* value, socklen_t* size) {
  const int result = kernel_get(fd, level, name, value, size);
  const Option* option = factor > 1 && result == 0 ? find_option(level, name) : nullptr;
  if (option == nullptr) {
    return result;
  }
  if (is_time_of_day(*option) && *size == sizeof(timeval)) {
    timeval given{};
    memcpy(&given, value, sizeof(given));
    given = to_timeval(recall(fd, *option, microseconds_of(given)));
    memcpy(value, &given, sizeof(given));
  } else if (!is_time_of_day(*option) && *size == sizeof(int)) {
    int given = 0;
    memcpy(&given, value, sizeof(given));
    given = static_cast<int>(recall(fd, *option, given));
    memcpy(value, &given, sizeof(given));
  }
  return result;
}

// The waits below reach the kernel through libfaketime 0.9.10 with a time of the program's clock.

EXPORTED int sem_clockwait(sem_t* semaphore, clockid_t clock, const timespec* deadline) {
  static const auto real = next<int (*)(sem_t*, clockid_t, const timespec*)>("sem_clockwait");
  if (factor == 1) {
    return real(semaphore, clock, deadline);
  }
  const timespec converted = in_real_time(clock, *deadline);
  return real(semaphore, clock, &converted);
}

EXPORTED int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock,
                                    const timespec* deadline) {
  static const auto real =
      next<int (*)(pthread_cond_t*, pthread_mutex_t*, clockid_t, const timespec*)>("pthread_cond_clockwait");
  if (factor == 1) {
    return real(condition, mutex, clock, deadline);
  }
  const timespec converted = in_real_time(clock, *deadline);
  return real(condition, mutex, clock, &converted);
}

EXPORTED int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* deadline) noexcept {
  static const auto real = next<int (*)(pthread_mutex_t*, clockid_t, const timespec*)>("pthread_mutex_clocklock");
  if (factor == 1) {
    return real(mutex, clock, deadline);
  }
  const timespec converted = in_real_time(clock, *deadline);
  return real(mutex, clock, &converted);
}

EXPORTED int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* deadline) noexcept {
  static const auto real = next<int (*)(pthread_mutex_t*, const timespec*)>("pthread_mutex_timedlock");
  if (factor == 1) {
    return real(mutex, deadline);
  }
  const timespec converted = in_real_time(CLOCK_REALTIME, *deadline);
  return real(mutex, &converted);
}

EXPORTED int sigtimedwait(const sigset_t* signals, siginfo_t* info, const timespec* patience) {
  static const auto real = next<int (*)(const sigset_t*, siginfo_t*, const timespec*)>("sigtimedwait");
  if (factor == 1 || patience == nullptr) {
    return real(signals, info, patience);
  }
  const timespec converted = divided(*patience);
  return real(signals, info, &converted);
}

EXPORTED int epoll_pwait2(int epoll, epoll_event* events, int most, const timespec* patience, const sigset_t* signals) {
  static const auto real = next<int (*)(int, epoll_event*, int, const timespec*, const sigset_t*)>("epoll_pwait2");
  if (real == nullptr) {
    errno = ENOSYS;
    return -1;
  }
  if (factor == 1 || patience == nullptr) {
    return real(epoll, events, most, patience, signals);
  }
  const timespec converted = divided(*patience);
  return real(epoll, events, most, &converted, signals);
}

EXPORTED int setitimer(__itimer_which_t which, const itimerval* value, itimerval* before) noexcept {
  static const auto real = next<int (*)(__itimer_which_t, const itimerval*, itimerval*)>("setitimer");
  if (factor == 1 || which != ITIMER_REAL || value == nullptr) {
    return real(which, value, before);
  }
  const itimerval given{scaled_time(value->it_interval), scaled_time(value->it_value)};
  const int result = real(which, &given, before);
  if (result == 0 && before != nullptr) {
    *before = {own_time(before->it_interval), own_time(before->it_value)};
  }
  return result;
}

EXPORTED int getitimer(__itimer_which_t which, itimerval* value) noexcept {
  static const auto real = next<int (*)(__itimer_which_t, itimerval*)>("getitimer");
  const int result = real(which, value);
  if (factor > 1 && which == ITIMER_REAL && result == 0) {
    *value = {own_time(value->it_interval), own_time(value->it_value)};
  }
  return result;
}

// libfaketime divides it in whole seconds, which makes "never" of a short one.
EXPORTED unsigned alarm(unsigned seconds) noexcept {
  itimerval value{};
  value.it_value.tv_sec = static_cast<time_t>(seconds);
  itimerval before{};
  setitimer(ITIMER_REAL, &value, &before);
  const bool part = before.it_value.tv_usec > 0;
  return static_cast<unsigned>(before.it_value.tv_sec) + (part ? 1 : 0);
}

// Rust's standard library waits on futexes through syscall().
EXPORTED long syscall(long number, ...) noexcept {
  static const auto real = next<long (*)(long, ...)>("syscall");
  va_list arguments;
  va_start(arguments, number);
  long values[6];
  for (long& value : values) {
    value = va_arg(arguments, long);
  }
  va_end(arguments);
  timespec converted{};
  if (number == SYS_futex && factor > 1 && values[3] != 0) {
    const long operation = values[1] & FUTEX_CMD_MASK;
    const timespec& limit = *reinterpret_cast<const timespec*>(values[3]);
    if (operation == FUTEX_WAIT) {
      converted = divided(limit);
      values[3] = reinterpret_cast<long>(&converted);
    } else if (operation == FUTEX_WAIT_BITSET) {
      const bool wall = (values[1] & FUTEX_CLOCK_REALTIME) != 0;
      converted = in_real_time(wall ? CLOCK_REALTIME : CLOCK_MONOTONIC, limit);
      values[3] = reinterpret_cast<long>(&converted);
    }
  }
  return real(number, values[0], values[1], values[2], values[3], values[4], values[5]);
}
