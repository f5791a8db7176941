// request.h - what a client asked for, checked: every bad value is named with what is accepted.
//
// Owner:    one request.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     none.
// Lifetime: outlived by the request that it reads.
// Spec:     design, "Control".
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "dataplane/wire/address.h"
#include "httplib.h"

namespace lapse::api {

// Reads the parameters behind the path. The first error sticks, so that a handler checks once, at the end.
class Query {
 public:
  // 'known' are the parameters that the path takes; any other is an error.
  Query(const httplib::Request& request, std::initializer_list<std::string_view> known);

  bool flag(const std::string& name);
  uint64_t number(const std::string& name, uint64_t otherwise, uint64_t least, uint64_t most);
  std::string text(const std::string& name, const std::string& otherwise);
  // An error about 'name' that the caller found.
  void refuse(const std::string& name, const std::string& accepted);

  const absl::Status& status() const { return status_; }

 private:
  const httplib::Request& request_;
  absl::Status status_;
};

// One way to move the clock.
struct ClockRequest {
  enum class Kind : uint8_t { kAdvance, kNext, kScale };
  Kind kind = Kind::kAdvance;
  std::chrono::nanoseconds duration{};
  double scale = 1.0;
  bool force = false;
};
absl::StatusOr<ClockRequest> parse_clock_request(const std::string& body);

// An address that comes to a NAT gateway, or goes.
struct AddressRequest {
  enum class Kind : uint8_t { kAssociate, kDisassociate };
  Kind kind = Kind::kAssociate;
  std::string box;
  Ipv4Address address;
  std::optional<std::chrono::nanoseconds> drain;  // kDisassociate
};
absl::StatusOr<AddressRequest> parse_address_request(const std::string& body);

// 400, 404, 409, 503 or 500.
int http_status(const absl::Status& status);

}  // namespace lapse::api
