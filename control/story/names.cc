#include "control/story/names.h"

#include "absl/strings/str_cat.h"

namespace lapse::story {
namespace {

bool is_icmp(uint8_t protocol) {
  return protocol == static_cast<uint8_t>(Protocol::kIcmp);
}

// The identifier stands in the place of the port of the side that asked.
uint16_t icmp_identifier(const FiveTuple& tuple) {
  return tuple.source_port.host() != 0 ? tuple.source_port.host() : tuple.destination_port.host();
}

}  // namespace

std::string protocol_name(uint8_t protocol) {
  switch (static_cast<Protocol>(protocol)) {
    case Protocol::kIcmp:
      return "icmp";
    case Protocol::kTcp:
      return "tcp";
    case Protocol::kUdp:
      return "udp";
  }
  return absl::StrCat("ip ", static_cast<unsigned>(protocol));
}

std::string box_name(BoxId box, const topology::Directory& directory) {
  if (index(box) < directory.boxes.size()) {
    return directory.boxes[index(box)].name;
  }
  return absl::StrCat("box ", index(box));
}

std::string side_name(BoxId box, Side side, const topology::Directory& directory) {
  if (index(box) < directory.boxes.size()) {
    const auto& sides = directory.boxes[index(box)].side_names;
    if (index(side) < sides.size()) {
      return sides[index(side)];
    }
  }
  return absl::StrCat("side ", index(side));
}

std::string link_name(LinkId link, const topology::Directory& directory) {
  if (index(link) < directory.links.size()) {
    return directory.links[index(link)].name;
  }
  return absl::StrCat("link ", index(link));
}

std::string endpoint_name(Ipv4Address address, Be16 port, const topology::Directory& directory) {
  const std::string name = directory.name_of(address);
  return port == Be16{} ? name : absl::StrCat(name, ":", port.host());
}

std::string endpoint_address(Ipv4Address address, Be16 port) {
  return port == Be16{} ? to_string(address) : absl::StrCat(to_string(address), ":", port.host());
}

std::string tuple_name(const FiveTuple& tuple, const topology::Directory& directory) {
  if (is_icmp(tuple.protocol)) {
    return absl::StrCat("icmp ", directory.name_of(tuple.source), " > ", directory.name_of(tuple.destination), " id ",
                        icmp_identifier(tuple));
  }
  return absl::StrCat(protocol_name(tuple.protocol), " ", endpoint_name(tuple.source, tuple.source_port, directory),
                      " > ", endpoint_name(tuple.destination, tuple.destination_port, directory));
}

std::string flow_name(const FlowKey& flow, const topology::Directory& directory) {
  return absl::StrCat(box_name(flow.box, directory), "/", flow.id, ".", flow.generation);
}

std::string end_name(const Conversation& conversation, End end, const topology::Directory& directory) {
  return directory.name_of(conversation.end(end).address);
}

}  // namespace lapse::story
