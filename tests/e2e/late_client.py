"""late_client.py LAPSE SILENCE: one answer, so much silence by the boxes' clock, and another question into it."""

import errno
import os
import socket
import subprocess
import sys

connection = socket.create_connection(("api", 9000))
connection.sendall(b"0 hello\n")
connection.recv(100)
subprocess.run([sys.argv[1], "ctl", "-t", os.environ["LAPSE_LAB"], "clock", "advance", sys.argv[2]],
               check=True, stdout=subprocess.DEVNULL)
try:
    connection.sendall(b"0 question\n")
    connection.recv(100)
    print("answered")
except OSError as error:
    print(errno.errorcode[error.errno])
