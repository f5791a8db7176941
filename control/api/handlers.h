// handlers.h - what each path of the API answers.
//
// Owner:    the server.
// Memory:   an answer is built in memory; a followed stream is not.
// Time:     none but the instance's.
// Bytes:    JSON, NDJSON and plain text, Prometheus' among it.
// Cost:     a copy of what is asked for.
// Lifetime: the instance, the recorder and the history outlive it.
// Spec:     design, "Control".
#pragma once

#include <atomic>
#include <string>

#include "nlohmann/json.hpp"

#include "control/api/history.h"
#include "control/api/server.h"
#include "control/report/run_record.h"
#include "httplib.h"

namespace lapse::api {

class Handlers {
 public:
  Handlers(InstanceView& instance, const ServerOptions& options, const lapse::report::RunRecord& record,
           const History& history, int64_t wall_start)
      : instance_(instance),
        options_(options),
        record_(record),
        recorder_(record.recorder()),
        history_(history),
        wall_start_(wall_start) {}

  // Puts every path, and the answer to unknown ones, into 'server'.
  void install(httplib::Server& server);

 private:
  using Request = httplib::Request;
  using Response = httplib::Response;

  void status(const Request& request, Response& response);
  void metrics(const Request& request, Response& response);
  void prometheus(const Request& request, Response& response);
  void flows(const Request& request, Response& response);
  void events(const Request& request, Response& response);
  void follow(uint64_t since, bool packets, Response& response);
  bool write_new_events(uint64_t& since, bool packets, httplib::DataSink& sink);
  void show_clock(const Request& request, Response& response);
  void move_clock(const Request& request, Response& response);
  void advance_clock(std::chrono::nanoseconds duration, bool force, Response& response);
  void next_expiry(Response& response);
  void scale_clock(double scale, bool force, Response& response);
  void list_addresses(const Request& request, Response& response);
  void change_addresses(const Request& request, Response& response);
  void ladder(const Request& request, Response& response);
  void list_story(const Request& request, Response& response);
  void report(const Request& request, Response& response);
  void answer_report(const std::string& format, const std::string& command, Response& response);
  void verdict(const Request& request, Response& response);
  void record(const Request& request, Response& response);

  nlohmann::json clock_json() const;
  absl::StatusOr<nlohmann::json> addresses_json(const std::string& box) const;
  const topology::Directory& directory() const { return instance_.directory(); }

  InstanceView& instance_;
  const ServerOptions& options_;
  const lapse::report::RunRecord& record_;
  const story::Recorder& recorder_;
  const History& history_;
  int64_t wall_start_;  // wall time at the real time 0 of the events
  std::atomic<size_t> followers_{0};
};

}  // namespace lapse::api
