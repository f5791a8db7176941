"""Listens late, and serves one connection only: a test connection by anybody else would use it up."""
import socket
import sys
import time

time.sleep(0.5)
listener = socket.create_server(("", int(sys.argv[1])))
connection, _ = listener.accept()
connection.sendall(b"the only one")
connection.close()
