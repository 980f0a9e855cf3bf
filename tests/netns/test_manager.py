"""tapd as a service: what it tells a manager like systemd, and what that keeps for it."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from cloud import (EXIT_SYSTEM, PORT, Tapd, holds, new_secret, program, udp_socket, wait_for)
from cloud.namespace import sysctl
from cloud.supervisor import Manager

NOBODY = "10.9.0.250"  # no host of the cloud


@pytest.fixture
def host(make_cloud):
    return make_cloud(1).hosts[0]


@pytest.fixture(name="managed")
def a_service(make_cloud):
    """managed(host, …) is a daemon and its manager."""
    with contextlib.ExitStack() as stack:
        def make(host, secret=None, watchdog_s=None, namespace=None, **settings):
            manager = Manager(host.path("notify"), watchdog_s, namespace)
            stack.callback(manager.close)
            daemon = Tapd(host, secret or new_secret(), **settings)
            daemon.supervised(manager)
            return daemon, manager
        yield make


def launch(daemon):
    before = time.time()
    daemon.launch()
    return before


# ---- ready ----

def test_ready_with_the_first_peer(make_cloud, managed):
    cloud = make_cloud(2)
    secret = new_secret()
    Tapd(cloud.hosts[1], secret).start()
    daemon, manager = managed(cloud.hosts[0], secret)
    before = launch(daemon)
    assert manager.wait("READY", "1", within=6) - before < 4.5, "before the time is over"
    manager.wait("STATUS", "1 of 1 peers up")
    assert manager.heard("READY", "1") == manager.heard("READY"), "once"


def test_ready_without_a_peer_after_five_seconds(host, managed):
    daemon, manager = managed(host, peers=[NOBODY])
    before = launch(daemon)
    manager.wait("STATUS", "0 of 1 peers up")
    assert 5 <= manager.wait("READY", "1", within=10) - before < 8
    assert daemon.ctl_ok("status")


def test_ready_at_once_if_no_peer_is_wanted(host, managed):
    daemon, manager = managed(host, peers=[])
    before = launch(daemon)
    assert manager.wait("READY", "1") - before < 3
    assert "LOWER_UP" in host.ip("link", "show", "tap0")


def test_ready_after_what_interface_up_does(host, managed):
    done = host.path("done")
    hook = host.write("hook", f"#!/bin/sh\nwhile [ ! -e {done} ]; do sleep 0.05; done\n", 0o755)
    daemon, manager = managed(host, peers=[], **{"interface.up": hook})
    daemon.start()
    holds(lambda: not manager.heard("READY"), 1, "not to be ready")
    host.write("done", "")
    manager.wait("READY", "1")


def test_a_start_that_fails_is_not_repeated_at_once(host, managed):
    """systemd starts it again 100 ms after it has ended, without end."""
    with udp_socket(host, port=PORT):
        daemon, manager = managed(host)
        before = launch(daemon)
        assert daemon.process.wait(10) == EXIT_SYSTEM
        assert time.time() - before >= 1
        assert not manager.heard("READY")


# ---- while it runs ----

def reload_by_tapctl(daemon):
    daemon.ctl_run("reload")


def reload_by_signal(daemon):
    daemon.reload()


@pytest.mark.parametrize("ask", [reload_by_tapctl, reload_by_signal])
@pytest.mark.parametrize("text", [None, "peers = [ \n"], ids=["good", "bad"])
def test_a_reload_is_told(host, managed, ask, text):
    """Of a bad file, too: the service goes on as it was."""
    daemon, manager = managed(host, peers=[])
    daemon.start()
    manager.wait("READY", "1")
    if text:
        host.write("tap0.conf", text)
    since = manager.count()
    before = time.monotonic()
    ask(daemon)
    manager.wait("RELOADING", "1", since=since)
    manager.wait("READY", "1", since=since)
    said = [lines for lines in manager.said[since:] if "STATUS" not in lines]
    assert [set(lines) for lines in said] == [{"RELOADING", "MONOTONIC_USEC"}, {"READY"}]
    assert before <= int(said[0]["MONOTONIC_USEC"]) / 1e6 <= time.monotonic()
    assert daemon.ctl_ok("status")


def test_peers_that_come_and_go_are_shown(make_cloud, managed):
    """At most once a second, however often they do."""
    cloud = make_cloud(3)
    secret = new_secret()
    daemon, manager = managed(cloud.hosts[0], secret)
    daemon.start()
    others = [Tapd(host, secret).start() for host in cloud.hosts[1:]]
    manager.wait("STATUS", "2 of 2 peers up", within=10)
    for _ in range(3):
        since = manager.count()
        others[0].stop()
        manager.wait("STATUS", "1 of 2 peers up", within=5, since=since)
        since = manager.count()
        others[0].start()
        manager.wait("STATUS", "2 of 2 peers up", within=10, since=since)
    times = [at for lines, at in zip(manager.said, manager.times)
             if "STATUS" in lines and "READY" not in lines]
    assert all(later - earlier > 0.99 for earlier, later in zip(times, times[1:])), times


def test_a_loop_that_hangs_feeds_no_watchdog(host, managed):
    daemon, manager = managed(host, watchdog_s=1, peers=[])
    daemon.start()
    since = manager.count()
    wait_for(lambda: len(manager.heard("WATCHDOG", "1", since)) >= 6, 6, "pings")
    times = manager.heard("WATCHDOG", "1", since)
    assert all(later - earlier < 0.9 for earlier, later in zip(times, times[1:])), times
    assert times[-1] - times[0] > 2, "not more often than it must"
    daemon.process.signal(signal.SIGSTOP)
    since = manager.count()
    holds(lambda: not manager.heard("WATCHDOG", since=since), 1.5, "silence")
    daemon.process.signal(signal.SIGCONT)
    manager.wait("WATCHDOG", "1", since=since)


def test_no_watchdog_is_fed_that_nobody_set(host, managed):
    daemon, manager = managed(host, peers=[])
    daemon.start()
    holds(lambda: not manager.heard("WATCHDOG"), 1.5, "silence")


def test_a_manager_that_hangs_stops_no_frame(make_cloud, managed):
    """Its queue has room for one message; nobody reads it."""
    cloud = make_cloud(2)
    secret = new_secret()
    other = Tapd(cloud.hosts[1], secret).start()
    sysctl(cloud.hosts[0].netns, net__unix__max_dgram_qlen=1)
    daemon, _ = managed(cloud.hosts[0], secret, watchdog_s=1, namespace=cloud.hosts[0].netns)
    daemon.start()
    daemon.wait_up(other)
    holds(lambda: daemon.up() == {other.host.name} and other.up() == {daemon.host.name}, 5,
          "both to be up")
    done = daemon.host.run("ping", "-c", "20", "-i", "0.05", "-W", "1", other.host.tap4)
    assert " 0% packet loss" in done.stdout


def test_tapctl_finds_it_by_its_name(host, managed):
    """As ExecReload=tapctl -i %i reload does."""
    name = f"t{os.getpid()}"
    path = f"/run/tapd/{name}.sock"
    daemon, manager = managed(host, peers=[], control_socket=path)
    daemon.socket = path
    daemon.start()
    since = manager.count()
    subprocess.run([program("tapctl"), "-i", name, "reload"], check=True, capture_output=True,
                   timeout=10)
    manager.wait("RELOADING", "1", since=since)
    assert daemon.stop() == 0
    manager.wait("STOPPING", "1")
    assert not os.path.exists(path)
