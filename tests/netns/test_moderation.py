"""Lone frames of a stream gather for a moment; nobody who waits for an answer notices."""

import statistics
import threading
import time

import pytest

from cloud import start_all, udp_socket, wait_for
from test_busy_poll import PORT, responder, sleeps

pytestmark = pytest.mark.deadline
LIMIT_US = 10000  # far above what a loaded machine needs
EVERY = 0.002


class Stream:
    """From one host to another, a frame every two milliseconds, until it is closed."""

    def __init__(self, sender, receiver):
        self.sender, self.receiver = sender, receiver
        self.sent, self.delays, self._closing = 0, [], False
        self._threads = [threading.Thread(target=target, daemon=True)
                         for target in (self._send, self._receive)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._closing = True
        for thread in self._threads:
            thread.join(10)

    def _send(self):
        with udp_socket(self.sender) as sock:
            while not self._closing:
                sock.sendto(b"%d" % time.monotonic_ns(), (self.receiver.tap4, PORT + 1))
                self.sent += 1
                time.sleep(EVERY)

    def _receive(self):
        with udp_socket(self.receiver, "tap0", PORT + 1) as sock:
            sock.settimeout(0.5)
            while not self._closing:
                try:
                    sent_ns = int(sock.recv(2000))
                except TimeoutError:
                    continue
                self.delays.append((time.monotonic_ns() - sent_ns) / 1e9)

    def median_delay(self, seconds=0.5):
        """Of those that come from now on."""
        before = len(self.delays)
        time.sleep(seconds)
        return statistics.median(self.delays[before:] or [seconds])

    def sleeps_per_frame(self, daemon, seconds=0.5):
        before, sent = sleeps(daemon), self.sent
        time.sleep(seconds)
        return (sleeps(daemon) - before) / max(self.sent - sent, 1)


def median_rtt(web1, web2, requests=50, pause=0.005):
    times = []
    with udp_socket(web1, "tap0") as sock:
        for number in range(requests):
            began = time.monotonic()
            sock.sendto(b"%d" % number, (web2.tap4, PORT))
            assert sock.recv(2000) == b"%d" % number
            times.append(time.monotonic() - began)
            time.sleep(pause)
    return statistics.median(times)


def start(make_cloud):
    cloud = make_cloud(2)
    return cloud.hosts, start_all(cloud, moderation=LIMIT_US, busy_poll=0)


def test_lone_frames_gather_until_that_is_turned_off(make_cloud):
    """And none waits for much longer than the limit, at each end."""
    (web1, web2), daemons = start(make_cloud)
    with Stream(web1, web2) as stream:
        wait_for(lambda: stream.sleeps_per_frame(daemons[0]) < 0.5, 20, "frames to gather")
        wait_for(lambda: stream.median_delay() < 2 * LIMIT_US / 1e6, 20, "frames in time")
        daemons[0].configure(moderation=0)
        assert any("moderation" in line for line in daemons[0].ctl("reload")["changes"])
        # On a busy machine two may be there before it is woken.
        wait_for(lambda: stream.sleeps_per_frame(daemons[0]) > 0.7, 20, "a frame at a time")


def test_requests_are_not_held_up_beside_a_stream(make_cloud):
    (web1, web2), daemons = start(make_cloud)
    with responder(web2), Stream(web1, web2) as stream:
        wait_for(lambda: stream.sleeps_per_frame(daemons[0]) < 0.5, 20, "frames to gather")
        wait_for(lambda: median_rtt(web1, web2) < LIMIT_US / 2e6, 20, "answers at once")


def test_what_comes_now_and_then_is_not_held_up(make_cloud):
    """One way, and with pauses above the limit."""
    (web1, web2), daemons = start(make_cloud)
    with udp_socket(web1) as sender, udp_socket(web2, "tap0", PORT) as receiver:
        def delay():
            time.sleep(1.5 * LIMIT_US / 1e6)
            began = time.monotonic()
            sender.sendto(b"x", (web2.tap4, PORT))
            assert receiver.recv(2000) == b"x"
            return time.monotonic() - began
        wait_for(lambda: statistics.median(delay() for _ in range(20)) < LIMIT_US / 2e6, 20,
                 "frames at once")


def test_all_else_goes_on_while_frames_gather(make_cloud):
    """Handshakes, tapctl and a stop."""
    (web1, web2), daemons = start(make_cloud)
    with Stream(web1, web2) as stream:
        wait_for(lambda: stream.sleeps_per_frame(daemons[0]) < 0.5, 20, "frames to gather")
        assert daemons[0].status()["name"] == web1.name
        assert daemons[0].ctl_run("rekey").returncode == 0
        wait_for(lambda: daemons[0].peer_state(daemons[1]) == "up", 5, "the peer")
        daemons[1].restart()
        wait_for(lambda: daemons[0].peer_state(daemons[1]) == "up", 10, "the peer again")
        assert daemons[0].stop() == 0
