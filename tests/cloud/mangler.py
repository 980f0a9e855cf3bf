"""Duplicates, delays and so reorders what the router forwards.

nftables cannot, and netem is not in every kernel; so the packets go through an
NFQUEUE and this program, run inside the router, says when each may leave.
"""

import argparse
import heapq
import os
import random
import select
import signal
import socket
import struct
import sys
import time

QUEUE = 7

# linux/netfilter/nfnetlink_queue.h
NETLINK_NETFILTER, SUBSYSTEM = 12, 3
MSG_PACKET, MSG_VERDICT, MSG_CONFIG = 0, 1, 2
ATTR_PACKET_HEADER, ATTR_VERDICT_HEADER, ATTR_PAYLOAD = 1, 2, 10
ATTR_CONFIG_COMMAND, ATTR_CONFIG_PARAMS, ATTR_CONFIG_MAXLEN = 1, 2, 3
COMMAND_BIND, COPY_PACKET, NF_ACCEPT = 1, 2, 1


class Mangler:
    """In effect until stop(), or until the `with` block ends."""

    def __init__(self, router, *options):
        self._router = router
        self._process = router.start(sys.executable, os.path.abspath(__file__), *options,
                                     log="mangler.log")
        self._process.wait_log("ready")
        self._rules("-I")

    def _rules(self, action):
        for program in ("iptables", "ip6tables"):
            self._router.run(program, action, "FORWARD", "-j", "NFQUEUE",
                             "--queue-num", QUEUE, "--queue-bypass")

    def stop(self):
        self._rules("-D")
        self._process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def attribute(kind, body):
    return struct.pack("=HH", 4 + len(body), kind) + body + bytes(-len(body) % 4)


def message(kind, *attributes):
    body = struct.pack("!BBH", 0, 0, QUEUE) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), SUBSYSTEM << 8 | kind, 1, 0, 0) + body


def packets(data):
    """(id, packet) of each packet message in what was read from the queue."""
    while len(data) >= 16:
        length, kind = struct.unpack_from("=IH", data)
        body, data = data[20:length], data[length + (-length % 4):]
        if kind != SUBSYSTEM << 8 | MSG_PACKET:
            continue
        number = payload = None
        while len(body) >= 4:
            size, attr = struct.unpack_from("=HH", body)
            value, body = body[4:size], body[size + (-size % 4):]
            if attr & 0x3fff == ATTR_PACKET_HEADER:
                number = struct.unpack_from("!I", value)[0]
            elif attr & 0x3fff == ATTR_PAYLOAD:
                payload = value
        if number is not None and payload:
            yield number, payload


class Injector:
    """Sends whole IP packets: the copies."""

    def __init__(self):
        self._v4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self._v6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, packet):
        try:
            if packet[0] >> 4 == 4:
                self._v4.sendto(packet, (socket.inet_ntoa(packet[16:20]), 0))
            else:
                target = socket.inet_ntop(socket.AF_INET6, packet[24:40])
                self._v6.sendto(packet, (target, 0))
        except OSError:
            pass  # a copy more or less


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--duplicate", type=float, default=0, help="share sent twice")
    parser.add_argument("--delay", type=float, default=0, help="ms for every packet")
    parser.add_argument("--jitter", type=float, default=0, help="up to so many ms more")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)

    queue = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    queue.setsockopt(socket.SOL_SOCKET, 33, 4 << 20)  # SO_RCVBUFFORCE
    queue.bind((0, 0))
    bind = struct.pack("!BxH", COMMAND_BIND, 0)
    copy = struct.pack("!IB", 0xffff, COPY_PACKET)
    queue.send(message(MSG_CONFIG, attribute(ATTR_CONFIG_COMMAND, bind),
                       attribute(ATTR_CONFIG_PARAMS, copy),
                       attribute(ATTR_CONFIG_MAXLEN, struct.pack("!I", 8192))))
    injector = Injector()
    held = []  # (when, tie-breaker, id, copy or None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("ready", flush=True)

    for order in range(sys.maxsize):
        pause = max(0, held[0][0] - time.monotonic()) if held else None
        if select.select([queue], [], [], pause)[0]:
            try:
                data = queue.recv(1 << 17)
            except OSError:  # ENOBUFS: the kernel dropped some, as a network may
                data = b""
            for number, packet in packets(data):
                due = (time.monotonic()
                       + (options.delay + options.jitter * chance.random()) / 1000)
                copy = packet if chance.random() < options.duplicate else None
                heapq.heappush(held, (due, order, number, copy))
        while held and held[0][0] <= time.monotonic():
            _, _, number, copy = heapq.heappop(held)
            verdict = struct.pack("!II", NF_ACCEPT, number)
            queue.send(message(MSG_VERDICT, attribute(ATTR_VERDICT_HEADER, verdict)))
            if copy:
                injector.send(copy)


if __name__ == "__main__":
    main()
