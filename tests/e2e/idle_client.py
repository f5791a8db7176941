"""idle_client.py LAPSE IDLE: a connection on which one answer came and then nothing for so long, by the boxes' clock."""

import os
import socket
import subprocess
import sys

connection = socket.create_connection(("api", 9000))
connection.sendall(b"0 hello\n")
connection.recv(100)
subprocess.run([sys.argv[1], "ctl", "-t", os.environ["LAPSE_LAB"], "clock", "advance", sys.argv[2]],
               check=True, stdout=subprocess.DEVNULL)
if len(sys.argv) > 3:
    sys.exit(int(sys.argv[3]))
