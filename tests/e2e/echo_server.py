"""Echoes lines, each after the number of seconds that it starts with: an ordinary server for the warped tests."""

import socketserver
import time


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            time.sleep(float(line.split()[0]))
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("0.0.0.0", 9000), Handler).serve_forever()
