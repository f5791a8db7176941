#include "control/api/answers.h"

#include "control/api/request.h"

namespace lapse::api {

using nlohmann::json;

void answer(httplib::Response& response, const json& body) {
  response.set_content(body.dump() + "\n", "application/json");
}

void answer_text(httplib::Response& response, const std::string& text) {
  response.set_content(text, "text/plain; charset=utf-8");
}

void refuse(httplib::Response& response, const absl::Status& status, json details) {
  response.status = http_status(status);
  details["error"] = std::string(status.message());
  answer(response, details);
}

}  // namespace lapse::api
