"""tapd as a service: what it tells a manager like systemd, and what that keeps for it."""

import contextlib
import os
import signal
import subprocess
import time

import pytest

from cloud import (EXIT_CONFIG, EXIT_SYSTEM, PORT, Stream, Tapd, holds, member,
                   multicast_sender, new_secret, program, udp_socket, wait_for, wait_members)
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

@pytest.mark.deadline
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
    assert 5 <= manager.wait("READY", "1", within=15) - before < 10
    assert daemon.ctl_ok("status")


@pytest.mark.deadline
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
    daemon, manager = managed(host, watchdog_s=4, peers=[])
    daemon.start()
    since = manager.count()
    wait_for(lambda: len(manager.heard("WATCHDOG", "1", since)) >= 6, 24, "pings")
    times = manager.heard("WATCHDOG", "1", since)
    assert all(later - earlier < 3.6 for earlier, later in zip(times, times[1:])), times
    assert times[-1] - times[0] > 8, "not more often than it must"
    daemon.process.signal(signal.SIGSTOP)
    since = manager.count()
    holds(lambda: not manager.heard("WATCHDOG", since=since), 6, "silence")
    daemon.process.signal(signal.SIGCONT)
    manager.wait("WATCHDOG", "1", within=10, since=since)


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


# ---- what is kept ----

def carrier_changes(host):
    return host.run("cat", "/sys/class/net/tap0/carrier_changes").stdout


def again(daemon, how):
    """Ended in this way, and started as systemd does."""
    if how == "crash":
        daemon.kill()
    else:
        assert daemon.stop() == 0
    daemon.start()


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_programs_on_it_notice_nothing(make_cloud, managed, how):
    cloud = make_cloud(2)
    secret = new_secret()
    host = cloud.hosts[0]
    other = Tapd(cloud.hosts[1], secret).start()
    daemon, manager = managed(host, secret)
    daemon.start()
    daemon.wait_up(other)
    host.ip("addr", "add", "10.77.0.200/24", "dev", "tap0")
    index, changes, group = host.ifindex(), carrier_changes(host), "239.3.2.1"
    with member(host, group, 4000) as listener, multicast_sender(other.host) as sender:
        for _ in range(2):
            again(daemon, how)
            daemon.wait_up(other)
            wait_members(other, group, host, within=8)
            sender.sendto(b"here?", (group, 4000))
            assert listener.recv(100) == b"here?"
    assert (host.ifindex(), carrier_changes(host)) == (index, changes)
    shown = host.ip("addr", "show", "dev", "tap0")
    assert "10.77.0.200/24" in shown and f"{host.tap4}/24" in shown
    assert "still there from the last run: taken over" in daemon.process.log()
    assert daemon.stop() == 0
    assert host.ifindex() == index, "it may be a restart"
    manager.stopped()
    assert not host.has_interface()


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_frames_that_a_restart_costs(make_cloud, managed, record_property, how):
    """Of a hundred a second, each way. Those that are sent meanwhile wait in the TAP; those
    that peers send are lost until their sessions are new."""
    cloud = make_cloud(2)
    secret = new_secret()
    other = Tapd(cloud.hosts[1], secret).start()
    daemon, _ = managed(cloud.hosts[0], secret)
    daemon.start()
    daemon.wait_up(other)
    group = "239.3.2.2"
    with member(daemon.host, group, 4000) as here, member(other.host, group, 4001) as there, \
            Stream(other.host, group, 4000, 0.01) as into, \
            Stream(daemon.host, group, 4001, 0.01) as out:
        for stream in into, out:
            stream.wait_sent(50)
        again(daemon, how)
        daemon.wait_up(other)
        wait_members(other, group, daemon.host, within=8)
        for stream in into, out:
            stream.wait_sent(50)
        got = len(into.finish(here)), len(out.finish(there))
    lost = into.sent - got[0], out.sent - got[1]
    record_property("measured", f"{how}: of 100 frames/s {lost[0]} lost coming in, {lost[1]} "
                                "going out")
    assert lost[0] < 500 and lost[1] < 500


def test_after_a_restart_it_survives_a_crash_again(host, managed):
    """Without the manager's help, too."""
    daemon, manager = managed(host, peers=[])
    daemon.start()
    index = host.ifindex()
    again(daemon, "restart")
    daemon.kill()
    manager.stopped()
    assert host.ifindex() == index
    daemon.start()
    assert host.ifindex() == index


def test_one_that_was_made_before_stays_after_a_stop(host, managed):
    host.ip("tuntap", "add", "dev", "tap0", "mode", "tap")
    daemon, manager = managed(host, peers=[])
    daemon.start()
    index = host.ifindex()
    again(daemon, "restart")
    assert daemon.stop() == 0
    manager.stopped()
    assert host.ifindex() == index


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_what_another_configuration_set_is_removed(host, managed, how):
    """What others set, such as a VIP, is not."""
    daemon, _ = managed(host, peers=[], **{
        "interface.address": [f"{host.tap4}/24", "10.78.0.1/24", "fd78::1/64"],
        "interface.multicast_route": True})
    daemon.start()
    index = host.ifindex()
    host.ip("addr", "add", "10.77.0.200/24", "dev", "tap0")
    host.ip("route", "add", "239.9.0.0/16", "dev", "tap0")
    assert "224.0.0.0/4" in host.ip("route")
    daemon.configure(**{"interface.address": [f"{host.tap4}/24", "10.79.0.1/24"],
                        "interface.multicast_route": False})
    again(daemon, how)
    shown = host.ip("addr", "show", "dev", "tap0")
    assert host.ifindex() == index
    for there in f"{host.tap4}/24", "10.79.0.1/24", "10.77.0.200/24", "fe80::":
        assert there in shown
    assert "10.78.0.1" not in shown and "fd78::1" not in shown
    routes = host.ip("route")
    assert "239.9.0.0/16" in routes and "224.0.0.0/4" not in routes and "255.255.255" not in routes
    assert "ff00::/8" not in [line.split()[1] for line in host.ip(
        "-6", "route", "show", "table", "local").splitlines() if "metric 128" in line]


