#include "control/lab/dataplane_process.h"

#include <filesystem>
#include <string_view>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"

#include "control/serving/serving.h"

namespace lapse {
namespace {

void tell(int descriptor, std::string_view line) {
  while (!line.empty()) {
    const ssize_t sent = send(descriptor, line.data(), line.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return;
    }
    line.remove_prefix(static_cast<size_t>(sent));
  }
}

enum class Turn { kEnd, kGo };

// Until a signal says so, the supervisor has gone, or it says go.
Turn wait_for_turn(int signals, int ready_fd) {
  pollfd descriptors[] = {{.fd = signals, .events = POLLIN, .revents = 0},
                          {.fd = ready_fd, .events = POLLIN, .revents = 0}};
  while (true) {
    if (poll(descriptors, 2, -1) < 0) {
      continue;
    }
    if (descriptors[0].revents != 0) {
      return Turn::kEnd;
    }
    char byte = 0;
    if (descriptors[1].revents != 0) {
      if (recv(ready_fd, &byte, 1, 0) <= 0) {
        return Turn::kEnd;
      }
      if (byte == '\n') {
        return Turn::kGo;
      }
    }
  }
}

}  // namespace

int run_dataplane_process(const topology::Topology& topology, const DataplaneProcessOptions& options, int ready_fd) {
  const int signals = block_signals();
  if (options.director != nullptr) {
    const auto prepared = options.director->prepare(std::filesystem::path(options.socket_path).parent_path().string());
    if (!prepared.ok()) {
      tell(ready_fd, absl::StrCat("error: ", prepared.message(), "\n"));
      return 1;
    }
  }
  auto serving = Serving::start(topology, {options.instance, options.instance_name, options.socket_path});
  if (!serving.ok()) {
    tell(ready_fd, absl::StrCat("error: ", serving.status().message(), "\n"));
    return 1;
  }
  tell(ready_fd, "ready\n");
  while (wait_for_turn(signals, ready_fd) == Turn::kGo) {
    if (options.director != nullptr) {
      tell(ready_fd, options.director->direct((*serving)->instance()) + "\n");
    }
  }
  serving->reset();
  close(signals);
  return 0;
}

}  // namespace lapse
