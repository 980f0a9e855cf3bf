"""A flood of handshakes beside data: each waits in a queue of its own."""

import random
import signal
import socket
import threading
import time

import pytest

from cloud import new_secret, start_all, wait_for
from cloud.underlay import Forger, initiation

FRAMES, PORT = 200, 7300


def handshakes(daemon):
    drops = daemon.drops()
    return sum(drops[name] for name in ("handshake_rate", "handshake_auth", "mac2",
                                        "handshake_half_open"))


def test_what_waits_while_a_daemon_is_stopped_is_data_whatever_else_comes(make_cloud):
    cloud = make_cloud(2)
    secret = new_secret()
    web1, web2 = start_all(cloud, secret, **{"liveness.down_after": 10})
    forged = [initiation(secret, random.Random(n)) for n in range(64)]
    with cloud.hosts[1].socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver, \
            cloud.hosts[0].socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, \
            Forger(cloud) as forger:
        receiver.bind((cloud.hosts[1].tap4, PORT))
        receiver.settimeout(5)
        wait_for(lambda: cloud.hosts[0].ping(cloud.hosts[1].tap4), 5, "ARP")
        web2.process.signal(signal.SIGSTOP)
        try:
            # More than 16 MB of it, as the kernel counts, and within down_after.
            end = time.monotonic() + 2
            sent = 0
            while sent < 40000 and time.monotonic() < end:
                forger.send("198.51.100.7", 4000, cloud.hosts[1].address, forged[sent % 64])
                sent += 1
            for n in range(FRAMES):
                sender.sendto(b"%d" % n, (cloud.hosts[1].tap4, PORT))
        finally:
            web2.process.signal(signal.SIGCONT)
        assert [int(receiver.recv(100)) for _ in range(FRAMES)] == list(range(FRAMES))
        assert web2.drops()["udp_overflow"] == 0

        def counted():  # the kernel says what overflowed with the next one that did not
            forger.send("198.51.100.7", 4000, cloud.hosts[1].address, forged[0])
            return handshakes(web2) > sent * 0.5
        wait_for(counted, 10, "the flood to be counted")
    assert cloud.hosts[0].reaches(cloud.hosts[1].tap4)


def exchange(cloud, count):
    """Round trips one after the other: (how many failed, the median in s)."""
    times, lost = [], 0
    with cloud.hosts[1].socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            cloud.hosts[0].socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind((cloud.hosts[1].tap4, PORT))
        client.connect((cloud.hosts[1].tap4, PORT))
        for sock in (server, client):
            sock.settimeout(5)
        for n in range(count):
            began = time.monotonic()
            client.send(b"%d" % n)
            try:
                while int((got := server.recvfrom(100))[0]) != n:  # late ones
                    pass
                server.sendto(*got)
                while int(client.recv(100)) != n:
                    pass
            except TimeoutError:
                lost += 1
            times.append(time.monotonic() - began)
    return lost, sorted(times)[count // 2]


@pytest.mark.deadline
def test_a_flood_of_handshakes_costs_no_frame(make_cloud, record_property):
    cloud = make_cloud(2)
    secret = new_secret()
    _, web2 = start_all(cloud, secret)
    forged = [initiation(secret, random.Random(n)) for n in range(64)]
    wait_for(lambda: cloud.hosts[0].ping(cloud.hosts[1].tap4), 5, "ARP")
    quiet = exchange(cloud, 300)
    ended = threading.Event()

    def flood():
        with Forger(cloud) as forger:
            while not ended.is_set():
                for n in range(200):
                    forger.send("198.51.100.7", 4000, cloud.hosts[1].address, forged[n % 64])
                time.sleep(0.005)
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        wait_for(lambda: handshakes(web2) > 1000, 10, "the flood to arrive")
        flooded = exchange(cloud, 300)
    finally:
        ended.set()
        thread.join()
    record_property("measured", f"round trip of a frame, median: quiet {quiet[1] * 1e6:.0f} us, "
                    f"beside a flood of handshakes {flooded[1] * 1e6:.0f} us")
    assert flooded[0] == 0 and web2.drops()["udp_overflow"] == 0
