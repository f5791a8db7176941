"""One end of a conversation for the end-to-end tests: an ordinary program that does what it is told, a line at a time.

Reads a JSON object a line from standard input and answers each with one JSON object a line. Sockets are named by number.
"""

import errno
import hashlib
import json
import os
import select
import socket
import struct
import sys
import time

sockets = {}
sniffer = None
TIMEOUT = 20.0


def register(sock):
    number = len(sockets) + 1
    sockets[number] = sock
    return number


def listen(command):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("0.0.0.0", command["port"]))
    sock.listen(64)
    return {"socket": register(sock)}


def accept(command):
    sock = sockets[command["socket"]]
    sock.settimeout(TIMEOUT)
    accepted, peer = sock.accept()
    return {"socket": register(accepted), "address": peer[0], "port": peer[1]}


def connect(command):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(command.get("timeout", TIMEOUT))
    if "keepalive" in command:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, command["keepalive"])
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, command["keepalive"])
    sock.connect((command["host"], command["port"]))
    return {"socket": register(sock), "port": sock.getsockname()[1]}


def send(command):
    sock = sockets[command["socket"]]
    return {"sent": sock.send(command["data"].encode())}


def recv(command):
    sock = sockets[command["socket"]]
    sock.settimeout(command.get("timeout", TIMEOUT))
    return {"data": sock.recv(65536).decode()}


def shutdown(command):
    sockets[command["socket"]].shutdown(socket.SHUT_WR)
    return {}


def close(command):
    sockets[command["socket"]].close()
    return {}


def state(command):
    """The kernel's state of a TCP socket, as `ss` shows it."""
    names = ["", "ESTABLISHED", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE",
             "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING"]
    info = sockets[command["socket"]].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return {"state": names[info[0]]}


def acknowledged(command):
    """Waits until the other end has acknowledged all that was sent: an acknowledgement may be delayed, and late after a jump."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        info = sockets[command["socket"]].getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
        if struct.unpack_from("I", info, 24)[0] == 0:  # tcpi_unacked
            return {}
        if time.monotonic() > deadline:
            return {"error": "timeout"}
        time.sleep(0.001)


def udp(command):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if "host" in command:
        sock.connect((command["host"], command["port"]))
    else:
        sock.bind(("0.0.0.0", command.get("port", 0)))
    return {"socket": register(sock), "port": sock.getsockname()[1]}


def sendto(command):
    sockets[command["socket"]].sendto(command["data"].encode(), (command["host"], command["port"]))
    return {}


def recvfrom(command):
    sock = sockets[command["socket"]]
    sock.settimeout(command.get("timeout", TIMEOUT))
    data, peer = sock.recvfrom(65536)
    return {"data": data.decode(), "address": peer[0], "port": peer[1]}


def ping(command):
    """An echo request through a ping socket; the kernel puts the identifier in."""
    sock = sockets.get(command.get("socket"))
    number = command.get("socket")
    if sock is None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)
        number = register(sock)
    sock.settimeout(command.get("timeout", TIMEOUT))
    sock.connect((command["host"], 1))
    asked = time.monotonic()
    sock.send(struct.pack("!BBHHH", 8, 0, 0, 0, command.get("sequence", 1)) + b"lapse")
    answer = sock.recv(2048)
    return {"socket": number, "type": answer[0], "seconds": time.monotonic() - asked}


def spray(command):
    """A datagram to each of so many ports, from 'first' on. Now and then a ping waits for those before it: a tap that is full drops."""
    sock = sockets[command["socket"]]
    fence = {"host": command["host"], "socket": command["fence"]}
    for offset in range(command["count"]):
        sock.sendto(b"spray", (command["host"], command["first"] + offset))
        if offset % 100 == 99:
            ping(fence)
    return {}


def pump(command):
    """Sends and receives that many bytes at once, from a repeated pattern; answers with the hashes of both."""
    sock = sockets[command["socket"]]
    sock.setblocking(False)
    block = bytes(range(256)) * 1024
    to_send = to_receive = command["bytes"]
    sent, received = hashlib.sha256(), hashlib.sha256()
    while to_send or to_receive:
        readable, writable, _ = select.select([sock] if to_receive else [], [sock] if to_send else [], [], TIMEOUT)
        if not readable and not writable:
            raise TimeoutError
        if readable:
            data = sock.recv(1 << 20)
            if not data:
                raise ConnectionAbortedError(errno.ECONNABORTED, "closed")
            received.update(data)
            to_receive -= len(data)
        if writable:
            offset = (command["bytes"] - to_send) % len(block)
            count = sock.send(block[offset:offset + to_send])
            sent.update(block[offset:offset + count])
            to_send -= count
    sock.setblocking(True)
    return {"sent": sent.hexdigest(), "received": received.hexdigest()}


def sniff(command):
    global sniffer
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    sniffer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sniffer.bind((command["interface"], 0))
    sniffer.setblocking(False)
    return {}


def parse(frame):
    if frame[12:14] != b"\x08\x00":
        return None
    ihl = (frame[14] & 15) * 4
    protocol = frame[23]
    packet = {"protocol": protocol, "source": socket.inet_ntoa(frame[26:30]), "destination": socket.inet_ntoa(frame[30:34]),
              "ttl": frame[22]}
    l4 = frame[14 + ihl:]
    if protocol in (6, 17):
        packet["source_port"], packet["destination_port"] = struct.unpack("!HH", l4[:4])
    if protocol == 6:
        packet["sequence"], packet["acknowledgement"], offset, flags = struct.unpack("!IIBB", l4[4:14])
        total = struct.unpack("!H", frame[16:18])[0]
        packet["flags"] = flags
        packet["length"] = total - ihl - (offset >> 4) * 4
    return packet


def sniffed(_):
    """Everything captured since the last call, IPv4 only."""
    packets = []
    while True:
        try:
            packet = parse(sniffer.recv(65536))
        except BlockingIOError:
            return {"packets": packets}
        if packet:
            packets.append(packet)


def main():
    operations = {f.__name__: f for f in (listen, accept, connect, send, recv, shutdown, close, state, acknowledged, udp,
                                          sendto, recvfrom, ping, spray, pump, sniff, sniffed)}
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = operations[command["op"]](command)
        except TimeoutError:
            answer = {"error": "timeout"}
        except OSError as error:
            answer = {"error": errno.errorcode.get(error.errno, str(error))}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
