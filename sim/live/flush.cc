#include "sim/live/flush.h"

#include <cerrno>
#include <chrono>
#include <cstring>

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control/lab/unique_fd.h"
#include "dataplane/wire/arp.h"
#include "dataplane/wire/ethernet.h"

namespace lapse::live {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kPatience{5000};

struct Frame {
  EthernetHeader ethernet;
  ArpHeader arp;
};
static_assert(sizeof(Frame) == sizeof(EthernetHeader) + sizeof(ArpHeader));

// What the kernel says of the interface; false with errno.
bool own_addresses(int fd, const std::string& interface, MacAddress& mac, Ipv4Address& address) {
  ifreq request{};
  std::strncpy(request.ifr_name, interface.c_str(), IFNAMSIZ - 1);
  if (ioctl(fd, SIOCGIFHWADDR, &request) != 0) {
    return false;
  }
  std::memcpy(mac.bytes.data(), request.ifr_hwaddr.sa_data, mac.bytes.size());
  const lab::UniqueFd internet(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (ioctl(internet.get(), SIOCGIFADDR, &request) != 0) {
    return false;
  }
  sockaddr_in own{};
  std::memcpy(&own, &request.ifr_addr, sizeof(own));
  address = Ipv4Address::from_raw(own.sin_addr.s_addr);
  return true;
}

Frame question(const MacAddress& mac, Ipv4Address own, Ipv4Address wanted) {
  Frame frame{};
  frame.ethernet = {kBroadcastMac, mac, kEtherTypeArp};
  frame.arp = {
      kArpHardwareEthernet, kEtherTypeIpv4, sizeof(MacAddress), sizeof(Ipv4Address), kArpRequest, mac, own, {}, wanted};
  return frame;
}

bool wait_for_answer(int fd, Ipv4Address wanted) {
  const auto deadline = steady_clock::now() + kPatience;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
    pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || poll(&readable, 1, static_cast<int>(left.count())) <= 0) {
      return false;
    }
    Frame frame{};
    const ssize_t size = recv(fd, &frame, sizeof(frame), 0);
    if (size >= static_cast<ssize_t>(sizeof(frame)) && frame.arp.operation == kArpReply &&
        frame.arp.sender_address == wanted) {
      return true;
    }
  }
}

}  // namespace

int flush(const std::string& interface, const std::string& address) {
  const auto wanted = parse_ipv4(address);
  if (!wanted) {
    return EINVAL;
  }
  const lab::UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ARP)));
  if (!fd.valid()) {
    return errno;
  }
  sockaddr_ll where{};
  where.sll_family = AF_PACKET;
  where.sll_protocol = htons(ETH_P_ARP);
  where.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  MacAddress mac;
  Ipv4Address own;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&where), sizeof(where)) != 0 ||
      !own_addresses(fd.get(), interface, mac, own)) {
    return errno;
  }
  const Frame frame = question(mac, own, *wanted);
  if (send(fd.get(), &frame, sizeof(frame), 0) < 0) {
    return errno;
  }
  return wait_for_answer(fd.get(), *wanted) ? 0 : ETIMEDOUT;
}

}  // namespace lapse::live
