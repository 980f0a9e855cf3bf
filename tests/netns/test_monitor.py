"""tapctl monitor: events as they happen."""

import contextlib
import datetime
import json
import re
import socket
import subprocess

import pytest

from cloud import Wire, member, program, start_all, wait_for

GROUP, MAC = "239.7.8.10", "02:00:5e:00:01:33"


@pytest.fixture(scope="module")
def three(make_module_cloud):
    return start_all(make_module_cloud(3))


@contextlib.contextmanager
def monitor(daemon, *options):
    """A function that gives the lines so far, once it listens."""
    log = f"monitor{len(daemon.host.processes)}.log"
    process = daemon.host.start(program("tapctl"), *options, "-s", daemon.socket, "monitor",
                                log=log)
    wait_for(lambda: is_waiting(process), 5, "the monitor to have asked")
    daemon.status()  # what was asked before is read by now
    try:
        yield lambda: process.log().splitlines()
    finally:
        process.kill()


def is_waiting(process):
    """It has asked, and sleeps until it is told something."""
    with open(f"/proc/{process.pid}/wchan", encoding="ascii") as file:
        return process.running and "unix_stream" in file.read()


def events(lines, name):
    return [event for event in map(json.loads, lines()) if event["event"] == name]


def wait_event(lines, name, within=5, **expected):
    def found():
        return next((event for event in events(lines, name)
                     if expected.items() <= event.items()), None)
    return wait_for(found, within, lambda: f"{name} {expected}, among {lines()}")


def test_peers_that_go_and_come(three):
    web1, web2, _ = three
    with monitor(web1, "-j") as lines, monitor(web1) as text:
        web2.stop()
        down = wait_event(lines, "peer_down", peer="web2")
        assert down["why"] and down["key"] and down["endpoint"].endswith(":8273")
        web2.start()
        up = wait_event(lines, "peer_up", peer="web2")
        for event in (down, up):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
            at = datetime.datetime.fromisoformat(event["time"].replace("Z", "+00:00"))
            age = datetime.datetime.now(datetime.timezone.utc) - at
            assert abs(age.total_seconds()) < 60
        wait_for(lambda: any("is up" in line for line in text()), 5, "the line of text")
        assert any("web2" in line and "is down: " in line for line in text())
        assert all(len(line) <= 80 for line in text())


def test_a_mac_that_moves_and_groups(three):
    web1, web2, web3 = three
    with monitor(web1, "-j") as lines:
        for daemon in (web2, web3):
            with Wire(daemon.host) as wire:
                wire.send(b"\xff" * 6 + bytes.fromhex(MAC.replace(":", "")) + b"\x88\xb5"
                          + bytes(46))
                wait_for(lambda: any(row["mac"] == MAC and row["owner"] == daemon.host.name
                                     for row in web1.ctl("fdb")), 5, "it to be learned")
        assert wait_event(lines, "mac_moved", mac=MAC)["from"] == "web2"
        assert events(lines, "mac_moved")[-1]["to"] == "web3"
        with member(web2.host, GROUP, 7000), member(web1.host, GROUP, 7000):
            wait_event(lines, "group_joined", group=GROUP, peer="web2", within=10)
            wait_event(lines, "group_joined", group=GROUP, peer="local", within=10)
        wait_event(lines, "group_left", group=GROUP, peer="web2", within=15)


def test_sources_and_warnings(three):
    web1, *_ = three
    path = web1.host.write("hosts.list", "10.9.0.11\n10.9.0.12\n")
    with monitor(web1, "-j") as lines:
        web1.configure(**{"discover.file": path})
        web1.ctl("reload")
        wait_event(lines, "source_changed", source="file", endpoints=2)
        web1.host.write("hosts.list", "10.9.0.11\n")
        wait_event(lines, "source_changed", source="file", endpoints=1, before=2, within=10)
        web1.host.ip("link", "set", "tap0", "down")
        try:
            warning = wait_event(lines, "warning", within=10)
            assert warning["text"] in web1.status()["warnings"]
        finally:
            web1.host.ip("link", "set", "tap0", "up")


def test_who_goes_or_does_not_read_costs_nothing(three):
    web1, *_ = three
    for _ in range(8):
        with monitor(web1):
            pass
    held = []
    for _ in range(4):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(web1.socket)
        sock.sendall(b'{"command": "monitor"}\n')
        held.append(sock)

    def refused():
        done = subprocess.run([program("tapctl"), "-s", web1.socket, "monitor"], timeout=10,
                              capture_output=True, text=True)
        return done.returncode == 1 and "4 monitors are running" in done.stderr
    assert refused()
    assert web1.status()["name"] == "web1"
    for sock in held:
        sock.close()
    with monitor(web1):
        pass


def test_it_ends_with_the_daemon(three):
    _, _, web3 = three
    process = web3.host.start(program("tapctl"), "-s", web3.socket, "monitor", log="ends.log")
    wait_for(lambda: is_waiting(process), 5, "the monitor to have asked")
    web3.status()
    web3.stop()
    assert process.wait() == 3
    assert "closed" in process.log()
    web3.start()
