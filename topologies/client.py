#!/usr/bin/env python3
"""An ordinary HTTP client that says in plain words what it experienced.

  client.py --url http://api.example.com:8080/report                   waits for the slow answer
  client.py --url http://api.example.com:8080/report --keepalive 60    with TCP keepalive every 60 s
  client.py --url http://api.example.com:8080/quick --reuse-after 351  a second request on the same connection

Exit status: 0 an answer to every request, 1 the connection broke or the time was up, 2 wrong arguments.
"""

import argparse
import errno
import http.client
import socket
import sys
import time
import urllib.parse

KEEPALIVE_PROBES = 3


def say(text):
    print(f"client: {text}", flush=True)


def plain_words(error):
    if isinstance(error, TimeoutError) and error.errno is None:
        return "no answer came before the time-out, and nothing told me why"
    if isinstance(error, http.client.RemoteDisconnected):
        return "the other side closed the connection without an answer"
    if isinstance(error, socket.gaierror):
        return f"the name does not resolve: {error.strerror}"
    if isinstance(error, OSError) and error.errno in errno.errorcode:
        return f"{errno.errorcode[error.errno]}: {error.strerror}"
    return f"{type(error).__name__}: {error}"


def keep_alive(connected, seconds):
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)


def request(connection, target, started):
    say(f"GET {target}")
    connection.request("GET", target)
    answer = connection.getresponse()
    body = answer.read().decode(errors="replace").strip()
    say(f"{answer.status} after {time.monotonic() - started:.0f} s: {body}")


def run(arguments, url):
    target = urllib.parse.urlunsplit(("", "", url.path or "/", url.query, ""))
    started = time.monotonic()
    connection = http.client.HTTPConnection(url.hostname, url.port or 80, timeout=arguments.timeout)
    try:
        connection.connect()
        # http.client would open a new connection in silence where the old one broke; this is about one and the same.
        connection.auto_open = 0
        say(f"connected to {url.hostname} from port {connection.sock.getsockname()[1]}")
        if arguments.keepalive:
            keep_alive(connection.sock, arguments.keepalive)
            say(f"TCP keepalive every {arguments.keepalive} s")
        request(connection, target, started)
        if arguments.reuse_after is not None:
            say(f"silent for {arguments.reuse_after:g} s, then the same connection again")
            time.sleep(arguments.reuse_after)
            if connection.sock is None:
                say("the server has closed the connection after its answer: nothing to reuse")
                return 1
            request(connection, target, started)
    except (OSError, http.client.HTTPException) as error:
        say(f"after {time.monotonic() - started:.0f} s: {plain_words(error)}")
        return 1
    finally:
        connection.close()
    return 0


def seconds(text):
    value = float(text)
    if not 0 < value < 1e9:
        raise ValueError
    return value


def whole_seconds(text):
    value = int(text)
    if not 1 <= value <= 32767:
        raise ValueError
    return value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--keepalive", type=whole_seconds, metavar="SECONDS", help="TCP keepalive on this connection")
    parser.add_argument("--reuse-after", type=seconds, metavar="SECONDS", help="idle, then ask again on it")
    parser.add_argument("--timeout", type=seconds, metavar="SECONDS", help="give up (default: never)")
    arguments = parser.parse_args()
    url = urllib.parse.urlsplit(arguments.url)
    try:
        valid = url.scheme == "http" and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        valid = False
    if not valid:
        parser.error(f"--url: not an address like http://api.example.com:8080/report ({arguments.url})")
    sys.exit(run(arguments, url))


if __name__ == "__main__":
    main()
