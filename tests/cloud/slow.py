"""A card that is slow, and what a test sends and times over it."""

import contextlib
import socket
import struct
import sys
import threading
import time

from .sockets import udp_socket

MBIT, PORT = 100, 7400


def slow_down(host, card="eth0", mbit=MBIT):
    """A card that sends no faster; its ring takes whatever the socket gives."""
    host.run("tc", "qdisc", "replace", "dev", card, "root", "tbf", "rate", f"{mbit}mbit",
             "burst", "20kb", "limit", "100mb")


@contextlib.contextmanager
def running(work):
    """`work` again and again, in a thread of its own, until the end; it may time out."""
    over = threading.Event()

    def run():
        with contextlib.suppress(OSError):
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    work()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


_FLOOD = """
import socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.connect((sys.argv[1], int(sys.argv[2])))
while True:
    for _ in range(20):
        try:
            sender.send(bytes(1400))
        except ConnectionRefusedError:
            pass
    time.sleep(0.001)
"""


@contextlib.contextmanager
def udp_flood(source, target):
    """Some times what the card takes, from a process of its own; nobody reads it."""
    with udp_socket(target, None, PORT + 2):
        flood = source.start(sys.executable, "-c", _FLOOD, target.tap4, PORT + 2)
        try:
            yield
        finally:
            flood.kill()


def round_trips(source, target, count=100, every=0.01):
    """In seconds, of requests at a fixed rate; inf for those without an answer."""
    with udp_socket(target, None, PORT) as server, udp_socket(source) as client:
        def answer():
            data, address = server.recvfrom(100)
            server.sendto(data, address)
        server.settimeout(1)
        sent, trips = {}, {}
        with running(answer):
            client.settimeout(0)
            begin = time.monotonic()

            def hear():
                with contextlib.suppress(BlockingIOError):
                    while True:
                        number, = struct.unpack("!I", client.recv(100))
                        trips[number] = time.monotonic() - sent[number]
            for number in range(count):
                while time.monotonic() < begin + number * every:
                    hear()
                    time.sleep(0.0005)
                sent[number] = time.monotonic()
                client.sendto(struct.pack("!I", number), (target.tap4, PORT))
            end = time.monotonic() + 2
            while len(trips) < count and time.monotonic() < end:
                hear()
                time.sleep(0.001)
    return [trips.get(number, float("inf")) for number in range(count)]
