#include "control/lab/netlink.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <sys/socket.h>

#include "absl/strings/str_cat.h"

#include "control/lab/namespaces.h"

namespace lapse::lab {
namespace {

struct FreeMessage {
  void operator()(nl_msg* message) const { nlmsg_free(message); }
};
using Message = std::unique_ptr<nl_msg, FreeMessage>;

Message new_message(int type, int flags) {
  return Message(nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags));
}

template <typename Header>
void append(nl_msg* message, const Header& header) {
  nlmsg_append(message, const_cast<Header*>(&header), sizeof(header), NLMSG_ALIGNTO);
}

void put_name(nl_msg* message, int attribute, const std::string& name) {
  nla_put(message, attribute, static_cast<int>(name.size() + 1), name.c_str());
}

absl::Status send(nl_sock* socket, Message message, const std::string& what) {
  const int result = nl_send_sync(socket, message.release());
  if (result >= 0) {
    return absl::OkStatus();
  }
  const std::string text = absl::StrCat(what, ": ", nl_geterror(result));
  switch (-result) {
    case NLE_EXIST:
      return absl::AlreadyExistsError(text);
    case NLE_PERM:
      return absl::PermissionDeniedError(text);
    case NLE_NODEV:
    case NLE_OBJ_NOTFOUND:
      return absl::NotFoundError(text);
    default:
      return absl::InternalError(text);
  }
}

}  // namespace

void Netlink::Close::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

absl::StatusOr<Netlink> Netlink::open_in(int namespace_fd) {
  Netlink netlink(nl_socket_alloc());
  auto opened = inside_network_namespace(namespace_fd, [&netlink] {
    const int result = nl_connect(netlink.socket_.get(), NETLINK_ROUTE);
    return result == 0 ? absl::OkStatus() : absl::InternalError(absl::StrCat("netlink: ", nl_geterror(result)));
  });
  if (!opened.ok()) {
    return opened;
  }
  return netlink;
}

absl::StatusOr<int> Netlink::index_of(const std::string& name) {
  rtnl_link* link = nullptr;
  if (rtnl_link_get_kernel(socket_.get(), 0, name.c_str(), &link) != 0) {
    return absl::NotFoundError(absl::StrCat("no interface ", name));
  }
  const int index = rtnl_link_get_ifindex(link);
  rtnl_link_put(link);
  return index;
}

absl::Status Netlink::add_bridge(const std::string& name) {
  Message message = new_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  append(message.get(), ifinfomsg{});
  put_name(message.get(), IFLA_IFNAME, name);
  nlattr* info = nla_nest_start(message.get(), IFLA_LINKINFO);
  put_name(message.get(), IFLA_INFO_KIND, "bridge");
  nlattr* data = nla_nest_start(message.get(), IFLA_INFO_DATA);
  nla_put_u32(message.get(), IFLA_BR_STP_STATE, 0);
  nla_put_u8(message.get(), IFLA_BR_MCAST_SNOOPING, 0);
  nla_nest_end(message.get(), data);
  nla_nest_end(message.get(), info);
  return send(socket_.get(), std::move(message), absl::StrCat("adding bridge ", name));
}

absl::Status Netlink::add_veth(const std::string& name, const std::string& peer, int peer_namespace_fd) {
  Message message = new_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  append(message.get(), ifinfomsg{});
  put_name(message.get(), IFLA_IFNAME, name);
  nlattr* info = nla_nest_start(message.get(), IFLA_LINKINFO);
  put_name(message.get(), IFLA_INFO_KIND, "veth");
  nlattr* data = nla_nest_start(message.get(), IFLA_INFO_DATA);
  nlattr* other = nla_nest_start(message.get(), VETH_INFO_PEER);
  append(message.get(), ifinfomsg{});
  put_name(message.get(), IFLA_IFNAME, peer);
  nla_put_u32(message.get(), IFLA_NET_NS_FD, static_cast<uint32_t>(peer_namespace_fd));
  nla_nest_end(message.get(), other);
  nla_nest_end(message.get(), data);
  nla_nest_end(message.get(), info);
  return send(socket_.get(), std::move(message), absl::StrCat("adding veth ", name, " to ", peer));
}

