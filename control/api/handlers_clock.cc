// What the API answers about the clock.
#include "absl/strings/str_cat.h"

#include "control/api/answers.h"
#include "control/api/handlers.h"
#include "control/api/request.h"
#include "control/api/to_json.h"
#include "control/story/text.h"

namespace lapse::api {

using nlohmann::json;

json Handlers::clock_json() const {
  const Now now = instance_.now();
  return {{"virtual_time", seconds(now.now.time_since_epoch())},
          {"uptime", seconds(now.real.time_since_epoch())},
          {"scale", instance_.scale()},
          {"hosts_warped", options_.hosts_warped}};
}

void Handlers::show_clock(const Request& request, Response& response) {
  const Query query(request, {});
  if (!query.status().ok()) {
    refuse(response, query.status());
    return;
  }
  answer(response, clock_json());
}

void Handlers::move_clock(const Request& request, Response& response) {
  const auto move = parse_clock_request(request.body);
  if (!move.ok()) {
    refuse(response, move.status());
    return;
  }
  switch (move->kind) {
    case ClockRequest::Kind::kAdvance:
      advance_clock(move->duration, move->force, response);
      break;
    case ClockRequest::Kind::kNext:
      next_expiry(response);
      break;
    case ClockRequest::Kind::kScale:
      scale_clock(move->scale, move->force, response);
      break;
  }
}

void Handlers::advance_clock(std::chrono::nanoseconds duration, bool force, Response& response) {
  const auto move = instance_.advance(duration, force);
  if (!move.ok()) {
    refuse(response, move.status());
    return;
  }
  json body = clock_json();
  body["moved"] = seconds(move->moved);
  body["stopped_by"] = nullptr;
  if (!move->stopped_by) {
    answer(response, body);
    return;
  }
  body["stopped_by"] = flow_json(*move->stopped_by, directory());
  refuse(response,
         absl::FailedPreconditionError(absl::StrCat(
             "the clock moved ", story::about(move->moved), " of ", story::about(duration), " and stopped before ",
             flow_text(*move->stopped_by, directory()), " expires: it has been refreshed ",
             cadence_text(*move->stopped_by), ", below its timeout of ", story::exact(move->stopped_by->timeout),
             ", and a jump leaves no time for what keeps it alive; --force jumps all the same")),
         body);
}

void Handlers::next_expiry(Response& response) {
  const auto move = instance_.advance_to_next_expiry();
  if (absl::IsNotFound(move.status())) {
    refuse(response, absl::FailedPreconditionError("no flow is alive, so there is no next expiry to go to"));
    return;
  }
  if (!move.ok()) {
    refuse(response, move.status());
    return;
  }
  json body = clock_json();
  body["moved"] = seconds(move->moved);
  body["stopped_by"] = nullptr;
  if (move->stopped_by) {
    body["stopped_by"] = flow_json(*move->stopped_by, directory());
    body["message"] = absl::StrCat("stopped at the expiry of ", flow_text(*move->stopped_by, directory()), " after ",
                                   story::exact(move->stopped_by->timeout), " of silence");
  }
  answer(response, body);
}

void Handlers::scale_clock(double scale, bool force, Response& response) {
  if (!options_.hosts_warped && !force && scale != instance_.scale()) {
    refuse(response,
           absl::FailedPreconditionError(absl::StrCat(
               "the hosts of ", options_.name,
               " are not warped: their kernels and programs would go on in real "
               "time, and a keepalive of 60 s would come after ",
               story::about(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(60 * scale))),
               " of the boxes' time; start the lab with --warp ", scale, ", or give --force")),
           clock_json());
    return;
  }
  const absl::Status done = instance_.set_scale(scale);
  if (!done.ok()) {
    refuse(response, done);
    return;
  }
  answer(response, clock_json());
}

}  // namespace lapse::api
