// socket_table.h - the TCP sockets of this network namespace as its kernel shows them.
//
// Owner:    none.
// Memory:   ordinary.
// Time:     none.
// Bytes:    none.
// Cost:     reads /proc/self/net/tcp.
// Lifetime: none.
// Spec:     Linux, proc_net_tcp.
#pragma once

#include <string_view>

#include "nlohmann/json.hpp"

namespace lapse::live {

// [{"local": "10.0.1.10:40000", "remote": "203.0.113.80:8080", "state": "ESTABLISHED", "timer": "none"}]; a timer is
// one of none, retransmission, keepalive, time-wait, window-probe.
nlohmann::json socket_table();
nlohmann::json parse_socket_table(std::string_view table);

}  // namespace lapse::live
