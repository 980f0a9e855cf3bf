"""tapctl asks other hosts: ping, test, mesh."""

import json
import os
import signal
import socket
import subprocess
import time
import xml.etree.ElementTree

import pytest

from cloud import holds, member, new_secret, start_all, wait_for, wait_members, wait_settled
from cloud.daemon import program
from test_monitor import is_waiting

GROUP, PORT = "239.77.3.1", 7300


def ask(daemon, *words, within=40, code=0):
    """What `tapctl -j` says in a while; it exits with that code."""
    done = subprocess.run([program("tapctl", daemon.build), "-s", daemon.socket, "-j", *words],
                          capture_output=True, text=True, timeout=within, check=False)
    assert done.returncode == code, done
    return json.loads(done.stdout) if code == 0 else done.stderr


@pytest.fixture(scope="module")
def trio(make_module_cloud):
    daemons = start_all(make_module_cloud(3))
    wait_settled(daemons)
    return daemons


def ping_finds(daemon, size, *words):
    """What ping says once it finds that size: it gives one up of which four are late."""
    def found():
        said = ask(daemon, "ping", "web2", *words)
        return said["size_max"] == size and said
    return wait_for(found, 40, f"datagrams of {size} bytes")


def test_ping_says_how_far_a_peer_is(trio):
    web1, web2, _ = trio
    said = ping_finds(web1, 1472, "-c", "3")
    assert said["peer"] == "web2" and said["via"] is None
    assert (said["sent"], said["received"]) == (3, 3)
    assert 0 < said["rtt_us"]["min"] <= said["rtt_us"]["avg"] <= said["rtt_us"]["max"] < 1e6
    assert said["size"] == 100
    assert said["endpoint"].startswith(web2.host.address4)
    text = web1.ctl_run("ping", "web2", "-c", "1", "-s", "1000").stdout
    assert "1000 bytes" in text and "1 sent, 1 received, 0% lost" in text
    wait_for(lambda: "largest datagram 1472 bytes" in
             web1.ctl_run("ping", "web2", "-c", "1").stdout, 40, "the size as text")
    # By the beginning of its key, and by its address.
    key = web2.status()["key"]
    assert ask(web1, "ping", key[:12], "-c", "1")["peer"] == "web2"
    assert ask(web1, "ping", web2.host.address4, "-c", "1")["peer"] == "web2"


@pytest.mark.parametrize("size", [1300, 700, 1500])
def test_ping_finds_the_largest_size_of_a_path(make_cloud, size):
    cloud = make_cloud(2)
    web1, web2 = start_all(cloud)
    fault = cloud.drop_larger(size)
    ping_finds(web1, size - 28, "-c", "1")
    if size < 1500:
        lost = ask(web1, "ping", "web2", "-c", "1", "-s", str(size - 27), code=1)
        assert lost == ""
        assert ask(web1, "ping", "web2", "-c", "1", "-s", str(size - 28))["received"] == 1
    fault.heal()
    assert web2.running


def test_an_interrupt_ends_ping_while_the_daemon_is_silent(trio):
    web1, *_ = trio
    ping = web1.host.start(program("tapctl"), "-s", web1.socket, "ping", "web2", "-c", "100",
                           log="ping.log")
    wait_for(lambda: "echo: seq=1" in ping.log(), 10, "the first echo")
    os.kill(web1.process.pid, signal.SIGSTOP)
    try:
        # It asks once a second, and then waits.
        holds(lambda: ping.running, 1.5, "it waits for an answer")
        os.kill(ping.pid, signal.SIGINT)
        assert ping.wait(5) == 0
    finally:
        os.kill(web1.process.pid, signal.SIGCONT)
    assert "round trip min/avg/max" in ping.log() and "tapctl:" not in ping.log()


def test_ping_of_nobody(trio):
    assert "no peer is called web9" in ask(trio[0], "ping", "web9", code=1)
    assert "ping whom" in trio[0].ctl_run("ping").stderr
    assert trio[0].ctl_run("ping").returncode == 2
    assert trio[0].ctl_run("ping", "web2", "-s", "9189").returncode == 1
    assert trio[0].ctl_run("status", "-c", "1").returncode == 2


def hosts_of(test):
    return {host["name"]: host for host in test["hosts"]}


