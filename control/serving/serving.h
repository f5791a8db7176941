// serving.h - an instance and its API in this process: what `lab` and `run` have in common.
//
// Owner:    the process; used by its main thread.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: the destructor stops the API, then the data plane.
// Spec:     design, "Control".
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "control/api/server.h"
#include "control/instance/instance.h"

namespace lapse {

// Blocks every signal in the calling thread, so that each thread started later takes none but what it unblocks itself.
// Returns a descriptor that becomes readable when one comes that ends the process.
int block_signals();

struct ServingOptions {
  InstanceOptions instance;  // but for its runtime directory, which is the socket's folder
  std::string name;          // as `ctl -t` knows it
  std::string socket_path;   // the API's Unix socket, mode 0600
};

class Serving {
 public:
  // Workers poll and the API listens when it returns; nothing is left behind when it fails.
  static absl::StatusOr<std::unique_ptr<Serving>> start(const topology::Topology& topology,
                                                        const ServingOptions& options);
  ~Serving();

  Instance& instance() { return *instance_; }
  // Stops the API and the workers. What the instance counted can still be read, and does not change any more.
  void finish();

 private:
  Serving(std::unique_ptr<Instance> instance, std::unique_ptr<api::Server> server)
      : instance_(std::move(instance)), server_(std::move(server)) {}

  std::unique_ptr<Instance> instance_;
  std::unique_ptr<api::Server> server_;
};

}  // namespace lapse
