#include "control/lab/dataplane_process.h"

#include <csignal>
#include <filesystem>
#include <string_view>

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/api/server.h"

namespace lapse {
namespace {

void tell(int descriptor, std::string_view line) {
  [[maybe_unused]] const ssize_t sent = send(descriptor, line.data(), line.size(), MSG_NOSIGNAL);
}

// Every signal is blocked here, so that each thread started later takes none but what it unblocks itself.
int block_signals() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    sigaddset(&ends, signal);
  }
  return signalfd(-1, &ends, SFD_CLOEXEC);
}

// Until a signal says so, or the supervisor has gone.
void wait_for_the_end(int signals, int ready_fd) {
  pollfd descriptors[] = {{.fd = signals, .events = POLLIN, .revents = 0},
                          {.fd = ready_fd, .events = POLLIN, .revents = 0}};
  while (true) {
    if (poll(descriptors, 2, -1) < 0) {
      continue;
    }
    if (descriptors[0].revents != 0) {
      return;
    }
    char byte = 0;
    if (descriptors[1].revents != 0 && recv(ready_fd, &byte, 1, 0) <= 0) {
      return;
    }
  }
}

}  // namespace

int run_dataplane_process(const topology::Topology& topology, const DataplaneProcessOptions& options, int ready_fd) {
  const int signals = block_signals();
  InstanceOptions instance_options = options.instance;
  instance_options.runtime_directory = std::filesystem::path(options.socket_path).parent_path();
  auto instance = Instance::start(topology, instance_options);
  if (!instance.ok()) {
    tell(ready_fd, absl::StrCat("error: ", instance.status().message(), "\n"));
    return 1;
  }
  api::ServerOptions server_options;
  server_options.socket_path = options.socket_path;
  server_options.name = options.instance_name;
  server_options.hosts_warped = options.instance.scale != 1.0;
  auto server = api::Server::start(**instance, server_options);
  if (!server.ok()) {
    tell(ready_fd, absl::StrCat("error: ", server.status().message(), "\n"));
    return 1;
  }
  tell(ready_fd, "ready\n");
  wait_for_the_end(signals, ready_fd);
  (*server)->stop();
  (*instance)->stop();
  close(signals);
  return 0;
}

}  // namespace lapse
