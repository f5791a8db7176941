"""client.py IDLE ANSWER_AFTER [KEEPALIVE]: says hello, idles, asks for an answer after so many seconds, and tells how it went."""

import errno
import socket
import sys
import time

idle, answer_after = float(sys.argv[1]), float(sys.argv[2])
connection = socket.create_connection(("api", 9000))
if len(sys.argv) > 3:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, int(sys.argv[3]))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, int(sys.argv[3]))
try:
    for line in ("0 hello\n", f"{answer_after} question\n"):
        connection.sendall(line.encode())
        if not connection.recv(100):
            sys.exit("closed")
        if line.startswith("0 hello"):
            time.sleep(idle)
except OSError as error:
    sys.exit(errno.errorcode[error.errno])
print("answered")
