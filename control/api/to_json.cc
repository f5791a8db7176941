#include "control/api/to_json.h"

#include <ctime>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "control/metrics/metrics.h"
#include "control/story/names.h"
#include "control/story/text.h"
#include "dataplane/wire/notation.h"

namespace lapse::api {
namespace {

using nlohmann::json;

json tuple_json(const FiveTuple& tuple, const topology::Directory& directory) {
  return {{"source", story::endpoint_address(tuple.source, tuple.source_port)},
          {"destination", story::endpoint_address(tuple.destination, tuple.destination_port)},
          {"name", story::tuple_name(tuple, directory)}};
}

bool is_tcp(const FiveTuple& tuple) {
  return tuple.protocol == static_cast<uint8_t>(Protocol::kTcp);
}

std::string text(std::string_view view) {
  return std::string(view);
}

struct Names {
  std::string told;
  json who = json::array();
};

Names told_names(const Event& event, const topology::Directory& directory) {
  const std::string source = directory.name_of(event.tuple.source);
  const std::string destination = directory.name_of(event.tuple.destination);
  switch (event.told) {
    case Told::kNobody:
      break;
    case Told::kSender:
      // The tuple of a RST is that of the answer: it goes to whoever spoke.
      return {"sender", {event.kind == EventKind::kRstSent ? destination : source}};
    case Told::kBothEnds:
      return {"both_ends", {source, destination}};
  }
  return {"nobody", json::array()};
}

bool has_reason(EventKind kind) {
  return kind == EventKind::kPacketDropped || kind == EventKind::kLatePacket || kind == EventKind::kRejected ||
         kind == EventKind::kIcmpSent;
}

bool tells_somebody(EventKind kind) {
  return kind == EventKind::kFlowExpired || kind == EventKind::kFlowReleased || kind == EventKind::kLatePacket ||
         kind == EventKind::kRstSent || kind == EventKind::kIcmpSent;
}

bool is_packet(EventKind kind) {
  return kind == EventKind::kPacket || kind == EventKind::kPacketDropped || kind == EventKind::kLatePacket ||
         kind == EventKind::kRstSent || kind == EventKind::kRejected;
}

std::string station(InterfaceId interface, const topology::Directory& directory) {
  if (interface == kNoInterface || index(interface) >= directory.interfaces.size()) {
    return "host";
  }
  const auto& known = directory.interfaces[index(interface)];
  return absl::StrCat(story::box_name(known.box, directory), ".", story::side_name(known.box, known.side, directory));
}

void add_packet(json& result, const Event& event, const topology::Directory& directory) {
  result["length"] = event.payload_length;
  if (is_tcp(event.tuple)) {
    result["flags"] = tcp_flags_to_string(event.tcp_flags);
    result["sequence"] = event.sequence;
    result["acknowledgement"] = event.acknowledgement;
  }
  if (event.link != kNoLink) {
    result["link"] = story::link_name(event.link, directory);
    result["from"] = station(event.from_interface, directory);
    result["to"] = station(event.to_interface, directory);
  }
}

json conservation_json(const Conservation& sum) {
  return {{"received", sum.received}, {"originated", sum.originated}, {"sent", sum.sent}, {"dropped", sum.dropped},
          {"held", sum.held},         {"holds", sum.holds()}};
}

json drops_json(const std::map<DropReason, uint64_t>& dropped) {
  json result = json::object();
  for (const auto& [reason, count] : dropped) {
    result[text(code(reason))] = count;
  }
  return result;
}

json box_json(const BoxStatus& box, const topology::Directory& directory) {
  json timeouts = json::object();
  for (size_t timeout_class = 0; timeout_class < kTimeoutClassCount; ++timeout_class) {
    timeouts[text(kTimeoutClassNames[timeout_class])] = seconds(box.timeouts[timeout_class]);
  }
  json events = json::object();
  for (const auto& [kind, count] : box.events) {
    events[text(name(kind))] = count;
  }
  const bool known = index(box.box) < directory.boxes.size();
  return {{"name", story::box_name(box.box, directory)},
          {"kind", known ? directory.boxes[index(box.box)].kind : ""},
          {"flows", box.flows},
          {"capacity", box.capacity},
          {"memory_bytes", box.memory_bytes},
          {"conservation", conservation_json(box.conservation)},
          {"received", box.received},
          {"sent", box.sent},
          {"dropped", drops_json(box.dropped)},
          {"events", events},
          {"metrics", box.metrics},
          {"timeouts", timeouts}};
}

json names_json(const std::vector<std::string>& names) {
  json list = json::array();
  for (const std::string& name : names) {
    list.push_back(name);
  }
  return list;
}

json port_json(const PortStatus& port) {
  const io::DevicePlan& plan = port.plan;
  json rss = nullptr;
  if (plan.rss.any()) {
    rss = {{"fields", io::text(plan.rss)}, {"key_bytes", plan.rss_key.size()}};
  }
  return {{"driver", port.driver},
          {"up", port.state.up},
          {"megabits", port.state.megabits == 0 ? json(nullptr) : json(port.state.megabits)},
          {"queues", plan.queues},
          {"rx_desc", plan.receive_descriptors},
          {"tx_desc", plan.transmit_descriptors},
          {"mtu", plan.mtu},
          {"distribution", text(io::text(plan.distribution))},
          {"rss", rss},
          {"offloads", plan.fast_free ? json{"fast free"} : json::array()},
          {"offloads_unused", names_json(plan.offloads_unused)},
          {"notes", names_json(plan.notes)}};
}

// Null for a link that carries every packet as it is. The seed is 64 bits, which a number of JSON may not be.
json impairments_json(const Impairments& link, uint64_t seed) {
  if (!link.any()) {
    return nullptr;
  }
  return {{"mtu", link.mtu == 0 ? json(nullptr) : json(link.mtu)},
          {"delay", seconds(link.delay)},
          {"jitter", seconds(link.jitter)},
          {"loss", link.loss.share()},
          {"reorder", link.reorder.share()},
          {"duplicate", link.duplicate.share()},
          {"rate", link.bit_rate == 0 ? json(nullptr) : json(link.bit_rate)},
          {"seed", absl::StrFormat("%016x", seed)}};
}

json per_or_null(uint64_t amount, uint64_t count) {
  return count == 0 ? json(nullptr) : json(static_cast<double>(amount) / static_cast<double>(count));
}

json worker_json(const WorkerStatus& worker, size_t number) {
  const bool stalled = worker.stalled_for.has_value();
  return {{"worker", number},
          {"core", worker.core ? json(*worker.core) : json(nullptr)},
          {"state", stalled         ? "stalled"
                    : worker.asleep ? "asleep"
                                    : "polling"},
          {"stalled_for", stalled ? json(seconds(*worker.stalled_for)) : json(nullptr)},
          {"polls", worker.polls},
          {"bursts", worker.bursts},
          {"packets", worker.packets},
          {"handed", worker.handed},
          {"busy_cycles", worker.busy_cycles},
          {"packets_per_burst", per_or_null(worker.packets, worker.bursts)},
          {"cycles_per_packet", per_or_null(worker.busy_cycles, worker.packets + worker.handed)},
          {"dropped", drops_json(worker.dropped)},
          {"sleeps", worker.sleeps},
          {"events_lost", worker.events_lost}};
}

bool is_about_a_link(EventKind kind) {
  return kind == EventKind::kLinkDown || kind == EventKind::kLinkUp;
}

}  // namespace

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string wall_time_text(int64_t nanoseconds_since_epoch) {
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t whole = nanoseconds_since_epoch / kSecond;
  int64_t rest = nanoseconds_since_epoch % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --whole;
  }
  const std::time_t time = whole;
  std::tm parts{};
  gmtime_r(&time, &parts);
  return absl::StrFormat("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                         parts.tm_hour, parts.tm_min, parts.tm_sec, rest / 1000);
}

json event_json(const NumberedEvent& numbered, const topology::Directory& directory, int64_t wall_start) {
  const Event& event = numbered.event;
  json result{{"seq", numbered.sequence},
              {"kind", text(name(event.kind))},
              {"code", text(code(event.kind))},
              {"virtual_time", seconds(event.time.time_since_epoch())},
              {"real_time", wall_time_text(wall_start + event.real.time_since_epoch().count())}};
  if (is_about_a_link(event.kind)) {
    result["link"] = story::link_name(event.link, directory);
    return result;
  }
  result["protocol"] = story::protocol_name(event.tuple.protocol);
  result["tuple"] = tuple_json(event.tuple, directory);
  if (event.box != kNoBox) {
    result["box"] = story::box_name(event.box, directory);
    if (event.kind != EventKind::kPacketDropped && event.kind != EventKind::kFlowExpired &&
        event.kind != EventKind::kFlowReleased) {
      result["side"] = story::side_name(event.box, event.side, directory);
    }
  }
  if (event.flow != kNoFlow) {
    result["flow"] = story::flow_name({event.box, event.flow, event.generation}, directory);
    result["reply"] = tuple_json(event.reply, directory);
  }
  if (has_reason(event.kind)) {
    result["reason"] = text(code(event.reason));
    result["why"] = text(sentence(event.reason));
  }
  if (event.kind == EventKind::kFlowExpired) {
    result["timeout"] = seconds(std::chrono::milliseconds(event.timeout_ms));
    result["timeout_class"] = text(name(static_cast<TimeoutClass>(event.timeout_class)));
  }
  if (tells_somebody(event.kind)) {
    const Names names = told_names(event, directory);
    result["told"] = names.told;
    result["told_names"] = names.who;
  }
  if (is_packet(event.kind)) {
    add_packet(result, event, directory);
  }
  return result;
}

json flow_json(const FlowView& view, const topology::Directory& directory) {
  const FlowSnapshot& flow = view.flow;
  const FlowControl& control = flow.control;
  json cadence = nullptr;
  if (flow.cadence > 0) {
    cadence = {{"from", seconds(kTick * (int64_t{1} << flow.cadence))},
               {"to", seconds(kTick * (int64_t{2} << flow.cadence))}};
  }
  const story::FlowKey key{view.box, static_cast<uint32_t>(flow.id), control.generation};
  return {{"flow", story::flow_name(key, directory)},
          {"box", story::box_name(view.box, directory)},
          {"protocol", story::protocol_name(flow.original.protocol)},
          {"original", tuple_json(flow.original, directory)},
          {"reply", tuple_json(flow.reply, directory)},
          {"seen_as", story::endpoint_address(flow.reply.destination, flow.reply.destination_port)},
          {"state", is_tcp(flow.original) ? text(name(control.tcp_state)) : text(name(control.timeout_class))},
          {"idle", seconds(view.idle)},
          {"timeout", seconds(view.timeout)},
          {"timeout_class", text(name(control.timeout_class))},
          {"left", seconds(view.left)},
          {"cadence", cadence},
          {"owner", flow.owner}};
}

std::string cadence_text(const FlowView& view) {
  if (view.flow.cadence == 0) {
    return "";
  }
  return absl::StrCat("every ", story::about(kTick * (int64_t{1} << view.flow.cadence)), " to ",
                      story::about(kTick * (int64_t{2} << view.flow.cadence)));
}

std::string flow_text(const FlowView& view, const topology::Directory& directory) {
  const story::FlowKey key{view.box, static_cast<uint32_t>(view.flow.id), view.flow.control.generation};
  return absl::StrCat(story::flow_name(key, directory), " (", story::tuple_name(view.flow.original, directory), ")");
}

json metrics_json(const BoxStatus& box, const topology::Directory& directory) {
  const std::string& kind = directory.boxes[index(box.box)].kind;
  json list = json::array();
  for (const metrics::Metric& metric : metrics::metrics_of(kind)) {
    list.push_back({{"name", text(metric.name)},
                    {"value", box.metrics.at(text(metric.name))},
                    {"unit", text(metric.unit)},
                    {"type", metric.gauge ? "gauge" : "sum"},
                    {"meaning", text(metric.meaning)},
                    {"prometheus", metrics::prometheus_name(kind, metric)}});
  }
  return {{"name", story::box_name(box.box, directory)}, {"kind", kind}, {"metrics", list}};
}

json status_json(const InstanceStatus& status, const topology::Directory& directory) {
  json boxes = json::array();
  for (const BoxStatus& box : status.boxes) {
    boxes.push_back(box_json(box, directory));
  }
  json links = json::array();
  for (const LinkStatus& link : status.links) {
    links.push_back({{"name", story::link_name(link.link, directory)},
                     {"device", link.device},
                     {"received_packets", link.received_packets},
                     {"received_bytes", link.received_bytes},
                     {"sent_packets", link.sent_packets},
                     {"sent_bytes", link.sent_bytes},
                     {"dropped", drops_json(link.dropped)},
                     {"held", link.held},
                     {"impairments", impairments_json(link.impairments, link.seed)},
                     {"port", link.port ? port_json(*link.port) : json(nullptr)}});
  }
  json workers = json::array();
  for (const WorkerStatus& worker : status.workers) {
    workers.push_back(worker_json(worker, workers.size()));
  }
  return {{"virtual_time", seconds(status.now.now.time_since_epoch())},
          {"uptime", seconds(status.now.real.time_since_epoch())},
          {"scale", status.scale},
          {"boxes", boxes},
          {"links", links},
          {"workers", workers},
          {"conservation", conservation_json(status.process)}};
}

}  // namespace lapse::api
