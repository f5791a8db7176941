#include "tests/lab/small_lab.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "control/lab/files.h"

namespace lapse::lab {

SmallLab::SmallLab() {
  topology.name = "small";
  topology.links = {{"wire", *parse_prefix("10.7.0.0/24"), {}}};
  for (const auto& [name, address] : {std::pair{"one", "10.7.0.1"}, std::pair{"two", "10.7.0.2"}}) {
    topology::Host host;
    host.name = name;
    host.interfaces["eth0"].link = "wire";
    host.interfaces["eth0"].addresses = {*parse_ipv4(address)};
    topology.hosts.push_back(host);
  }
  plan = plan_wiring(topology);
}

absl::Status SmallLab::build() {
  auto mine = open_own_network_namespace();
  if (!mine.ok()) {
    return mine.status();
  }
  own = std::move(*mine);
  auto netlink = Netlink::open_in(own.get());
  if (!netlink.ok()) {
    return netlink.status();
  }
  if (auto status = prepare_namespace(); !status.ok()) {
    return status;
  }
  if (auto status = build_bridges(*netlink, plan); !status.ok()) {
    return status;
  }
  for (const topology::Host& host : topology.hosts) {
    auto made = make_network_namespace();
    if (!made.ok()) {
      return made.status();
    }
    hosts[host.name] = std::move(*made);
    const int fd = hosts[host.name].get();
    if (auto status = inside_network_namespace(fd, prepare_namespace); !status.ok()) {
      return status;
    }
    if (auto status = connect_host(*netlink, plan, topology, host, fd); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

std::string try_tcp(const SmallLab& lab, const std::string& from, const std::string& to, const char* address) {
  UniqueFd listener;
  UniqueFd client;
  const auto open_socket = [](UniqueFd& fd) {
    fd = UniqueFd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return absl::OkStatus();
  };
  (void)inside_network_namespace(lab.hosts.at(to).get(), [&] { return open_socket(listener); });
  (void)inside_network_namespace(lab.hosts.at(from).get(), [&] { return open_socket(client); });
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(7777);
  inet_pton(AF_INET, address, &where.sin_addr);
  const auto* generic = reinterpret_cast<const sockaddr*>(&where);
  timeval patience{5, 0};
  setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (bind(listener.get(), generic, sizeof(where)) != 0 || listen(listener.get(), 1) != 0) {
    return std::string("listening: ") + strerror(errno);
  }
  if (connect(client.get(), generic, sizeof(where)) != 0) {
    return std::string("connecting: ") + strerror(errno);
  }
  UniqueFd accepted(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char byte = 'x';
  if (write(client.get(), &byte, 1) != 1 || read(accepted.get(), &byte, 1) != 1 || byte != 'x') {
    return std::string("passing a byte: ") + strerror(errno);
  }
  return "";
}

}  // namespace lapse::lab
