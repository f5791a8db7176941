#include "control/api/prometheus.h"

#include <set>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "control/api/to_json.h"
#include "control/metrics/metrics.h"
#include "control/story/names.h"

namespace lapse::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Labels = std::vector<ClientMetric::Label>;

// One metric by its name, with a series for each set of labels.
class Family {
 public:
  Family(const std::string& topology, MetricType type, std::string name, std::string help) : topology_(topology) {
    family_.name = std::move(name);
    family_.help = std::move(help);
    family_.type = type;
  }

  void add(double value, const Labels& labels) {
    ClientMetric& series = family_.metric.emplace_back();
    series.label.push_back({"topology", topology_});
    series.label.insert(series.label.end(), labels.begin(), labels.end());
    (family_.type == MetricType::Counter ? series.counter.value : series.gauge.value) = value;
  }
  void add(uint64_t value, const Labels& labels) { add(static_cast<double>(value), labels); }

  MetricFamily take() { return std::move(family_); }

 private:
  const std::string& topology_;
  MetricFamily family_;
};

class Exposition {
 public:
  Exposition(const InstanceStatus& status, const topology::Directory& directory, const std::string& topology)
      : status_(status), directory_(directory), topology_(topology) {}

  std::string text() {
    add_provider_metrics();
    add_clock();
    add_box_packets();
    add_box_flows();
    add_links();
    add_workers();
    return prometheus::TextSerializer().Serialize(families_);
  }

 private:
  void add_provider_metrics();
  void add_metrics_of(const std::string& kind);
  void add_clock();
  void add_box_packets();
  void add_box_flows();
  void add_links();
  void add_workers();

  template <typename Fill>
  void add(MetricType type, std::string name, std::string help, Fill&& fill) {
    Family family(topology_, type, std::move(name), std::move(help));
    fill(family);
    families_.push_back(family.take());
  }
  template <typename Fill>
  void counter(std::string name, std::string help, Fill&& fill) {
    add(MetricType::Counter, std::move(name), std::move(help), std::forward<Fill>(fill));
  }
  template <typename Fill>
  void gauge(std::string name, std::string help, Fill&& fill) {
    add(MetricType::Gauge, std::move(name), std::move(help), std::forward<Fill>(fill));
  }

  ClientMetric::Label label_of(const BoxStatus& box) const { return {"box", story::box_name(box.box, directory_)}; }
  ClientMetric::Label label_of(const LinkStatus& link) const {
    return {"link", story::link_name(link.link, directory_)};
  }

  const InstanceStatus& status_;
  const topology::Directory& directory_;
  const std::string& topology_;
  std::vector<MetricFamily> families_;
};

