// supervisor.h - one lab from start to end: ground, data plane, services, program, report.
//
// Owner:    run_lab().
// Memory:   ordinary.
// Time:     real.
// Bytes:    none.
// Cost:     sleeps but for events.
// Lifetime: run() leaves nothing behind.
// Spec:     design, section 8: exit status.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "control/expect/outcome.h"
#include "control/lab/director.h"
#include "control/lab/events.h"
#include "control/lab/ground.h"
#include "control/lab/warp_report.h"

namespace lapse::lab {

class Supervisor {
 public:
  Supervisor(const topology::Topology& topology, const LabOptions& options, Director* director = nullptr);

  int run();
  // With a director, and without a program: what it said.
  absl::StatusOr<std::string> direct();

 private:
  // A service, or what became of it.
  struct Service {
    pid_t pid = -1;
    bool over = false;
    int status = 0;
  };

  absl::Status check_services_warpable() const;
  absl::Status start();
  absl::Status start_data_plane();
  [[noreturn]] void become_data_plane(int ready_fd);
  absl::Status wait_for_data_plane();
  // The next line that the data plane says; 'late' is why there has to be one by then.
  absl::StatusOr<std::string> data_plane_says(std::optional<SteadyTime> deadline, const std::string& late);
  absl::Status start_services();
  absl::Status wait_until_ready(const topology::Host& host);
  bool is_ready(const topology::Host& host) const;
  absl::Status service_failed(const topology::Host& host, const std::string& what, const std::string& remedy) const;
  // A message when the data plane ended, or one of the signals that end us came; nothing for what may go on.
  absl::Status take_note(const Event& event);

  int run_program();
  int watch_program(pid_t program);
  int stay();
  void print_usage() const;
  int report(int status);
  bool report_warp();
  // Every report of the run into its folder; false, and it is said, when that fails.
  bool write_reports();
  absl::Status write_record();
  // Whether every expectation is met; says which are not.
  bool meets_expectations();
  absl::StatusOr<expect::RunOutcome> look_at_boxes();
  std::string data_plane_words() const;

  const topology::Topology& topology_;
  const LabOptions& options_;
  Director* director_;
  Events events_;
  Ground ground_;
  unsigned hertz_;
  pid_t data_plane_ = -1;
  UniqueFd data_plane_line_;  // closed: the data plane ends
  std::map<std::string, Service> services_;
  bool up_ = false;   // everything has started
  int ended_by_ = 0;  // a signal that came before the program was there
};

}  // namespace lapse::lab
