// dataplane_process.h - the data plane and its API as a process of its own, inside the lab's network namespace.
//
// Owner:    forked by lab; ends on SIGTERM, or when the other end of 'ready_fd' is closed.
// Memory:   its own.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: none.
// Spec:     design, "The lab's data plane, taps and bridges live in a network namespace of its own".
#pragma once

#include <string>

#include "control/instance/instance.h"
#include "control/lab/director.h"

namespace lapse {

struct DataplaneProcessOptions {
  InstanceOptions instance;
  std::string instance_name;  // as `ctl -t` knows it
  std::string socket_path;    // the API's Unix socket, mode 0600
  lab::Director* director = nullptr;
};

// Starts everything, writes "ready\n" to 'ready_fd' (a stream socket) once the ports exist and the API listens, or
// "error: ...\n", and returns the exit status when it is over. The caller is in the right namespaces already.
// A director directs when "go\n" comes from there, and its line is sent.
int run_dataplane_process(const topology::Topology& topology, const DataplaneProcessOptions& options, int ready_fd);

}  // namespace lapse
