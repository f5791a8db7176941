#include "control/explain/record.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

#include "control/explain/record_conversation.h"
#include "control/explain/record_text.h"

namespace lapse::explain {
namespace {

constexpr const char* kFormat = "lapse-run";

json to_json(const Origin& origin) {
  return {{"by", text_of(origin.by)},
          {"place", origin.place},
          {"reference", origin.reference},
          {"confidence", origin.confidence}};
}
Origin origin_of(const json& value) {
  return {enum_of<SetBy>(value.at("by")), value.at("place"), value.at("reference"), value.at("confidence")};
}

json to_json(const BoxFacts& box) {
  json timeouts = json::object();
  for (size_t position = 0; position < kTimeoutClassCount; ++position) {
    const TimeoutFacts& timeout = box.timeouts[position];
    timeouts[std::string(kTimeoutClassNames[position])] = {{"value", seconds(timeout.value)},
                                                           {"set", to_json(timeout.origin)},
                                                           {"least", seconds(timeout.provider_least)},
                                                           {"most", seconds(timeout.provider_most)}};
  }
  json late = json::array();
  for (const LateFacts& side : box.late) {
    late.push_back({{"side", side.side}, {"behaviour", text_of(side.behaviour)}, {"set", to_json(side.origin)}});
  }
  return {{"name", box.name}, {"kind", box.kind}, {"timeouts", timeouts}, {"late_packet", late}};
}

BoxFacts box_of(const json& value) {
  BoxFacts box{.name = value.at("name"), .kind = value.at("kind")};
  for (size_t position = 0; position < kTimeoutClassCount; ++position) {
    const json& timeout = value.at("timeouts").at(std::string(kTimeoutClassNames[position]));
    box.timeouts[position] = {duration_of(timeout.at("value")), origin_of(timeout.at("set")),
                              duration_of(timeout.at("least")), duration_of(timeout.at("most"))};
  }
  for (const json& side : value.at("late_packet")) {
    box.late.push_back({side.at("side"), enum_of<LatePacket>(side.at("behaviour")), origin_of(side.at("set"))});
  }
  return box;
}

json to_json(const HostFacts& host, const topology::Directory& directory) {
  json sysctls = json::object();
  for (const auto& [key, sysctl] : host.sysctls) {
    sysctls[key] = {{"value", sysctl.value}, {"set", to_json(sysctl.origin)}};
  }
  json addresses = json::array();
  for (const auto& [address, name] : directory.hosts) {
    if (name == host.name) {
      addresses.push_back(address_json(address));
    }
  }
  return {{"name", host.name}, {"addresses", addresses}, {"sysctls", sysctls}};
}

void read_host(const json& value, Run& run) {
  HostFacts host{.name = value.at("name")};
  for (const auto& [key, sysctl] : value.at("sysctls").items()) {
    host.sysctls[key] = {sysctl.at("value"), origin_of(sysctl.at("set"))};
  }
  for (const json& address : value.at("addresses")) {
    run.directory.hosts[address_of(address)] = host.name;
  }
  run.hosts.push_back(std::move(host));
}

json directory_json(const topology::Directory& directory) {
  json boxes = json::array();
  for (const auto& box : directory.boxes) {
    boxes.push_back({{"name", box.name}, {"kind", box.kind}, {"sides", box.side_names}});
  }
  json links = json::array();
  for (const auto& link : directory.links) {
    links.push_back({{"name", link.name}, {"subnet", to_string(link.subnet)}});
  }
  json addresses = json::object();
  for (const auto& [address, name] : directory.box_addresses) {
    addresses[to_string(address)] = name;
  }
  return {{"boxes", boxes}, {"links", links}, {"box_addresses", addresses}};
}

void read_directory(const json& value, topology::Directory& directory) {
  for (const json& box : value.at("boxes")) {
    directory.boxes.push_back({box.at("name"), box.at("kind"), box.at("sides")});
  }
  for (const json& link : value.at("links")) {
    const auto subnet = parse_prefix(link.at("subnet").get_ref<const std::string&>());
    directory.links.push_back({link.at("name"), subnet.value_or(Ipv4Prefix{})});
  }
  for (const auto& [address, name] : value.at("box_addresses").items()) {
    directory.box_addresses[address_of(json(address))] = name;
  }
}

json to_json(const HeldFlow& flow) {
  return {{"flow", key_json(flow.key)},
          {"state", flow.state},
          {"last_seen", seconds(flow.last_seen)},
          {"timeout", seconds(flow.timeout)},
          {"class", text_of(flow.timeout_class)}};
}
HeldFlow held_of(const json& value) {
  return {key_of(value.at("flow")), value.at("state"), instant_of(value.at("last_seen")),
          duration_of(value.at("timeout")), enum_of<TimeoutClass>(value.at("class"))};
}

json to_json(const EndFacts& end) {
  const KeepaliveFacts& keepalive = end.keepalive;
  return {{"host", end.host},
          {"keepalive",
           {{"on", keepalive.on},
            {"own_time", keepalive.own_time},
            {"windows", keepalive.windows},
            {"time", seconds(keepalive.time)},
            {"interval", seconds(keepalive.interval)},
            {"probes", keepalive.probes}}},
          {"error", end.error},
          {"error_at", seconds(end.error_at)},
          {"waiting", end.waiting},
          {"waiting_since", seconds(end.waiting_since)},
          {"patience", seconds(end.patience)},
          {"received", end.received},
          {"status", end.status}};
}
EndFacts end_of(const json& value) {
  const json& keepalive = value.at("keepalive");
  return {
      .host = value.at("host"),
      .keepalive = {keepalive.at("on"), keepalive.at("own_time"), keepalive.at("windows"),
                    duration_of(keepalive.at("time")), duration_of(keepalive.at("interval")), keepalive.at("probes")},
      .error = value.at("error"),
      .error_at = instant_of(value.at("error_at")),
      .waiting = value.at("waiting"),
      .waiting_since = instant_of(value.at("waiting_since")),
      .patience = duration_of(value.at("patience")),
      .received = value.at("received"),
      .status = value.at("status")};
}

json to_json(const ConnectionFacts& connection) {
  json tuples = json::array();
  for (const FiveTuple& tuple : connection.tuples) {
    tuples.push_back(tuple_json(tuple));
  }
  return {{"name", connection.name},
          {"kind", text_of(connection.kind)},
          {"ends", json::array({to_json(connection.ends[0]), to_json(connection.ends[1])})},
          {"tuples", tuples},
          {"log", connection.log},
          {"step", connection.step},
          {"request_step", connection.request_step},
          {"answer_after", seconds(connection.answer_after)}};
}
ConnectionFacts connection_of(const json& value) {
  ConnectionFacts connection{.name = value.at("name"),
                             .kind = enum_of<ConnectionKind>(value.at("kind")),
                             .ends = {end_of(value.at("ends").at(0)), end_of(value.at("ends").at(1))},
                             .log = value.at("log"),
                             .step = value.at("step"),
                             .request_step = value.at("request_step"),
                             .answer_after = duration_of(value.at("answer_after"))};
  for (const json& tuple : value.at("tuples")) {
    connection.tuples.push_back(tuple_of(tuple));
  }
  return connection;
}

template <typename Value>
json list_of(const std::vector<Value>& values) {
  json list = json::array();
  for (const Value& value : values) {
    list.push_back(to_json(value));
  }
  return list;
}

template <typename Read>
auto values_of(const json& list, Read read) {
  std::vector<decltype(read(list))> values;
  for (const json& value : list) {
    values.push_back(read(value));
  }
  return values;
}

Run run_of(const json& document) {
  Run run{.source = enum_of<Source>(document.at("source")),
          .name = document.at("name"),
          .command = document.at("command"),
          .end = instant_of(document.at("end")),
          .hertz = document.at("hertz"),
          .factor = document.at("warp")};
  run.let_go = document.at("let_go");
  read_directory(document.at("names"), run.directory);
  run.boxes = values_of(document.at("boxes"), box_of);
  for (const json& host : document.at("hosts")) {
    read_host(host, run);
  }
  run.conversations = values_of(document.at("conversations"), conversation_of);
  run.held = values_of(document.at("flows"), held_of);
  run.connections = values_of(document.at("connections"), connection_of);
  for (const json& option : document.at("socket_options")) {
    run.options.push_back({option.at("host"), option.at("program"), option.at("option"), option.at("value")});
  }
  if (run.hertz > 10'000 || run.factor == 0) {
    throw std::invalid_argument("no such clock");
  }
  return run;
}

absl::Status check_version(const json& document) {
  if (!document.is_object() || !document.contains("format") || document["format"] != kFormat) {
    return absl::InvalidArgumentError(
        "no record of a run; accepted is the run.json that `lapse lab --report DIR` writes");
  }
  const json version = document.value("version", json());
  if (!version.is_number_integer() || version.get<int64_t>() < 1) {
    return absl::InvalidArgumentError("a record of a run without its version: it is damaged");
  }
  if (version.get<int64_t>() > kRecordVersion) {
    return absl::InvalidArgumentError(absl::StrCat("a record of version ", version.get<int64_t>(),
                                                   ", and this lapse reads versions up to ", kRecordVersion,
                                                   "; a newer lapse has written it"));
  }
  return absl::OkStatus();
}

}  // namespace

json to_json(const Run& run) {
  json hosts = json::array();
  for (const HostFacts& host : run.hosts) {
    hosts.push_back(to_json(host, run.directory));
  }
  json conversations = json::array();
  for (const story::Conversation& conversation : run.conversations) {
    conversations.push_back(conversation_json(conversation));
  }
  json options = json::array();
  for (const SocketOption& option : run.options) {
    options.push_back(
        {{"host", option.host}, {"program", option.program}, {"option", option.option}, {"value", option.value}});
  }
  return {{"format", kFormat},
          {"version", kRecordVersion},
          {"source", text_of(run.source)},
          {"name", run.name},
          {"command", run.command},
          {"end", seconds(run.end)},
          {"hertz", run.hertz},
          {"warp", run.factor},
          {"let_go", run.let_go},
          {"names", directory_json(run.directory)},
          {"boxes", list_of(run.boxes)},
          {"hosts", hosts},
          {"conversations", conversations},
          {"flows", list_of(run.held)},
          {"connections", list_of(run.connections)},
          {"socket_options", options}};
}

absl::StatusOr<Run> read_record(const json& document) {
  if (absl::Status status = check_version(document); !status.ok()) {
    return status;
  }
  try {
    return run_of(document);
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(absl::StrCat("a damaged record of a run: ", error.what()));
  } catch (const std::invalid_argument& error) {
    return absl::InvalidArgumentError(absl::StrCat("a damaged record of a run: ", error.what()));
  }
}

absl::StatusOr<Run> read_record(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  if (document.is_discarded()) {
    const bool begins_well = text.find_first_not_of(" \t\r\n") == text.find('{');
    return absl::InvalidArgumentError(text.empty() || !begins_well
                                          ? "not JSON, so no record of a run"
                                          : "JSON that is cut off or damaged, so no record of a run");
  }
  return read_record(document);
}

absl::StatusOr<Run> load_record(const std::string& path) {
  std::filesystem::path file = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    file /= kRecordName;
    if (!std::filesystem::exists(file, ignored)) {
      return absl::NotFoundError(absl::StrCat(path, ": a folder without ", kRecordName,
                                              "; accepted is one that `lapse lab --report DIR` has written to"));
    }
  }
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  if (!stream) {
    return absl::NotFoundError(
        absl::StrCat(file.string(), ": cannot be read: ", errno == 0 ? "it is empty" : std::strerror(errno)));
  }
  auto run = read_record(text.str());
  if (!run.ok()) {
    return absl::Status(run.status().code(), absl::StrCat(file.string(), ": ", run.status().message()));
  }
  return run;
}

}  // namespace lapse::explain
