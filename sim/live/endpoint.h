// endpoint.h - the programs of one host of a live story: kernel sockets that do what the director says.
//
// Owner:    a process in the host's network namespace, as the lab's root; it knows no time and decides nothing.
// Memory:   its sockets.
// Time:     none.
// Bytes:    payload is a count; what is sent are zeros.
// Cost:     sleeps until the director or a socket has something.
// Lifetime: ends with its line.
// Spec:     none.
//
// {"do": ...} is answered by {"done": true} or {"error": "ECONNREFUSED"}; {"is": ...} comes unasked:
//   listen   port                                      accepted  socket, on, to; address, port: whose
//   connect  socket, address, port [, keepalive,       connected socket
//            user_timeout]; answered by its own        received  socket, size
//            address and port                          end       socket
//   options  socket [, keepalive, user_timeout]        failed    socket, error
//   send     socket, size                              datagram  socket, size, to; address, port: whose
//   close    socket, how: fin half rst
//   datagram socket, size, address, port; answered by its own address and port
//   bind     socket, port
//   all      commands                    one after the other, as a program does that does not look up between them
//   states                       what the kernel has: states and pending timers of its TCP sockets
//   flush    interface, address  returns when what was sent before has passed the box at that address
//   vanish   interface           the cable is pulled
#pragma once

#include <string>

namespace lapse::live {

// Returns an exit status.
int run_endpoint(const std::string& socket_path, const std::string& host);

}  // namespace lapse::live
