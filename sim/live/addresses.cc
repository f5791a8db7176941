#include "sim/live/addresses.h"

#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <sys/socket.h>

#include "control/lab/unique_fd.h"

namespace lapse::live {

using nlohmann::json;

sockaddr_in address_of(const json& command) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(command.at("port").get<uint16_t>());
  inet_pton(AF_INET, command.value("address", "0.0.0.0").c_str(), &address.sin_addr);
  return address;
}

std::string text_of(in_addr address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  inet_ntop(AF_INET, &address, text.data(), text.size());
  return text.data();
}

void add_address(json& message, const sockaddr_in& address) {
  message["address"] = text_of(address.sin_addr);
  message["port"] = ntohs(address.sin_port);
}

sockaddr_in own_address(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return address;
}

in_addr source_towards(const sockaddr_in& to) {
  const lab::UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  (void)connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  return own_address(fd.get()).sin_addr;
}

ssize_t receive_from(int fd, sockaddr_in& peer, in_addr& to) {
  std::array<char, 65536> bytes;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(in_pktinfo))> control;
  iovec part{.iov_base = bytes.data(), .iov_len = bytes.size()};
  msghdr message{};
  message.msg_name = &peer;
  message.msg_namelen = sizeof(peer);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = recvmsg(fd, &message, 0);
  for (cmsghdr* one = size < 0 ? nullptr : CMSG_FIRSTHDR(&message); one != nullptr; one = CMSG_NXTHDR(&message, one)) {
    if (one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(one), sizeof(info));
      to = info.ipi_addr;
    }
  }
  return size;
}

}  // namespace lapse::live
