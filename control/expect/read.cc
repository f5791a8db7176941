// From words and files to expectations that a topology can meet.
#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/expect/expectation.h"
#include "control/expect/expression.h"
#include "control/expect/schema.h"
#include "control/metrics/metrics.h"
#include "control/topology/directory.h"
#include "control/topology/document.h"
#include "control/topology/reader.h"
#include "control/topology/text.h"

namespace lapse::expect {
namespace {

using topology::concat;
using topology::Entry;
using topology::Node;
using topology::ObjectReader;
using topology::Place;
using topology::Report;
using topology::shown;

// A node as a message shows it.
std::string one_line(const Node& node) {
  if (node.kind == Node::Kind::kText) {
    return node.text;
  }
  std::string text;
  for (const Entry& entry : node.entries) {
    text += concat(text.empty() ? "{" : ", ", entry.key, ": ", one_line(entry.value));
  }
  return text + "}";
}

class Reader {
 public:
  Reader(const topology::Topology& topology, std::vector<Expectation>& expectations, Report& report)
      : topology_(topology),
        directory_(topology::make_directory(topology)),
        expectations_(expectations),
        report_(report) {}

  void read_expression(const std::string& text);
  void read_file(const std::string& path);

 private:
  void read_item(const Node& node, const std::string& path);
  void read_what(ObjectReader& reader, Expectation& expectation);
  MetricIs read_metric(ObjectReader& reader);
  EventsAre read_event(ObjectReader& reader);
  EventsAre read_events(ObjectReader& reader, std::string_view key);
  Bounds read_bounds(ObjectReader& reader);
  std::string read_box(ObjectReader& reader);
  std::string read_host(ObjectReader& reader, std::string_view key);

  // Whether there is one; what is wrong is reported.
  bool knows_box(const Place& place, std::string_view key, std::string_view box);
  bool knows_metric(const Place& place, std::string_view key, std::string_view box, std::string_view metric);

