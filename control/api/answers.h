// answers.h - how the API answers: JSON, text, or an error in JSON.
//
// Owner:    one request.
// Memory:   an answer is built in memory.
// Time:     none.
// Bytes:    UTF-8.
// Cost:     none that matters.
// Lifetime: none.
// Spec:     design, "Control".
#pragma once

#include <string>

#include "absl/status/status.h"
#include "nlohmann/json.hpp"

#include "httplib.h"

namespace lapse::api {

void answer(httplib::Response& response, const nlohmann::json& body);
void answer_text(httplib::Response& response, const std::string& text);
// 'details' stand beside the message.
void refuse(httplib::Response& response, const absl::Status& status, nlohmann::json details = nlohmann::json::object());

}  // namespace lapse::api
