// line.h - JSON messages between the director of a live story and the endpoint on each of its hosts.
//
// Owner:    one at each end of a connected pair of sockets.
// Memory:   one message.
// Time:     none.
// Bytes:    JSON text; a message is one packet of a SOCK_SEQPACKET socket.
// Cost:     one system call a message.
// Lifetime: closes its descriptor.
// Spec:     none.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "control/lab/unique_fd.h"

namespace lapse::live {

class Line {
 public:
  explicit Line(lab::UniqueFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }
  absl::Status send(const nlohmann::json& message) const;
  // Waits for the next one; kUnavailable when the other end has gone.
  absl::StatusOr<nlohmann::json> receive() const;

 private:
  lab::UniqueFd fd_;
};

absl::StatusOr<lab::UniqueFd> listen_at(const std::string& path);
absl::StatusOr<Line> connect_to(const std::string& path);

}  // namespace lapse::live
