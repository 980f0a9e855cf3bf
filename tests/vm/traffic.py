#!/usr/bin/python3
"""Traffic on tap0 that shows what an interruption cost; it runs inside a guest.

    traffic send PORT             numbered datagrams to a group, 100 a second
    traffic receive PORT RESULT   joins the group
    traffic serve PORT            TCP, says each byte back
    traffic hold ADDRESS PORT RESULT   one connection, a byte ten times a second

RESULT is a JSON object, written twice a second.
"""

import json
import os
import socket
import struct
import sys
import time

GROUP, PERIOD = "239.77.1.2", 0.01


class Result:
    def __init__(self, path):
        self._path, self._due = path, 0
        self.last = None  # when something came last
        self.longest = 0.0

    def came(self, **figures):
        now = time.monotonic()
        if self.last is not None:
            self.longest = max(self.longest, now - self.last)
        self.last = now
        if now >= self._due:
            self._due = now + 0.5
            with open(self._path + ".new", "w") as file:
                json.dump({"longest_s": round(self.longest, 3), "pid": os.getpid(), **figures},
                          file)
            os.rename(self._path + ".new", self._path)


def tap0_index():
    return struct.pack("@4s4si", socket.inet_aton(GROUP), bytes(4), socket.if_nametoindex("tap0"))


def send(port):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, tap0_index())
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
    number, due = 0, time.monotonic()
    while True:
        number += 1
        try:
            sender.sendto(struct.pack("!Q", number), (GROUP, int(port)))
        except OSError:  # counts as lost
            pass
        due += PERIOD
        time.sleep(max(0.0, due - time.monotonic()))


def receive(port, path):
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind((GROUP, int(port)))
    receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, tap0_index())
    result, first, count, twice = Result(path), None, 0, 0
    seen = set()
    while True:
        number, = struct.unpack("!Q", receiver.recv(64))
        first = number if first is None else first
        count, twice = count + 1, twice + (number in seen)
        seen.add(number)
        result.came(received=count, lost=max(seen) - min(seen) + 1 - len(seen), twice=twice)


def serve(port):
    server = socket.create_server(("0.0.0.0", int(port)))
    while True:
        connection, _ = server.accept()
        while True:
            data = connection.recv(64)
            if not data:
                break
            connection.sendall(data)


def hold(address, port, path):
    connection = socket.create_connection((address, int(port)), timeout=200)
    result, count = Result(path), 0
    while True:
        connection.sendall(b".")
        if connection.recv(1) != b".":
            raise SystemExit("closed by the other side")
        count += 1
        result.came(echoes=count)
        time.sleep(0.1)


{"send": send, "receive": receive, "serve": serve, "hold": hold}[sys.argv[1]](*sys.argv[2:])
