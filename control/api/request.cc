#include "control/api/request.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "control/topology/values.h"

namespace lapse::api {
namespace {

using nlohmann::json;

constexpr std::string_view kClockForms = R"({"advance":"351s"}, {"next":true} or {"scale":50}, and "force":true)";

constexpr std::string_view kAddressForms =
    R"({"box":"natgw","associate":"203.0.113.11"} or {"box":"natgw","disassociate":"203.0.113.11","drain":"350s"})";

absl::string_view view(std::string_view text) {
  return {text.data(), text.size()};
}

absl::Status bad(std::string_view name, std::string_view value, std::string_view accepted) {
  return absl::InvalidArgumentError(
      absl::StrCat(view(name), ": ", view(value), " is not accepted; give ", view(accepted)));
}

absl::StatusOr<bool> read_bool(const json& body, const std::string& name) {
  const auto found = body.find(name);
  if (found == body.end()) {
    return false;
  }
  if (!found->is_boolean()) {
    return bad(name, found->dump(), "true or false");
  }
  return found->get<bool>();
}

absl::Status check_keys(const json& body) {
  size_t ways = 0;
  for (const auto& [key, value] : body.items()) {
    if (key != "advance" && key != "next" && key != "scale" && key != "force") {
      return absl::InvalidArgumentError(absl::StrCat("unknown key ", key, "; accepted: ", view(kClockForms)));
    }
    ways += key == "force" ? 0 : 1;
  }
  if (ways != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(ways == 0 ? "nothing to do" : "more than one thing to do", "; accepted: ", view(kClockForms)));
  }
  return absl::OkStatus();
}

absl::Status read_advance(const json& value, ClockRequest& request) {
  constexpr std::string_view kAccepted = "a duration with its unit, as \"351s\", \"5d\" or \"120ms\"";
  request.kind = ClockRequest::Kind::kAdvance;
  if (!value.is_string()) {
    return bad("advance", value.dump(), kAccepted);
  }
  const auto duration = topology::parse_duration(value.get<std::string>());
  if (!duration.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("advance: ", duration.status().message(), "; give ", view(kAccepted)));
  }
  request.duration = *duration;
  return absl::OkStatus();
}

absl::Status read_scale(const json& value, ClockRequest& request) {
  request.kind = ClockRequest::Kind::kScale;
  if (!value.is_number() || !(value.get<double>() >= 1.0) || !(value.get<double>() <= 1000.0)) {
    return bad("scale", value.dump(), "a number from 1 to 1000: how many virtual seconds pass in a real one");
  }
  request.scale = value.get<double>();
  return absl::OkStatus();
}

absl::Status read_way(const json& body, ClockRequest& request) {
  if (body.contains("advance")) {
    return read_advance(body["advance"], request);
  }
  if (body.contains("scale")) {
    return read_scale(body["scale"], request);
  }
  request.kind = ClockRequest::Kind::kNext;
  const auto next = read_bool(body, "next");
  if (!next.ok()) {
    return next.status();
  }
  return *next ? absl::OkStatus() : bad("next", "false", "true");
}

}  // namespace

Query::Query(const httplib::Request& request, std::initializer_list<std::string_view> known) : request_(request) {
  for (const auto& [name, value] : request.params) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::string accepted =
          absl::StrJoin(known, ", ", [](std::string* out, std::string_view one) { out->append(one); });
      status_ = absl::InvalidArgumentError(absl::StrCat("unknown parameter ", name, "=", value, "; ", request.path,
                                                        accepted.empty() ? " takes none" : " takes " + accepted));
      return;
    }
  }
}

void Query::refuse(const std::string& name, const std::string& accepted) {
  if (status_.ok()) {
    status_ = bad(name, request_.get_param_value(name), accepted);
  }
}

bool Query::flag(const std::string& name) {
  const std::string value = text(name, "0");
  if (value != "0" && value != "1") {
    refuse(name, "0 or 1");
  }
  return value == "1";
}

uint64_t Query::number(const std::string& name, uint64_t otherwise, uint64_t least, uint64_t most) {
  if (!request_.has_param(name)) {
    return otherwise;
  }
  const std::string value = request_.get_param_value(name);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number < least || number > most) {
    refuse(name, absl::StrCat("a number from ", least, " to ", most));
    return otherwise;
  }
  return number;
}

std::string Query::text(const std::string& name, const std::string& otherwise) {
  return request_.has_param(name) ? request_.get_param_value(name) : otherwise;
}

absl::StatusOr<ClockRequest> parse_clock_request(const std::string& text) {
  const json body = json::parse(text, nullptr, false);
  if (!body.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat("the body is not a JSON object; accepted: ", view(kClockForms)));
  }
  ClockRequest request;
  if (auto status = check_keys(body); !status.ok()) {
    return status;
  }
  const auto force = read_bool(body, "force");
  if (!force.ok()) {
    return force.status();
  }
  request.force = *force;
  if (auto status = read_way(body, request); !status.ok()) {
    return status;
  }
  return request;
}

absl::StatusOr<AddressRequest> parse_address_request(const std::string& text) {
  const json body = json::parse(text, nullptr, false);
  AddressRequest request;
  const bool comes = body.is_object() && body.contains("associate");
  const bool goes = body.is_object() && body.contains("disassociate");
  if (comes == goes || !body.contains("box") || !body["box"].is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("accepted: ", view(kAddressForms)));
  }
  for (const auto& [key, value] : body.items()) {
    if (key != "box" && key != "associate" && key != "disassociate" && (key != "drain" || comes)) {
      return absl::InvalidArgumentError(absl::StrCat("unknown key ", key, "; accepted: ", view(kAddressForms)));
    }
  }
  request.kind = comes ? AddressRequest::Kind::kAssociate : AddressRequest::Kind::kDisassociate;
  request.box = body["box"];
  const std::string way = comes ? "associate" : "disassociate";
  const auto address = body[way].is_string() ? parse_ipv4(body[way].get<std::string>()) : std::nullopt;
  if (!address) {
    return bad(way, body[way].dump(), "an IPv4 address");
  }
  request.address = *address;
  if (body.contains("drain")) {
    const auto drain =
        topology::parse_duration(body["drain"].is_string() ? body["drain"].get<std::string>() : body["drain"].dump());
    if (!drain.ok()) {
      return bad("drain", body["drain"].dump(), "a duration with its unit, as \"350s\"");
    }
    request.drain = *drain;
  }
  return request;
}

int http_status(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kFailedPrecondition:
      return 409;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return 503;
    default:
      return 500;
  }
}

}  // namespace lapse::api
