#include "control/api/client.h"

#include <sys/socket.h>

#include "absl/strings/str_cat.h"

#include "httplib.h"

namespace lapse::api {
namespace {

using nlohmann::json;

// A clock that advances by many days visits every flow on its way; a followed stream may be silent for long.
constexpr time_t kPatienceSeconds = 120;
constexpr time_t kFollowSeconds = 15 * 86'400;

constexpr int kAnyPort = 80;

httplib::Client connect(const std::string& socket_path, time_t read_seconds) {
  httplib::Client client(socket_path, kAnyPort);
  client.set_address_family(AF_UNIX);
  client.set_connection_timeout(5);
  client.set_read_timeout(read_seconds);
  // The socket's path is no host name.
  client.set_default_headers({{"Host", "localhost"}});
  return client;
}

absl::StatusCode status_code(int http_status) {
  switch (http_status) {
    case 400:
    case 413:
      return absl::StatusCode::kInvalidArgument;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kFailedPrecondition;
    case 503:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status error_of(int http_status, const std::string& body) {
  const json parsed = json::parse(body, nullptr, false);
  const bool says = parsed.is_object() && parsed.contains("error") && parsed["error"].is_string();
  return {status_code(http_status),
          says ? parsed["error"].get<std::string>() : absl::StrCat("the instance answered HTTP ", http_status)};
}

absl::Status unreachable(const std::string& socket_path, httplib::Error error) {
  return absl::UnavailableError(
      absl::StrCat("no instance answers on ", socket_path, " (", httplib::to_string(error), ")"));
}

absl::StatusOr<std::string> body_of(const std::string& socket_path, const httplib::Result& result) {
  if (!result) {
    return unreachable(socket_path, result.error());
  }
  if (result->status != 200) {
    return error_of(result->status, result->body);
  }
  return result->body;
}

absl::StatusOr<json> parsed(const absl::StatusOr<std::string>& body) {
  if (!body.ok()) {
    return body.status();
  }
  json value = json::parse(*body, nullptr, false);
  if (value.is_discarded()) {
    return absl::InternalError("the instance answered something that is no JSON");
  }
  return value;
}

}  // namespace

absl::StatusOr<std::string> Client::get_text(const std::string& path) const {
  auto client = connect(socket_path_, kPatienceSeconds);
  return body_of(socket_path_, client.Get(path));
}

absl::StatusOr<std::string> Client::get_text(const std::string& path,
                                             const std::multimap<std::string, std::string>& parameters) const {
  auto client = connect(socket_path_, kPatienceSeconds);
  return body_of(socket_path_, client.Get(path, parameters, httplib::Headers()));
}

absl::StatusOr<json> Client::get(const std::string& path) const {
  return parsed(get_text(path));
}

absl::StatusOr<json> Client::post(const std::string& path, const json& body) const {
  auto client = connect(socket_path_, kPatienceSeconds);
  return parsed(body_of(socket_path_, client.Post(path, body.dump(), "application/json")));
}

absl::Status Client::follow(const std::string& path, const std::function<bool(std::string_view)>& line) const {
  auto client = connect(socket_path_, kFollowSeconds);
  std::string rest;
  int status = 0;
  bool left = false;
  const auto receive = [&](const char* data, size_t size) {
    rest.append(data, size);
    size_t start = 0;
    for (size_t end; status == 200 && (end = rest.find('\n', start)) != std::string::npos; start = end + 1) {
      if (end > start && !line(std::string_view(rest).substr(start, end - start))) {
        left = true;
        return false;
      }
    }
    rest.erase(0, start);
    return true;
  };
  const auto result = client.Get(
      path,
      [&](const httplib::Response& response) {
        status = response.status;
        return true;
      },
      receive);
  if (status != 0 && status != 200) {
    return error_of(status, rest);
  }
  // An instance that is killed does not end its answer properly; it has ended all the same.
  if (left || status == 200 || result) {
    return absl::OkStatus();
  }
  return unreachable(socket_path_, result.error());
}

}  // namespace lapse::api
