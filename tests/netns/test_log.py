"""A log that nobody reads: the daemon does not wait for it."""

import fcntl
import json
import os
import re
import socket

import pytest

from cloud import Tapd, new_secret, wait_for, wait_mesh

F_SETPIPE_SZ = 1031
FLOOD = 4000


class Reader:
    """The other end of a daemon's stderr."""

    def __init__(self, host):
        path = host.path("stderr")
        os.mkfifo(path)
        self.redirection = ["sh", "-c", 'exec "$@" 2>"$0"', path]
        self.fd, self.text = os.open(path, os.O_RDONLY | os.O_NONBLOCK), ""
        fcntl.fcntl(self.fd, F_SETPIPE_SZ, 4096)

    def read(self):
        """All that it wrote until now."""
        try:
            while data := os.read(self.fd, 1 << 20):
                self.text += data.decode()
        except BlockingIOError:
            pass
        return self.text


def ask(daemon, count):
    """As many reloads: each is a line of the log."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(10)
        control.connect(daemon.socket)
        with control.makefile("r") as answers:
            for _ in range(count):
                control.sendall(b'{"command": "reload"}\n')
                assert json.loads(answers.readline())["ok"]


@pytest.fixture
def pair(make_cloud):
    """web1's log is a pipe that nobody reads; web2 is its peer: (daemons, reader)."""
    cloud = make_cloud(2)
    secret = new_secret()
    daemons = [Tapd(host, secret, log_level="debug") for host in cloud.hosts]
    reader = Reader(cloud.hosts[0])
    daemons[0].launch(*reader.redirection)
    daemons[1].start()
    daemons[0].wait_ready()
    wait_mesh(daemons)
    yield daemons, reader
    os.close(reader.fd)


def test_frames_cross_while_nobody_reads_the_log(pair):
    daemons, reader = pair
    web1, web2 = (daemon.host for daemon in daemons)
    ask(daemons[0], FLOOD)
    assert web1.reaches(web2.tap4)
    assert web2.reaches(web1.tap4)
    warnings = daemons[0].status()["warnings"]
    assert any("lines of the log" in warning for warning in warnings), warnings
    # Whoever comes back has the beginning, and is told how much is missing.
    wait_for(lambda: "lines of the log lost" in reader.read(), 5, "the loss to be said")
    lines = reader.text.count("reload: nothing changed\n")
    lost, = re.findall(r"(\d+) lines of the log lost", reader.text)
    # Among the lost may be a word about a peer.
    assert int(lost) > 0 and FLOOD <= lines + int(lost) <= FLOOD + 3
    ask(daemons[0], 1)
    wait_for(lambda: reader.read().endswith("reload: nothing changed\n"), 5, "the next line")


def test_a_full_log_holds_up_neither_the_end_nor_the_next_start(pair):
    daemons, reader = pair
    ask(daemons[0], FLOOD)
    assert daemons[0].stop(within=5) == 0
    daemons[0].start(*reader.redirection)
    wait_mesh(daemons)
    assert daemons[0].host.reaches(daemons[1].host.tap4)


def test_a_reader_that_is_gone_harms_nobody(pair):
    daemons, reader = pair
    os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), reader.fd)
    ask(daemons[0], 100)
    assert daemons[0].host.reaches(daemons[1].host.tap4)
    assert daemons[0].stop(within=5) == 0
