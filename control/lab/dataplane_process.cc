#include "control/lab/dataplane_process.h"

#include <string_view>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/serving/serving.h"

namespace lapse {
namespace {

void tell(int descriptor, std::string_view line) {
  [[maybe_unused]] const ssize_t sent = send(descriptor, line.data(), line.size(), MSG_NOSIGNAL);
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
  auto serving = Serving::start(topology, {options.instance, options.instance_name, options.socket_path});
  if (!serving.ok()) {
    tell(ready_fd, absl::StrCat("error: ", serving.status().message(), "\n"));
    return 1;
  }
  tell(ready_fd, "ready\n");
  wait_for_the_end(signals, ready_fd);
  serving->reset();
  close(signals);
  return 0;
}

}  // namespace lapse
