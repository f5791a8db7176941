// loader.h - reads a scenario's parts: the tables say which keys, the loader what they mean together.
//
// Owner:    one load of one file.
// Memory:   the names that steps have given.
// Time:     none.
// Bytes:    none.
// Cost:     none that matters.
// Lifetime: shorter than the scenario and the report.
// Spec:     schema.h.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "control/topology/document.h"
#include "control/topology/reader.h"
#include "sim/scenario/scenario.h"

namespace lapse::sim {

class Loader {
 public:
  Loader(Scenario& scenario, topology::Report& report) : scenario_(scenario), report_(report) {}

  void load(const topology::Node& root);

 private:
  using Node = topology::Node;
  using ObjectReader = topology::ObjectReader;

  // What a step has called by a name.
  enum class Named : uint8_t { kConnection, kPool, kProxy, kDatagrams };

  // load.cc
  void load_live(ObjectReader& reader);
  void load_defaults(ObjectReader& reader);
  void check_end(const Node& root);
  void load_change(const Node& node, const std::string& path);
  std::string host(ObjectReader& reader);
  std::string box(ObjectReader& reader);
  std::string flow(ObjectReader& reader, std::string_view key = "flow", std::span<const Named> fit = {});
  std::string new_flow(ObjectReader& reader, Named what);
  std::optional<Party> party(ObjectReader& reader, std::string_view key);
  void missing(const ObjectReader& reader, std::string_view key, std::string_view accepted);

  // load_steps.cc
  void load_step(const Node& node, const std::string& path);
  std::optional<std::string_view> action_of(ObjectReader& reader, const Node& node);
  void load_action(ObjectReader& reader, std::string_view action, Step step);
  Connect load_connection(ObjectReader& reader, std::string_view target, Named what);
  Connect load_connect(ObjectReader& reader);
  OpenPool load_pool(ObjectReader& reader);
  OpenProxy load_proxy(ObjectReader& reader);
  PoolSettings load_pool_settings(ObjectReader& reader);
  Request load_request(ObjectReader& reader);
  Send load_send(ObjectReader& reader);
  Close load_close(ObjectReader& reader);
  Datagram load_datagram(ObjectReader& reader);
  Readdress load_readdress(ObjectReader& reader);
  void load_target(ObjectReader& reader, std::string_view key, Ipv4Address& address, Be16& port);
  void load_keepalive(ObjectReader& reader, std::string_view key, const std::string& host, ProgramSettings& settings);
  std::string host_at(Ipv4Address address) const;
  std::optional<Ipv4Address> resolve(std::string_view name) const;
  uint64_t datagram_size(ObjectReader& reader, std::string_view key, uint64_t otherwise);

  // load_expectations.cc
  void load_expectation(const Node& node, const std::string& path);
  void load_what(ObjectReader& reader, const Node& node, Expectation& expectation);
  ExpectProgram load_program(ObjectReader& reader, Expectation& expectation);
  ExpectMetric load_metric(ObjectReader& reader);
  ExpectLog load_log(ObjectReader& reader);
  ExpectCount load_count(const topology::Entry& entry, const std::string& path, bool never);
  EventFilter load_filter(ObjectReader& reader);
  void load_range(ObjectReader& reader, uint64_t& least, uint64_t& most);
  std::string error_name(ObjectReader& reader);
  std::string state(ObjectReader& reader, std::span<const std::string_view> known);

  Scenario& scenario_;
  topology::Report& report_;
  std::map<std::string, Named, std::less<>> flows_;
};

// A key that nobody asked for does not go with the others.
void refuse_the_rest(topology::ObjectReader& reader, const topology::Object& object);

template <typename Value>
Value value_or(const std::optional<topology::Said<Value>>& said, Value fallback) {
  return said ? said->value : fallback;
}

}  // namespace lapse::sim