template <typename Key>
uint64_t count_of(const std::map<Key, uint64_t>& counts, Key key) {
  const auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

void add_drops(Family& family, const std::map<DropReason, uint64_t>& dropped, const ClientMetric::Label& where) {
  for (size_t id = 0; id < kDropReasonCount; ++id) {
    const auto reason = static_cast<DropReason>(id);
    family.add(count_of(dropped, reason), {where, {"reason", std::string(code(reason))}});
  }
}

// The others happen on links, or are packets.
bool is_of_a_box(EventKind kind) {
  return kind != EventKind::kPacket && kind != EventKind::kPacketDropped && kind != EventKind::kLinkDown &&
         kind != EventKind::kLinkUp;
}

void Exposition::add_provider_metrics() {
  std::set<std::string> kinds;
  for (const BoxStatus& box : status_.boxes) {
    kinds.insert(directory_.boxes[index(box.box)].kind);
  }
  for (const std::string& kind : kinds) {
    add_metrics_of(kind);
  }
}

void Exposition::add_metrics_of(const std::string& kind) {
  for (const metrics::Metric& metric : metrics::metrics_of(kind)) {
    const std::string name(metric.name);
    add(metric.gauge ? MetricType::Gauge : MetricType::Counter, metrics::prometheus_name(kind, metric),
        name + ": " + std::string(metric.meaning), [&](Family& family) {
          for (const BoxStatus& box : status_.boxes) {
            if (directory_.boxes[index(box.box)].kind == kind) {
              family.add(box.metrics.at(name), {label_of(box)});
            }
          }
        });
  }
}

void Exposition::add_clock() {
  gauge("lapse_clock_virtual_seconds", "virtual time since the instance started",
        [&](Family& family) { family.add(seconds(status_.now.now.time_since_epoch()), {}); });
  gauge("lapse_clock_uptime_seconds", "real time since the instance started",
        [&](Family& family) { family.add(seconds(status_.now.real.time_since_epoch()), {}); });
  gauge("lapse_clock_scale", "virtual seconds in a real one", [&](Family& family) { family.add(status_.scale, {}); });
}

void Exposition::add_box_packets() {
  const auto by_side = [this](auto counts_of) {
    return [this, counts_of](Family& family) {
      for (const BoxStatus& box : status_.boxes) {
        for (const auto& [side, count] : counts_of(box)) {
          family.add(count, {label_of(box), {"side", side}});
        }
      }
    };
  };
  counter("lapse_box_received_packets_total", "packets that entered the box",
          by_side([](const BoxStatus& box) { return box.received; }));
  counter("lapse_box_sent_packets_total", "packets that left the box, its own among them",
          by_side([](const BoxStatus& box) { return box.sent; }));
  counter("lapse_box_originated_packets_total", "packets that the box made itself", [&](Family& family) {
    for (const BoxStatus& box : status_.boxes) {
      family.add(box.conservation.originated, {label_of(box)});
    }
  });
  counter("lapse_box_dropped_packets_total", "packets that ended in the box, by the code of the reason",
          [&](Family& family) {
            for (const BoxStatus& box : status_.boxes) {
              add_drops(family, box.dropped, label_of(box));
            }
          });
  counter("lapse_box_events_total", "what happened to flows of the box, by the code of the event", [&](Family& family) {
    for (const BoxStatus& box : status_.boxes) {
      for (size_t id = 0; id < kEventKindCount; ++id) {
        if (const auto kind = static_cast<EventKind>(id); is_of_a_box(kind)) {
          family.add(count_of(box.events, kind), {label_of(box), {"event", std::string(code(kind))}});
        }
      }
    }
  });
}

void Exposition::add_box_flows() {
  const auto by_class = [this](auto value_of) {
    return [this, value_of](Family& family) {
      for (const BoxStatus& box : status_.boxes) {
        for (size_t id = 0; id < kTimeoutClassCount; ++id) {
          family.add(value_of(box, id), {label_of(box), {"timeout_class", std::string(kTimeoutClassNames[id])}});
        }
      }
    };
  };
  const auto of_box = [this](auto value_of) {
    return [this, value_of](Family& family) {
      for (const BoxStatus& box : status_.boxes) {
        family.add(uint64_t{value_of(box)}, {label_of(box)});
      }
    };
  };
  gauge("lapse_box_flows", "flows that are alive, by the timeout that they would be over by",
        by_class([](const BoxStatus& box, size_t id) { return box.living[id]; }));
  gauge("lapse_box_timeout_seconds", "virtual time of silence after which such a flow is over",
        by_class([](const BoxStatus& box, size_t id) { return seconds(box.timeouts[id]); }));
  gauge("lapse_box_flow_records", "records of the flow table in use, also by flows whose end nothing has noticed yet",
        of_box([](const BoxStatus& box) { return box.flows; }));
  gauge("lapse_box_flow_capacity", "flows that the box has room for",
        of_box([](const BoxStatus& box) { return box.capacity; }));
  gauge("lapse_box_flow_table_bytes", "memory of the flow table",
        of_box([](const BoxStatus& box) { return box.memory_bytes; }));
}

void Exposition::add_links() {
  const auto of_link = [this](uint64_t LinkStatus::*count) {
    return [this, count](Family& family) {
      for (const LinkStatus& link : status_.links) {
        family.add(link.*count, {label_of(link)});
      }
    };
  };
  counter("lapse_link_received_packets_total", "frames that came in from the link's device",
          of_link(&LinkStatus::received_packets));
  counter("lapse_link_received_bytes_total", "bytes of frames that came in from the link's device",
          of_link(&LinkStatus::received_bytes));
  counter("lapse_link_sent_packets_total", "frames that the link's device took", of_link(&LinkStatus::sent_packets));
  counter("lapse_link_sent_bytes_total", "bytes of frames that the link's device took",
          of_link(&LinkStatus::sent_bytes));
  counter("lapse_link_dropped_packets_total", "packets that ended on the link, by the code of the reason",
          [&](Family& family) {
            for (const LinkStatus& link : status_.links) {
              add_drops(family, link.dropped, label_of(link));
            }
          });
  gauge("lapse_link_held_packets", "packets under way on a link that delays", of_link(&LinkStatus::held));
  gauge("lapse_link_up", "1 where the device of the link has a carrier", [&](Family& family) {
    for (const LinkStatus& link : status_.links) {
      if (link.port) {
        family.add(uint64_t{link.port->state.up}, {label_of(link)});
      }
    }
  });
}

void Exposition::add_workers() {
  const auto of_worker = [this](auto value_of) {
    return [this, value_of](Family& family) {
      for (size_t number = 0; number < status_.workers.size(); ++number) {
        family.add(uint64_t{value_of(status_.workers[number])}, {{"worker", std::to_string(number)}});
      }
    };
  };
  counter("lapse_worker_received_packets_total", "packets that the worker received from ports",
          of_worker([](const WorkerStatus& worker) { return worker.packets; }));
  counter("lapse_worker_handed_packets_total", "packets that other workers received and handed over",
          of_worker([](const WorkerStatus& worker) { return worker.handed; }));
  counter("lapse_worker_polls_total", "passes of the worker's loop",
          of_worker([](const WorkerStatus& worker) { return worker.polls; }));
  counter("lapse_worker_sleeps_total", "times that the worker fell asleep",
          of_worker([](const WorkerStatus& worker) { return worker.sleeps; }));
  counter("lapse_worker_busy_cycles_total", "cycles of the time stamp counter in passes that found packets",
          of_worker([](const WorkerStatus& worker) { return worker.busy_cycles; }));
  counter("lapse_worker_lost_events_total", "events that the worker found no room for",
          of_worker([](const WorkerStatus& worker) { return worker.events_lost; }));
  gauge("lapse_worker_stalled", "1 while the worker neither polls nor sleeps",
        of_worker([](const WorkerStatus& worker) { return worker.stalled_for.has_value(); }));
}

}  // namespace

std::string prometheus_text(const InstanceStatus& status, const topology::Directory& directory,
                            const std::string& topology) {
  return Exposition(status, directory, topology).text();
}

}  // namespace lapse::api