  const topology::Topology& topology_;
  topology::Directory directory_;
  std::vector<Expectation>& expectations_;
  Report& report_;
};

void Reader::read_expression(const std::string& text) {
  const Place place{"--expect"};
  const auto expression = parse_expression(text);
  if (!expression.ok()) {
    report_.error(place, "", std::string(expression.status().message()));
    return;
  }
  if (!knows_box(place, "", expression->box) || !knows_metric(place, "", expression->box, expression->metric)) {
    return;
  }
  expectations_.push_back(
      {place, text, MetricIs{std::string(expression->box), std::string(expression->metric), expression->bounds}});
}

void Reader::read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  if (!file || text.str().size() > topology::kLargestFileBytes) {
    report_.error({path}, "", file ? "larger than 1 MiB; that is no list of expectations" : "cannot be read");
    return;
  }
  const auto root = topology::parse_document(text.str(), path, report_);
  if (!root) {
    return;
  }
  ObjectReader reader(*root, kFileObject, "", {path}, report_);
  const Entry* const list = reader.entry("expect");
  for (size_t number = 0; list != nullptr && number < list->value.items.size(); ++number) {
    read_item(list->value.items[number], concat("expect.", std::to_string(number)));
  }
}

void Reader::read_item(const Node& node, const std::string& path) {
  const size_t errors = report_.error_count();
  Expectation expectation{node.place, one_line(node), EventsAre{}};
  {
    ObjectReader reader(node, kExpectationObject, path, node.place, report_);
    read_what(reader, expectation);
    for (const std::string_view key : kExpectationObject.key_names()) {
      if (!reader.was_asked(key) && reader.is_map() && reader.has(key)) {
        reader.error(reader.place_of(key), key, "has no meaning beside the others");
      }
      reader.set_aside(key);
    }
  }
  if (report_.error_count() == errors) {
    expectations_.push_back(std::move(expectation));
  }
}

void Reader::read_what(ObjectReader& reader, Expectation& expectation) {
  if (reader.has("never")) {
    expectation.what = read_events(reader, "never");
  } else if (reader.has("count")) {
    expectation.what = read_events(reader, "count");
  } else if (reader.has("event")) {
    EventsAre events = read_event(reader);
    events.bounds.least = 1;
    expectation.what = events;
  } else if (reader.has("metric")) {
    expectation.what = read_metric(reader);
  } else if (reader.has("flows") && reader.has("box")) {
    const auto flows = reader.count("flows");
    const uint64_t number = flows ? flows->value : 0;
    expectation.what = FlowsLeft{read_box(reader), {.least = number, .most = number}};
  } else {
    report_.error(reader.declared(), reader.path(),
                  "nothing is expected here; accepted is one of event, never, count, box and metric, box and flows");
    for (const std::string_view key : kExpectationObject.key_names()) {
      reader.set_aside(key);
    }
  }
}

MetricIs Reader::read_metric(ObjectReader& reader) {
  const auto metric = reader.text("metric");
  MetricIs is{read_box(reader), metric ? metric->value : "", read_bounds(reader)};
  if (is.box.empty()) {
    report_.error(reader.declared(), reader.path(), "box is missing; accepted is the name of a box");
  } else if (metric && topology_.find_box(is.box) != nullptr) {
    knows_metric(metric->place, reader.path_of("metric"), is.box, is.metric);
  }
  return is;
}

EventsAre Reader::read_event(ObjectReader& reader) {
  EventsAre events;
  if (const auto event = reader.choice("event")) {
    const auto* const kind = std::find_if(kEventKindTexts.begin(), kEventKindTexts.end(),
                                          [&](const EventKindText& text) { return text.name == event->value; });
    events.kind = static_cast<EventKind>(kind - kEventKindTexts.begin());
  } else if (!reader.has("event")) {
    report_.error(reader.declared(), reader.path(), "event is missing; accepted is the name of an event");
  }
  events.box = read_box(reader);
  events.to = read_host(reader, "to");
  if (const auto told = reader.choice("told")) {
    events.told = told->value == "nobody" ? Told::kNobody : told->value == "sender" ? Told::kSender : Told::kBothEnds;
  }
  return events;
}

EventsAre Reader::read_events(ObjectReader& reader, std::string_view key) {
  const Entry* const entry = reader.entry(key);
  if (entry == nullptr) {
    return {};
  }
  const bool never = key == "never";
  const topology::Object& object = never ? kEventObject : kCountObject;
  ObjectReader parts(entry->value, object, reader.path_of(key), entry->place, report_);
  EventsAre events = read_event(parts);
  if (never) {
    events.bounds.most = 0;
  } else {
    events.bounds = read_bounds(parts);
  }
  return events;
}

Bounds Reader::read_bounds(ObjectReader& reader) {
  Bounds bounds;
  const auto exactly = reader.count("equals");
  const auto least = reader.count("at_least");
  const auto most = reader.count("at_most");
  if (!reader.has("equals") && !reader.has("at_least") && !reader.has("at_most")) {
    report_.error(reader.declared(), reader.path(), "no number to compare with; accepted is equals, at_least, at_most");
  }
  if (least) {
    bounds.least = least->value;
  }
  if (most) {
    bounds.most = most->value;
  }
  if (exactly) {
    bounds.least = bounds.most = exactly->value;
  }
  if (bounds.least > bounds.most || (exactly && (least || most))) {
    report_.error(reader.declared(), reader.path(), "equals, at_least and at_most contradict each other");
  }
  return bounds;
}

std::string Reader::read_box(ObjectReader& reader) {
  const auto box = reader.text("box");
  if (!box || !knows_box(box->place, reader.path_of("box"), box->value)) {
    return "";
  }
  return box->value;
}

std::string Reader::read_host(ObjectReader& reader, std::string_view key) {
  const auto host = reader.text(key);
  if (!host) {
    return "";
  }
  std::vector<std::string_view> names;
  for (const topology::Host& one : topology_.hosts) {
    names.push_back(one.name);
  }
  if (topology_.find_host(host->value) == nullptr) {
    reader.error(host->place, key,
                 concat("no host of the topology (", shown(host->value), ")", topology::suggestion(host->value, names),
                        "there are ", topology::listed(names)));
  }
  return host->value;
}

bool Reader::knows_box(const Place& place, std::string_view key, std::string_view box) {
  std::vector<std::string_view> names;
  for (const auto& one : directory_.boxes) {
    names.push_back(one.name);
  }
  if (std::find(names.begin(), names.end(), box) != names.end()) {
    return true;
  }
  report_.error(place, key,
                concat("no box of the topology (", shown(box), ")", topology::suggestion(box, names), "there are ",
                       topology::listed(names)));
  return false;
}

bool Reader::knows_metric(const Place& place, std::string_view key, std::string_view box, std::string_view metric) {
  const auto found = std::find_if(directory_.boxes.begin(), directory_.boxes.end(),
                                  [box](const auto& one) { return one.name == box; });
  const auto names = metrics::names_of(found->kind);
  if (metrics::find(found->kind, metric) != nullptr) {
    return true;
  }
  report_.error(place, key,
                concat("no metric of a ", found->kind, " (", shown(metric), ")", topology::suggestion(metric, names),
                       "there are ", topology::listed(names)));
  return false;
}

}  // namespace

void read(const std::string& word, const topology::Topology& topology, std::vector<Expectation>& expectations,
          topology::Findings& findings) {
  Report report;
  Reader reader(topology, expectations, report);
  std::error_code error;
  if (std::filesystem::is_regular_file(word, error)) {
    reader.read_file(word);
  } else {
    reader.read_expression(word);
  }
  report.deliver(findings);
}

}  // namespace lapse::expect
