"""Opens a packet socket on eth0 and gives it to whoever holds the other end of standard input, a Unix socket.

It stays in the network namespace in which it was opened, whoever uses it.
"""

import array
import socket

ETH_P_ALL = 0x0003

packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
packets.bind(("eth0", 0))
with socket.socket(fileno=0) as door:
    door.sendmsg([b"eth0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [packets.fileno()]))])