absl::Status Netlink::change_link(const std::string& name, int attribute, const void* value, int size, uint32_t flags,
                                  const std::string& what) {
  auto index = index_of(name);
  if (!index.ok()) {
    return index.status();
  }
  Message message = new_message(RTM_NEWLINK, 0);
  ifinfomsg header{};
  header.ifi_index = *index;
  header.ifi_flags = flags;
  header.ifi_change = flags;
  append(message.get(), header);
  if (size > 0) {
    nla_put(message.get(), attribute, size, value);
  }
  return send(socket_.get(), std::move(message), absl::StrCat(what, " ", name));
}

absl::Status Netlink::set_up(const std::string& name) {
  return change_link(name, 0, nullptr, 0, IFF_UP, "bringing up");
}

absl::Status Netlink::set_mac(const std::string& name, const MacAddress& mac) {
  return change_link(name, IFLA_ADDRESS, mac.bytes.data(), static_cast<int>(mac.bytes.size()), 0,
                     "setting the address of");
}

absl::Status Netlink::set_mtu(const std::string& name, uint32_t bytes) {
  return change_link(name, IFLA_MTU, &bytes, sizeof(bytes), 0, "setting the mtu of");
}

absl::Status Netlink::set_queue_length(const std::string& name, uint32_t packets) {
  return change_link(name, IFLA_TXQLEN, &packets, sizeof(packets), 0, "setting the queue of");
}

absl::Status Netlink::set_master(const std::string& name, const std::string& bridge) {
  auto index = index_of(bridge);
  if (!index.ok()) {
    return index.status();
  }
  const uint32_t master = static_cast<uint32_t>(*index);
  return change_link(name, IFLA_MASTER, &master, sizeof(master), 0, absl::StrCat("joining ", bridge, " by"));
}

absl::Status Netlink::add_address(const std::string& name, Ipv4Address address, uint8_t prefix_length) {
  auto index = index_of(name);
  if (!index.ok()) {
    return index.status();
  }
  Message message = new_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
  ifaddrmsg header{};
  header.ifa_family = AF_INET;
  header.ifa_prefixlen = prefix_length;
  header.ifa_index = static_cast<uint32_t>(*index);
  append(message.get(), header);
  nla_put(message.get(), IFA_LOCAL, sizeof(address), &address);
  nla_put(message.get(), IFA_ADDRESS, sizeof(address), &address);
  const Ipv4Address broadcast = Ipv4Prefix{address, prefix_length}.broadcast();
  if (prefix_length < 31) {
    nla_put(message.get(), IFA_BROADCAST, sizeof(broadcast), &broadcast);
  }
  return send(socket_.get(), std::move(message), absl::StrCat("adding ", to_string(address), " to ", name));
}

absl::Status Netlink::add_route(const Ipv4Prefix& to, Ipv4Address via) {
  Message message = new_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_dst_len = to.length;
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  append(message.get(), header);
  if (to.length > 0) {
    nla_put(message.get(), RTA_DST, sizeof(to.network), &to.network);
  }
  nla_put(message.get(), RTA_GATEWAY, sizeof(via), &via);
  return send(socket_.get(), std::move(message),
              absl::StrCat("adding the route to ", to_string(to), " via ", to_string(via)));
}

absl::Status Netlink::add_neighbour(const std::string& name, Ipv4Address address, const MacAddress& mac) {
  auto index = index_of(name);
  if (!index.ok()) {
    return index.status();
  }
  Message message = new_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
  ndmsg header{};
  header.ndm_family = AF_INET;
  header.ndm_ifindex = *index;
  header.ndm_state = NUD_PERMANENT;
  append(message.get(), header);
  nla_put(message.get(), NDA_DST, sizeof(address), &address);
  nla_put(message.get(), NDA_LLADDR, static_cast<int>(mac.bytes.size()), mac.bytes.data());
  return send(socket_.get(), std::move(message), absl::StrCat("adding the neighbour ", to_string(address)));
}

}  // namespace lapse::lab
