// listening.h - whether a host accepts connections on a port, asked of the kernel's table.
//
// Owner:    none; a pure function.
// Memory:   ordinary.
// Time:     none.
// Bytes:    hexadecimal, as the kernel prints it.
// Cost:     one line for each socket.
// Lifetime: none.
// Spec:     proc(5), /proc/net/tcp. A connection for a trial would use up the only one of a server that accepts once.
#pragma once

#include <cstdint>
#include <string_view>

namespace lapse::lab {

// 'table' is the content of /proc/net/tcp or tcp6.
bool listens_on(std::string_view table, uint16_t port);

}  // namespace lapse::lab
