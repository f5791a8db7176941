// server.h - the local HTTP API of a running instance, on a Unix socket that only its owner may open.
//
// Owner:    the data plane's process; it has a few threads of its own and records the instance's events.
// Memory:   bounded: the last events, and the recorder's conversations.
// Time:     none but the instance's.
// Bytes:    JSON, NDJSON and plain text.
// Cost:     none for the data plane but that of its event stream.
// Lifetime: the instance outlives it; stop() returns quickly, also with followers.
// Spec:     design, "Control": HTTP on a Unix socket (mode 0600), JSON, under /v1.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "control/instance/instance.h"
#include "control/story/recorder.h"

namespace lapse::api {

struct ServerOptions {
  std::string name;           // of the instance
  std::string socket_path;    // a stale socket there is replaced
  bool hosts_warped = false;  // the hosts' programs and kernels run at the clock's scale
  size_t events = 262'144;    // remembered: a hundred thousand flows that begin and end while nobody reads
  size_t packets = 20'000;    // remembered beside them
  size_t followers = 6;       // at most, at the same time
  story::Recorder::Limits limits;
};

class Server {
 public:
  // Listens when it returns. Fails with a message that names the socket and the remedy.
  static absl::StatusOr<std::unique_ptr<Server>> start(InstanceView& instance, const ServerOptions& options);
  ~Server();

  void stop();

  // For a report at the end; fed until stop().
  const story::Recorder& recorder() const;

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lapse::api
