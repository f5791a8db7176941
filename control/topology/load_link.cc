#include <utility>

#include "control/topology/loader.h"
#include "control/topology/text.h"

namespace lapse::topology {
namespace {

// A setting that means something only beside a delay.
void needs_delay(const ObjectReader& reader, const Place& place, std::string_view key, std::string_view why) {
  reader.error(place, key, concat("stands without a delay: ", why, "; accepted is delay: 20ms beside it"));
}

void load_delay(ObjectReader& reader, Impairments& link) {
  if (const auto delay = reader.duration("delay")) {
    if (delay->value > kLongestDelay) {
      reader.error(delay->place, "delay",
                   concat("out of range (", duration_text(delay->value), "); accepted is at most ",
                          duration_text(kLongestDelay)));
    }
    link.delay = delay->value;
  }
  const auto jitter = reader.duration("jitter");
  if (!jitter || jitter->value == Duration{}) {
    return;
  }
  link.jitter = jitter->value;
  if (link.delay == Duration{}) {
    needs_delay(reader, jitter->place, "jitter", "it is how far delays lie from it");
  } else if (jitter->value > link.delay) {
    reader.error(jitter->place, "jitter",
                 concat("larger than the delay (", duration_text(jitter->value), "); accepted is at most ",
                        duration_text(link.delay)));
  }
}

Impairments load_impairments(ObjectReader& reader) {
  Impairments link;
  if (const auto mtu = reader.count("mtu")) {
    link.mtu = static_cast<uint16_t>(mtu->value);
  }
  load_delay(reader, link);
  if (const auto loss = reader.probability("loss")) {
    link.loss = loss->value;
  }
  if (const auto duplicate = reader.probability("duplicate")) {
    link.duplicate = duplicate->value;
  }
  if (const auto reorder = reader.probability("reorder")) {
    link.reorder = reorder->value;
    if (link.reorder.is_possible() && link.delay == Duration{}) {
      needs_delay(reader, reorder->place, "reorder", "a packet overtakes others by skipping it");
    }
  }
  if (const auto rate = reader.rate("rate")) {
    link.bit_rate = rate->value;
  }
  return link;
}

}  // namespace

void load_links(ObjectReader& file, Draft& draft) {
  for (const Entry* entry : file.named_entries("links")) {
    draft.names.push_back({entry->key, "link", entry->place});
    ObjectReader reader(entry->value, kLinkObject, concat("links.", shown(entry->key)), entry->place, file.report());
    Link link{.name = entry->key, .place = entry->place};
    const auto subnet = reader.prefix("subnet");
    draft.subnet_places.push_back(subnet ? subnet->place : entry->place);
    if (subnet) {
      link.subnet = subnet->value;
      if (subnet->value.length < kShortestSubnet || subnet->value.length > kLongestSubnet) {
        reader.error(subnet->place, "subnet",
                     concat("the prefix length is out of range (", to_string(subnet->value),
                            "); accepted is an IPv4 prefix of 8 to 31 bits"));
      }
    }
    link.impairments = load_impairments(reader);
    draft.topology.links.push_back(std::move(link));
  }
}

}  // namespace lapse::topology
