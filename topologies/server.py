#!/usr/bin/env python3
"""An ordinary HTTP server with one slow answer.

  GET /report?seconds=363   works for that long (363 s unless told otherwise), then answers
  GET /quick                answers at once
  GET /echo                 answers, then sends every line back on the same connection
"""

import argparse
import http.server
import socketserver
import sys
import time
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/report":
            self.report(urllib.parse.parse_qs(url.query))
        elif url.path == "/quick":
            self.answer(200, "quick\n")
        elif url.path == "/echo":
            self.echo()
        else:
            self.answer(404, "there are /report?seconds=N, /quick and /echo\n")

    def report(self, query):
        try:
            seconds = float(query.get("seconds", ["363"])[0])
            if not 0 <= seconds <= 1_000_000:
                raise ValueError
        except ValueError:
            self.answer(400, "seconds is a number from 0 to 1000000\n")
            return
        time.sleep(seconds)
        self.answer(200, f"the report, after {seconds:g} s of work\n")

    def echo(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.flush()
        self.close_connection = True
        while line := self.rfile.readline(65536):
            self.wfile.write(line)
            self.wfile.flush()

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self):
        try:
            super().handle()
        except OSError as error:
            self.log_message("the connection broke: %s", error.strerror or error)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self):
        # HTTPServer would ask the resolver for this machine's name, which may take long where there is no network.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--address", default="", help="the address to listen on (default: all)")
    arguments = parser.parse_args()
    try:
        with Server((arguments.address, arguments.port), Handler) as server:
            server.serve_forever()
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"server.py: port {arguments.port}: {error.strerror or error}")


if __name__ == "__main__":
    main()
