#include "control/topology/directory.h"

#include "control/topology/topology.h"

namespace lapse::topology {
namespace {

class Maker {
 public:
  explicit Maker(const Topology& topology) : topology_(topology) {}

  Directory make() {
    for (const Link& link : topology_.links) {
      directory_.links.push_back({link.name, link.subnet});
    }
    for (const Box& box : topology_.boxes) {
      add_box(box);
    }
    for (const Host& host : topology_.hosts) {
      for (const auto& [name, attachment] : host.interfaces) {
        for (const Ipv4Address address : attachment.addresses) {
          directory_.hosts[address] = host.name;
        }
      }
    }
    return std::move(directory_);
  }

 private:
  void add_box(const Box& box) {
    const BoxId id{static_cast<uint8_t>(directory_.boxes.size())};
    directory_.boxes.push_back({box.name, "nat-gateway", {"inside", "outside"}});
    add_interface(id, NatGateway::kInside, box.nat_gateway.inside);
    add_interface(id, NatGateway::kOutside, box.nat_gateway.outside);
  }

  void add_interface(BoxId box, Side side, const Attachment& attachment) {
    directory_.interfaces.push_back({box, side, link_id(attachment.link)});
    const Directory::Box& owner = directory_.boxes[index(box)];
    for (const Ipv4Address address : attachment.addresses) {
      directory_.box_addresses[address] = owner.name + "." + owner.side_names[index(side)];
    }
  }

  LinkId link_id(const std::string& name) const {
    for (size_t number = 0; number < topology_.links.size(); ++number) {
      if (topology_.links[number].name == name) {
        return LinkId{static_cast<uint8_t>(number)};
      }
    }
    return kNoLink;
  }

  const Topology& topology_;
  Directory directory_;
};

}  // namespace

std::string Directory::name_of(Ipv4Address address) const {
  if (const auto host = hosts.find(address); host != hosts.end()) {
    return host->second;
  }
  const auto box = box_addresses.find(address);
  return box != box_addresses.end() ? box->second : to_string(address);
}

Directory make_directory(const Topology& topology) {
  return Maker(topology).make();
}

}  // namespace lapse::topology
