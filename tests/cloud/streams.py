"""Hashed TCP streams and UDP datagrams between hosts: what went in comes out."""

import contextlib
import hashlib
import random
import socket
import struct
import sys
import threading

from .sockets import udp_socket
from .wait import wait_for

UDP_SEGMENT = 103  # linux/udp.h


def wait_addresses(hosts):
    """IPv6's duplicate address detection on tap0 is over."""
    for host in hosts:
        wait_for(lambda: "tentative" not in host.ip("-6", "addr", "show", "dev", "tap0"), 5,
                 f"the IPv6 addresses of {host} to be usable")


def open_pair(source, target, address, family, port, prepare):
    """A connection from source to a listener on target: (client, server's end)."""
    server = target.socket(family, socket.SOCK_STREAM)
    client = source.socket(family, socket.SOCK_STREAM)
    with server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for sock in (server, client):
            prepare(sock)
        server.bind((address, port))
        server.listen()
        client.settimeout(30)
        client.connect((address, port))
        connection, _ = server.accept()
    connection.settimeout(30)
    return client, connection


def stream(source, target, address, size=2 << 20, port=7000, prepare=lambda sock: None):
    """Sends `size` random bytes over TCP; fails unless they arrive unaltered."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    data = random.Random(size).randbytes(size)
    client, connection = open_pair(source, target, address, family, port, prepare)

    def send():
        with client:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    digest, length = hashlib.sha256(), 0
    with connection:
        while piece := connection.recv(1 << 16):
            digest.update(piece)
            length += len(piece)
    sender.join()
    assert (length, digest.digest()) == (size, hashlib.sha256(data).digest()), \
        f"{source} → {target}: {length} of {size} bytes"


def send_run(sock, address, size, count, seed=1):
    """`count` datagrams of `size` bytes in one UDP_SEGMENT send; returns them."""
    data = random.Random(seed).randbytes(size * count)
    sock.sendmsg([data], [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("=H", size))], 0, address)
    return [data[at:at + size] for at in range(0, len(data), size)]


def receive_all(sock, count):
    sock.settimeout(5)
    return [sock.recv(1 << 16) for _ in range(count)]


def streams(*jobs, size=1 << 20):
    """Many at once: each job is (source, target, address) and perhaps prepare."""
    failures = []

    def run(number, source, target, address, prepare=lambda sock: None):
        try:
            stream(source, target, address, size + number, 7200 + number, prepare)
        except BaseException as error:  # shown by the main thread
            failures.append(error)
    threads = [threading.Thread(target=run, args=(number, *job))
               for number, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def maxseg(mss):
    return lambda sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)


def datagrams(source, target, address, size=1200, count=100, port=7300):
    """UDP_SEGMENT sends of which every datagram arrives, in order."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    most = min(64, 65000 // size)
    with udp_socket(target, None, port, family) as receiver, \
            udp_socket(source, family=family) as sender:
        for seed, at in enumerate(range(0, count, most)):
            sent = send_run(sender, (address, port), size, min(most, count - at), seed)
            assert receive_all(receiver, len(sent)) == sent


SINK = """
import socket, sys
listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
sink, _ = listener.accept()
while sink.recv(1 << 20):
    pass
"""
SOURCE = """
import socket, sys
source = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    source.sendall(bytes(1 << 18))
"""


@contextlib.contextmanager
def bulk(source, target, port=7900):
    """A TCP stream as fast as it goes, from a process of its own to another."""
    sink = target.start(sys.executable, "-c", SINK, target.tap4, port)
    wait_for(lambda: f":{port} " in target.run("ss", "-ltn").stdout, 10, "the sink to listen")
    sender = source.start(sys.executable, "-c", SOURCE, target.tap4, port)
    try:
        yield
        assert sender.running and sink.running, sender.log() + sink.log()
    finally:
        sender.kill()
        sink.kill()
