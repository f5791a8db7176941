// netlink.h - the few requests to the kernel's routing socket that a lab is wired with.
//
// Owner:    the supervisor; one socket for each namespace, bound to the one it was opened in.
// Memory:   ordinary.
// Time:     none.
// Bytes:    wire order.
// Cost:     one request and its acknowledgement each.
// Lifetime: what it makes dies with its namespace.
// Spec:     rtnetlink(7).
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "dataplane/wire/address.h"

struct nl_sock;

namespace lapse::lab {

class Netlink {
 public:
  // In the namespace behind 'namespace_fd'; the calling thread stays where it is.
  static absl::StatusOr<Netlink> open_in(int namespace_fd);

  // Without spanning tree and multicast snooping: a wire with several ends.
  absl::Status add_bridge(const std::string& name);
  // 'name' here and 'peer' in the other namespace: the pair never appears anywhere else.
  absl::Status add_veth(const std::string& name, const std::string& peer, int peer_namespace_fd);
  absl::Status set_up(const std::string& name);
  absl::Status set_mac(const std::string& name, const MacAddress& mac);
  absl::Status set_mtu(const std::string& name, uint32_t bytes);
  absl::Status set_queue_length(const std::string& name, uint32_t packets);
  absl::Status set_master(const std::string& name, const std::string& bridge);
  absl::Status add_address(const std::string& name, Ipv4Address address, uint8_t prefix_length);
  absl::Status add_route(const Ipv4Prefix& to, Ipv4Address via);
  absl::Status add_neighbour(const std::string& name, Ipv4Address address, const MacAddress& mac);
  // kNotFound when there is no such interface in this namespace.
  absl::StatusOr<int> index_of(const std::string& name);

 private:
  struct Close {
    void operator()(nl_sock* socket) const;
  };
  explicit Netlink(nl_sock* socket) : socket_(socket) {}
  absl::Status change_link(const std::string& name, int attribute, const void* value, int size, uint32_t flags,
                           const std::string& what);

  std::unique_ptr<nl_sock, Close> socket_;
};

}  // namespace lapse::lab