def test_test_names_members_and_others(trio):
    web1, web2, _ = trio
    with member(web2.host, GROUP, PORT):
        wait_members(web1, GROUP, web2.host)
        said = ask(web1, "test", GROUP)
    assert said["group"] == GROUP and said["sent"] == 10
    hosts = hosts_of(said)
    assert hosts["web2"]["member"] is True and hosts["web2"]["heard"] == 10
    assert hosts["web2"]["first_ms"] < 1000 and hosts["web2"]["unicast"] == 10
    assert hosts["web3"]["member"] is False and hosts["web3"]["heard"] == 0
    assert "not a member" in hosts["web3"]["why"] and hosts["web3"]["unicast"] == 10
    # What all hear.
    hosts = hosts_of(ask(web1, "test", "224.0.0.18", "-c", "2"))
    assert all(host["heard"] == 2 and host["member"] is None for host in hosts.values())
    assert "no multicast address" in ask(web1, "test", "10.0.0.1", code=1)
    text = web1.ctl_run("test", "224.0.0.18", "-c", "1").stdout
    assert "web2" in text and "1/1" in text


def test_a_test_ends_with_the_client_that_goes(trio):
    web1, *_ = trio
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(web1.socket)
        client.sendall(json.dumps({"command": "test", "arguments": {"group": GROUP, "count": 100}})
                       .encode() + b"\n")
        wait_for(lambda: "another test is under way" in
                 web1.ctl_run("test", GROUP, "-c", "1").stderr, 5, "the test")
    assert ask(web1, "test", GROUP, "-c", "1")["sent"] == 1


def test_test_names_who_is_down_and_who_heard_late(make_cloud):
    cloud = make_cloud(4)
    daemons = start_all(cloud)
    web1, _, web3, web4 = daemons
    wait_settled(daemons)
    web4.stop()
    wait_for(lambda: web1.peer_state(web4) != "up", 5, "web4 to be down")
    # Its process does not run for a while; then what waited in its socket is heard.
    web3.process.signal(signal.SIGSTOP)
    try:
        test = web1.host.start(program("tapctl"), "-s", web1.socket, "-j", "test", "224.0.0.18",
                               log="test.log")
        wait_for(lambda: is_waiting(test), 5, "the test to have begun")
        assert web1.status()["name"] == "web1"  # what was asked before is read by now
        time.sleep(1)
    finally:
        web3.process.signal(signal.SIGCONT)
    assert test.wait(40) == 0
    hosts = hosts_of(json.loads(test.log()))
    assert hosts["web2"]["heard"] == 10
    assert hosts["web3"]["heard"] == 10 and hosts["web3"]["why"] == "late"
    assert hosts["web3"]["first_ms"] > 300
    assert hosts["web4"]["heard"] is None and hosts["web4"]["why"]
    assert hosts["web4"]["up"] is False


def worst_cell(said):
    """(who measured, of whom) with the most loss."""
    cells = [(loss, row, column) for row, losses in enumerate(said["loss"])
             for column, loss in enumerate(losses) if loss is not None]
    _, row, column = max(cells)
    return said["names"][row], said["names"][column]


def test_the_mesh_shows_the_bad_link(make_cloud):
    cloud = make_cloud(16)
    daemons = start_all(cloud, new_secret(), mesh_within=20)
    bad, other = daemons[3], daemons[11]
    cloud.loss(30, source=bad.host, target=other.host)

    def shows():
        said = ask(daemons[0], "mesh")
        return worst_cell(said) == (other.host.name, bad.host.name) and said
    said = wait_for(shows, 60, "the bad link to be the worst", every=2)
    assert sorted(said["names"]) == sorted(daemon.host.name for daemon in daemons)
    assert all(said["answered"])
    for i, row in enumerate(said["rtt_us"]):
        assert row[i] is None and said["loss"][i][i] is None
        assert all(rtt for j, rtt in enumerate(row) if j != i)

    def says():
        text = daemons[0].ctl_run("mesh").stdout
        return f"{other.host.name} measures of {bad.host.name}" in text and text
    # What is lost is lost by chance: for a while too little to stand out.
    text = wait_for(says, 60, "the bad link to stand out", every=2)
    assert max(map(len, text.splitlines())) <= 80
    dot = daemons[0].ctl_run("mesh", "--dot").stdout
    assert dot.startswith("graph mesh {") and dot.count(" -- ") == 16 * 15 // 2
    svg = xml.etree.ElementTree.fromstring(daemons[0].ctl_run("mesh", "--svg").stdout)
    assert svg.tag.endswith("svg")
    assert daemons[0].ctl_run("mesh", "--svg", "--dot").returncode == 2
