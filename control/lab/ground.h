// ground.h - what a lab stands on: its folder, namespaces, cables and hosts' settings.
//
// Owner:    the supervisor, which enters the lab's namespace with prepare() and stays there.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a few system calls for each host.
// Lifetime: clear() removes everything; what a kill leaves is recorded in lab.json before it is made.
// Spec:     design, section 7: nothing is ever created in the machine's own namespace.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "control/lab/lab.h"
#include "control/lab/process.h"
#include "control/lab/state.h"
#include "control/lab/sysctls.h"
#include "control/lab/warp.h"
#include "control/lab/wiring.h"

namespace lapse::lab {

class Ground {
 public:
  Ground(const topology::Topology& topology, const LabOptions& options);

  // Claims the folder, checks what the machine has, makes namespaces and cables. After a failure clear() removes
  // what there is.
  absl::Status prepare();
  // Once the data plane has its taps.
  absl::Status attach_taps();
  // In a child that starts no program: the lock must fall with the supervisor.
  void let_go_of_lock() { lock_.reset(); }
  // Ends every process inside, then removes the rest.
  void clear();

  const Caller& caller() const { return state_.caller; }
  const std::string& directory() const { return directory_; }
  std::string socket() const { return directory_ + "/control.sock"; }
  std::string log_of(const std::string& host) const { return directory_ + "/" + host + ".log"; }
  const WiringPlan& plan() const { return plan_; }
  const std::vector<Scaled>& scaled_sysctls() const { return scaled_; }
  const std::string& report_path() const { return warp_files_.report; }
  int namespace_of(const std::string& host) const { return hosts_.at(host).get(); }
  bool single_id() const { return single_id_; }

  HostEntrance entrance(const std::string& host, Identity identity) const;
  // Of a program on 'host': the warp's, and whose lab and host it is.
  Environment environment(const std::string& host) const;

 private:
  absl::Status claim();
  absl::Status plan_warp();
  absl::Status plan_namespaces();
  absl::Status make_namespaces();
  absl::Status name_namespace(NamespaceRecord& record, const UniqueFd& fd);
  absl::Status set_up_host(const topology::Host& host);
  absl::Status save() { return write_state(state_, directory_); }

  const topology::Topology& topology_;
  const LabOptions& options_;
  LabState state_;
  WiringPlan plan_;
  std::string directory_;
  UniqueFd lock_;
  UniqueFd own_;  // the lab's own namespace
  std::map<std::string, UniqueFd> hosts_;
  WarpFiles warp_files_;
  std::vector<Scaled> scaled_;
  bool single_id_ = false;
};

}  // namespace lapse::lab
