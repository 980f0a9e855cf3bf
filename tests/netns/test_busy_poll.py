"""Requests and responses are polled for, streams are not, and idle is idle."""

import contextlib
import os
import threading
import time

import pytest

from cloud import Tapd, new_secret, start_all, udp_socket, wait_for, wait_mesh
from cloud.daemon import PORT as UNDERLAY_PORT

pytestmark = pytest.mark.deadline
PORT = 7420
TICKS = os.sysconf("SC_CLK_TCK")


def sleeps(daemon):
    """How often it went to sleep until something came."""
    with open(f"/proc/{daemon.process.pid}/status") as status:
        for line in status:
            if line.startswith("voluntary_ctxt_switches"):
                return int(line.split()[1])


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextlib.contextmanager
def responder(host):
    with udp_socket(host, "tap0", PORT) as sock:
        def respond():
            while True:
                request, sender = sock.recvfrom(2000)
                if request == b"end":
                    return
                sock.sendto(request, sender)
        sock.settimeout(None)
        thread = threading.Thread(target=respond, daemon=True)
        thread.start()
        yield
        with udp_socket(host) as own:
            own.sendto(b"end", (host.tap4, PORT))
        thread.join(5)


def sleeps_per_request(daemons, requests=300):
    """The least of both daemons, over so many requests in a row."""
    web1, web2 = (daemon.host for daemon in daemons)
    before = [sleeps(daemon) for daemon in daemons]
    with udp_socket(web1, "tap0") as sock:
        for number in range(requests):
            sock.sendto(b"%d" % number, (web2.tap4, PORT))
            assert sock.recv(2000) == b"%d" % number
    return min((sleeps(daemon) - was) / requests for daemon, was in zip(daemons, before))


def cpu_share(daemon, seconds, meanwhile=lambda: time.sleep(0.001)):
    begin, used = time.monotonic(), cpu_seconds(daemon)
    while time.monotonic() - begin < seconds:
        meanwhile()
    return (cpu_seconds(daemon) - used) / (time.monotonic() - begin)


def test_requests_and_responses_are_polled_for(make_cloud):
    """A limit far above what a loaded machine needs: it is found to be polling, and to
    sleep for each frame once that is turned off while it runs."""
    cloud = make_cloud(2)
    daemons = start_all(cloud, busy_poll=5000)
    with responder(cloud.hosts[1]):
        wait_for(lambda: sleeps_per_request(daemons) < 0.5, 20, "a daemon that does not sleep")
        for daemon in daemons:
            daemon.configure(busy_poll=0)
            assert any("busy_poll" in line for line in daemon.ctl("reload")["changes"])
        # On a busy machine the next frame may be there before it could sleep.
        wait_for(lambda: sleeps_per_request(daemons) > 1, 20, "a daemon that sleeps")


def test_a_daemon_that_polled_sleeps_again(make_cloud):
    cloud = make_cloud(2)
    daemons = start_all(cloud, busy_poll=10000)
    with responder(cloud.hosts[1]):
        wait_for(lambda: sleeps_per_request(daemons) < 0.5, 20, "a daemon that does not sleep")
        for daemon in daemons:
            wait_for(lambda: cpu_share(daemon, 0.5) < 0.2, 10, "an idle daemon")


def test_streams_are_not_polled_for(make_cloud):
    """A frame every millisecond is far within the limit, but nothing answers it."""
    cloud = make_cloud(2)
    daemons = start_all(cloud, busy_poll=10000)
    web1, web2 = cloud.hosts
    with udp_socket(web2, "tap0", PORT) as receiver, udp_socket(web1, "tap0") as sender:
        def send():
            sender.sendto(b"x" * 100, (web2.tap4, PORT))
            time.sleep(0.001)
        for daemon in daemons:
            wait_for(lambda: cpu_share(daemon, 1, send) < 0.5, 20, "a daemon that sleeps")
        assert receiver.recv(2000) == b"x" * 100


def test_a_stranger_makes_nobody_poll(make_cloud):
    """Its datagrams come where answers would, but become no frame."""
    cloud = make_cloud(3)
    web1, web2, mallory = cloud.hosts
    secret, peers = new_secret(), [web1.address, web2.address]
    daemons = [Tapd(host, secret, peers=peers, busy_poll=10000).start() for host in (web1, web2)]
    wait_mesh(daemons)
    with udp_socket(web1, "tap0") as sender, udp_socket(mallory) as stranger:
        def send():
            sender.sendto(b"x" * 100, (web2.tap4, PORT))
            stranger.sendto(b"y" * 100, (web1.address, UNDERLAY_PORT))
            time.sleep(0.001)
        wait_for(lambda: cpu_share(daemons[0], 1, send) < 0.5, 20, "a daemon that sleeps")
        assert sum(daemons[0].drops().values()) > 100, "the stranger was heard"
