// client.h - speaks to the API of a running instance over its Unix socket.
//
// Owner:    the caller.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     a local HTTP request each.
// Lifetime: none.
// Spec:     design, "Control".
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace lapse::api {

class Client {
 public:
  explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}

  // 'path' with its query, as "/v1/flows?box=natgw". An error answer's message becomes the status.
  absl::StatusOr<nlohmann::json> get(const std::string& path) const;
  absl::StatusOr<std::string> get_text(const std::string& path) const;
  // With parameters that may hold anything.
  absl::StatusOr<std::string> get_text(const std::string& path,
                                       const std::multimap<std::string, std::string>& parameters) const;
  absl::StatusOr<nlohmann::json> post(const std::string& path, const nlohmann::json& body) const;

  // Hands each line of an endless answer to 'line' until it returns false or the instance ends.
  absl::Status follow(const std::string& path, const std::function<bool(std::string_view)>& line) const;

 private:
  std::string socket_path_;
};

}  // namespace lapse::api
