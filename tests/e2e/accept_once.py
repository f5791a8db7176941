"""accept_once.py PORT FIFO: listens when it is told to, and serves one connection only: a test connection by anybody else
would use it up."""
import socket
import sys

with open(sys.argv[2]) as word:
    word.readline()
listener = socket.create_server(("", int(sys.argv[1])))
connection, _ = listener.accept()
connection.sendall(b"the only one")
connection.close()
