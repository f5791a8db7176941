#include "control/serving/serving.h"

#include <csignal>
#include <filesystem>

#include <sys/signalfd.h>

namespace lapse {

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

absl::StatusOr<std::unique_ptr<Serving>> Serving::start(const topology::Topology& topology,
                                                        const ServingOptions& options) {
  InstanceOptions instance_options = options.instance;
  instance_options.runtime_directory = std::filesystem::path(options.socket_path).parent_path();
  auto instance = Instance::start(topology, instance_options);
  if (!instance.ok()) {
    return instance.status();
  }
  api::ServerOptions server_options;
  server_options.socket_path = options.socket_path;
  server_options.name = options.name;
  server_options.hosts_warped = options.instance.scale != 1.0;
  auto server = api::Server::start(**instance, server_options);
  if (!server.ok()) {
    return server.status();
  }
  return std::unique_ptr<Serving>(new Serving(*std::move(instance), *std::move(server)));
}

Serving::~Serving() {
  finish();
  instance_->stop();
}

void Serving::finish() {
  server_->stop();
  instance_->stop_workers();
}

}  // namespace lapse