@pytest.mark.parametrize("address", ["10.78.0.2/24", "10.79.0.1/24"], ids=["same", "other"])
@pytest.mark.parametrize("how", ["restart", "crash", "reload"])
def test_another_address_takes_nothing_of_others(host, managed, how, address):
    """Neither a VIP in the subnet of the one that goes, which is the only one of tapd's, nor
    a route."""
    daemon, _ = managed(host, peers=[], **{"interface.address": ["10.78.0.1/24"]})
    daemon.start()
    for place in "all", "tap0":
        sysctl(host.netns, **{f"net__ipv4__conf__{place}__promote_secondaries": 0})
    host.ip("addr", "add", "10.78.0.200/24", "dev", "tap0")
    host.ip("route", "add", "10.88.0.0/16", "via", "10.78.0.9", "dev", "tap0")
    host.ip("route", "add", "10.89.0.0/16", "dev", "tap0")
    daemon.configure(**{"interface.address": [address]})
    if how == "reload":
        daemon.ctl("reload")
    else:
        again(daemon, how)
    shown = host.ip("addr", "show", "dev", "tap0")
    assert "10.78.0.1/24" not in shown
    assert address in shown and "10.78.0.200/24" in shown
    routes = host.ip("route")
    assert "10.88.0.0/16 via 10.78.0.9" in routes and "10.89.0.0/16" in routes


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_another_name_leaves_no_interface_behind(host, managed, how):
    """One that nobody reads, with a carrier, addresses and routes, is a black hole."""
    daemon, manager = managed(host, peers=[], **{"interface.multicast_route": True})
    daemon.start()
    assert set(manager.receive()) == {"tap0"}
    daemon.configure(**{"interface.name": "tap1"})
    again(daemon, how)
    manager.wait("FDNAME", "tap1")
    assert set(manager.held) == {"tap1"}
    assert not host.has_interface("tap0") and host.has_interface("tap1")
    assert "dev tap1" in host.ip("route", "show", "224.0.0.0/4")
    daemon.configure(**{"interface.name": "tap0"})
    again(daemon, how)
    manager.wait("READY", "1")
    assert daemon.stop() == 0
    manager.stopped()
    assert not host.has_interface("tap0") and not host.has_interface("tap1")


def test_a_carrier_that_follows_peers_waits_for_them(make_cloud, managed):
    """It was on, and they are about to be back; if they are not, it goes after 5 s."""
    cloud = make_cloud(2)
    secret = new_secret()
    host = cloud.hosts[0]
    other = Tapd(cloud.hosts[1], secret).start()
    daemon, _ = managed(host, secret, **{"interface.carrier": "peers"})
    daemon.start()
    daemon.wait_up(other)
    wait_for(lambda: daemon.status()["interface"]["carrier"], 2, "the carrier")
    changes = carrier_changes(host)
    again(daemon, "restart")
    daemon.wait_up(other)
    assert carrier_changes(host) == changes
    other.stop()
    wait_for(lambda: not daemon.status()["interface"]["carrier"], 2, "the carrier to go")
    other.start()
    daemon.wait_up(other)
    wait_for(lambda: daemon.status()["interface"]["carrier"], 2, "the carrier")
    daemon.stop()
    other.stop()
    daemon.start()
    assert daemon.status()["interface"]["carrier"]
    wait_for(lambda: not daemon.status()["interface"]["carrier"], 8, "the carrier to go")


# ---- the secret that it hands over ----

def with_credential(folder, secret, mode):
    """As systemd does it: on a read-only mount of the service's own."""
    return ("env", f"CREDENTIALS_DIRECTORY={folder}", "unshare", "--mount", "sh", "-c",
            f"mount -t tmpfs none {folder} && echo {secret} >{folder}/secret && "
            f'chmod {mode} {folder}/secret && mount -o remount,ro {folder} && exec "$@"', "sh")


@pytest.mark.parametrize("mode", ["0400", "0440"])
def test_the_secret_is_a_credential(make_cloud, mode):
    cloud = make_cloud(2)
    secret = new_secret()
    other = Tapd(cloud.hosts[1], secret).start()
    host = cloud.hosts[0]
    folder = host.path("credentials")
    os.mkdir(folder)
    daemon = Tapd(host, new_secret(), secret_file=None)
    daemon.start(*with_credential(folder, secret, mode))
    daemon.wait_up(other)
    assert daemon.ctl("reload") == {"changes": []}


def test_what_hands_over_a_secret_is_said_if_there_is_none(host):
    """Neither is there, as before the first secret was made."""
    folder = host.path("credentials")
    os.mkdir(folder)
    daemon = Tapd(host, new_secret(), secret_file=None)
    daemon.launch("env", f"CREDENTIALS_DIRECTORY={folder}", "unshare", "--mount", "sh", "-c",
                  'mount -t tmpfs none /etc && exec "$@"', "sh")
    assert daemon.process.wait(5) == EXIT_CONFIG
    log = daemon.process.log()
    assert "/etc/tapd/secret: there is no secret" in log
    assert "tapctl genpsk" in log and 'credential "secret"' in log
