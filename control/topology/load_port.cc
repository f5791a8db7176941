#include <algorithm>
#include <cctype>
#include <utility>

#include "control/topology/loader.h"
#include "control/topology/text.h"

namespace lapse::topology {
namespace {

constexpr std::string_view kDriverPrefix = "net_";
constexpr size_t kLongestDeviceName = 63;  // EAL's

// Whether EAL could take it: a driver's name, a number, and arguments without spaces.
bool is_virtual_device(const std::string& text) {
  const std::string name = text.substr(0, text.find(','));
  const auto is_word = [](unsigned char letter) { return std::isalnum(letter) != 0 || letter == '_'; };
  const auto is_printed = [](unsigned char letter) { return letter > ' ' && letter < 0x7f; };
  return name.starts_with(kDriverPrefix) && name.size() > kDriverPrefix.size() && name.size() <= kLongestDeviceName &&
         std::all_of(name.begin(), name.end(), is_word) && std::all_of(text.begin(), text.end(), is_printed);
}

// Exactly one of `pci` and `vdev`; returns where it stands.
Place load_device(ObjectReader& reader, Port& port) {
  const auto pci = reader.pci_address("pci");
  const auto vdev = reader.text("vdev");
  const size_t said = reader.alternatives().size();
  if (said > 1) {
    reader.error(vdev ? vdev->place : reader.declared(), "vdev",
                 "stands beside pci; accepted is one of the two, because a link has one device");
    return reader.declared();
  }
  if (reader.is_map() && said == 0) {
    reader.report().error(reader.declared(), reader.path(),
                          "the device is missing; accepted is pci: \"0000:3b:00.0\" or vdev: "
                          "\"net_af_packet0,iface=eth1\"");
    return reader.declared();
  }
  if (pci) {
    port.kind = Port::Kind::kPci;
    port.device = pci->value;
    return pci->place;
  }
  if (vdev && !is_virtual_device(vdev->value)) {
    reader.error(vdev->place, "vdev",
                 concat("not a virtual network device of DPDK (", shown(vdev->value),
                        "); accepted is a driver's name, a number and arguments without spaces, like "
                        "\"net_af_packet0,iface=eth1\""));
    return vdev->place;
  }
  port.kind = Port::Kind::kVirtual;
  port.device = vdev ? vdev->value : "";
  return vdev ? vdev->place : reader.declared();
}

std::optional<uint16_t> load_number(ObjectReader& reader, std::string_view key) {
  const auto number = reader.count(key);
  return number ? std::optional(static_cast<uint16_t>(number->value)) : std::nullopt;
}

}  // namespace

void load_ports(ObjectReader& file, Draft& draft) {
  for (const Entry* entry : file.named_entries("ports")) {
    ObjectReader reader(entry->value, kPortObject, concat("ports.", shown(entry->key)), entry->place, file.report());
    Port port;
    port.link = entry->key;
    port.place = entry->place;
    const Place device = load_device(reader, port);
    port.queues = load_number(reader, "queues");
    port.receive_descriptors = load_number(reader, "rx_desc");
    port.mtu = load_number(reader, "mtu");
    draft.topology.ports.push_back(std::move(port));
    draft.port_places.push_back({entry->place, device});
  }
}

}  // namespace lapse::topology
