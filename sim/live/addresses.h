// addresses.h - addresses of sockets as messages have them: {"address": "10.0.1.10", "port": 40000}.
//
// Owner:    none.
// Memory:   none.
// Time:     none.
// Bytes:    addresses and ports in wire order in the kernel's structures, text and numbers in messages.
// Cost:     a system call or two.
// Lifetime: none.
// Spec:     ip(7), IP_PKTINFO.
#pragma once

#include <string>

#include <netinet/in.h>

#include "nlohmann/json.hpp"

namespace lapse::live {

// Any address when the command has none.
sockaddr_in address_of(const nlohmann::json& command);
void add_address(nlohmann::json& message, const sockaddr_in& address);
// To which this end of a socket is bound.
sockaddr_in own_address(int fd);
std::string text_of(in_addr address);

// From which this host sends to 'to'; any when no route leads there.
in_addr source_towards(const sockaddr_in& to);
// As recvfrom(2), and to which of this host's addresses it was sent.
ssize_t receive_from(int fd, sockaddr_in& peer, in_addr& to);

}  // namespace lapse::live
