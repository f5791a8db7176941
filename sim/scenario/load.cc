// The file as a whole, and the names in it.
#include "sim/scenario/load.h"

#include <algorithm>

#include "control/topology/text.h"
#include "control/topology/values.h"
#include "sim/scenario/loader.h"
#include "sim/scenario/schema.h"

namespace lapse::sim {

using topology::concat;
using topology::Entry;
using topology::Report;
using topology::Said;
using topology::shown;

void refuse_the_rest(topology::ObjectReader& reader, const topology::Object& object) {
  for (const std::string_view key : object.key_names()) {
    if (reader.was_asked(key)) {
      continue;
    }
    if (reader.is_map() && reader.has(key)) {
      reader.error(reader.place_of(key), key, "has no meaning beside the others");
    }
    reader.set_aside(key);
  }
}

void Loader::load(const Node& root) {
  ObjectReader reader(root, kScenarioObject, "", {scenario_.file}, report_);
  scenario_.name = value_or(reader.text("scenario"), std::string());
  scenario_.title = value_or(reader.text("title"), std::string());
  reader.set_aside("topology");  // file.cc has read them
  reader.set_aside("set");
  load_defaults(reader);
  load_live(reader);
  const auto each = [&](std::string_view key, auto load_one) {
    const Entry* const list = reader.entry(key);
    for (size_t number = 0; list != nullptr && number < list->value.items.size(); ++number) {
      load_one(list->value.items[number], concat(key, ".", std::to_string(number)));
    }
  };
  each("steps", [this](const Node& node, const std::string& path) { load_step(node, path); });
  check_end(root);
  each("expect", [this](const Node& node, const std::string& path) { load_expectation(node, path); });
  each("must_fail_with", [this](const Node& node, const std::string& path) { load_change(node, path); });
}

void Loader::check_end(const Node& root) {
  const Entry* const steps = root.find("steps");
  if (scenario_.end == Instant{} && !report_.has_errors()) {
    report_.error(steps == nullptr ? Place{scenario_.file} : steps->place, "steps",
                  "the story never ends; accepted is a last step like {at: 3700s, stop: true}");
  }
}

void Loader::load_defaults(ObjectReader& reader) {
  if (const auto step = reader.choice("timer_step")) {
    scenario_.defaults.timer_step = step->value == "hz250"    ? TimerStep::kHz250
                                    : step->value == "hz1000" ? TimerStep::kHz1000
                                                              : TimerStep::kExact;
  }
}

void Loader::load_live(ObjectReader& reader) {
  const Entry* const entry = reader.entry("live");
  if (entry == nullptr) {
    return;
  }
  ObjectReader parts(entry->value, kLiveObject, reader.path_of("live"), entry->place, report_);
  const auto clock = parts.choice("clock");
  scenario_.live.jumps = !clock || clock->value == "jump";
  scenario_.live.scale = static_cast<unsigned>(value_or(parts.count("scale"), uint64_t{1}));
  if (const auto until = parts.duration("until")) {
    scenario_.live.until = Instant(until->value);
  }
  scenario_.live.why_not = value_or(parts.text("no"), std::string());
}

void Loader::load_change(const Node& node, const std::string& path) {
  ObjectReader reader(node, kChangeObject, path, node.place, report_);
  Change change{.settings = {}, .place = node.place};
  for (const Said<std::string>& setting : reader.texts("set")) {
    change.settings.push_back(setting.value);
  }
  scenario_.must_fail_with.push_back(std::move(change));
}

// ---- names ----

void Loader::missing(const ObjectReader& reader, std::string_view key, std::string_view accepted) {
  if (!reader.is_map() || !reader.has(key)) {  // a value that is wrong has been reported
    report_.error(reader.declared(), reader.path(), concat(key, " is missing; accepted is ", accepted));
  }
}

std::string Loader::host(ObjectReader& reader) {
  const auto said = reader.text("host");
  if (!said) {
    missing(reader, "host", "the name of a host");
  } else if (scenario_.topology.find_host(said->value) == nullptr) {
    std::vector<std::string_view> names;
    for (const topology::Host& host : scenario_.topology.hosts) {
      names.push_back(host.name);
    }
    reader.error(said->place, "host",
                 concat("no host of the topology (", shown(said->value), ")", topology::suggestion(said->value, names),
                        "accepted is one of ", topology::listed(names)));
  }
  return value_or(said, std::string());
}

std::string Loader::box(ObjectReader& reader) {
  const auto said = reader.text("box");
  if (!said) {
    missing(reader, "box", "the name of a box");
  } else if (scenario_.topology.find_box(said->value) == nullptr) {
    std::vector<std::string_view> names;
    for (const topology::Box& box : scenario_.topology.boxes) {
      names.push_back(box.name);
    }
    reader.error(said->place, "box",
                 concat("no box of the topology (", shown(said->value), ")", topology::suggestion(said->value, names),
                        "accepted is one of ", topology::listed(names)));
  }
  return value_or(said, std::string());
}

std::string Loader::flow(ObjectReader& reader, std::string_view key, std::span<const Named> fit) {
  const auto said = reader.text(key);
  if (!said) {
    missing(reader, key, "a name that `as` gave in a step before");
    return "";
  }
  std::vector<std::string_view> names;
  for (const auto& [name, what] : flows_) {
    if (fit.empty() || std::find(fit.begin(), fit.end(), what) != fit.end()) {
      names.push_back(name);
    }
  }
  if (std::find(names.begin(), names.end(), said->value) == names.end()) {
    reader.error(
        said->place, key,
        concat(flows_.contains(said->value) ? "that is of another sort (" : "no step before calls anything so (",
               shown(said->value), ")", topology::suggestion(said->value, names), "accepted is ",
               names.empty() ? "nothing: no step gives such a name" : concat("one of ", topology::listed(names))));
  }
  return said->value;
}

std::string Loader::new_flow(ObjectReader& reader, Named what) {
  const auto said = reader.text("as");
  if (!said) {
    missing(reader, "as", "a name like c1");
  } else if (!flows_.emplace(said->value, what).second) {
    reader.error(said->place, "as",
                 concat("a step before has given the same name (", shown(said->value), "); accepted is another one"));
  }
  return value_or(said, std::string());
}

std::optional<Party> Loader::party(ObjectReader& reader, std::string_view key) {
  const auto said = reader.choice(key);
  if (!said) {
    return std::nullopt;
  }
  return said->value == "server" ? Party::kServer : Party::kClient;
}

void read_scenario(const topology::Node& root, Scenario& scenario, Report& report) {
  Loader(scenario, report).load(root);
}

}  // namespace lapse::sim
