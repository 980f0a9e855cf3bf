"""scripts/multi-unicast up --follow: hosts, MACs and rules that change under it."""

import itertools
import signal

import pytest

from cloud import holds, member, multicast_sender, received, wait_for
from cloud.multi_unicast import (COMMAND, FOREIGN, MultiUnicast, addresses, refused, ruleset,
                                 set_mac, without_counts)
from cloud.switch import Switch

GROUP, PORT = "239.1.1.1", 5000


@pytest.fixture(name="switch")
def four_hosts():
    with Switch(4) as switch:
        yield switch


@pytest.mark.deadline
def test_a_mac_that_changes_is_followed(switch, stopwatch):
    """Silently: the host says nothing of it, and nobody sends to it."""
    sender, one, two, _ = switch.hosts
    mu = MultiUnicast(sender)
    follower = mu.follow(one.address, two.address, "--group", f"{GROUP}={one.address}")
    assert mu.status()["following"] is True
    assert mu.macs() == {one.address: one.mac(), two.address: two.mac()}
    sock = member(one, GROUP, PORT, "eth0")
    with stopwatch("a MAC that changes silently is followed", 10) as watch:
        set_mac(one, "02:00:00:00:77:01")
        wait_for(lambda: mu.macs()[one.address] == "02:00:00:00:77:01", watch.left, follower.tail)
    assert mu.macs(GROUP) == {one.address: "02:00:00:00:77:01"}
    multicast_sender(sender, "eth0").sendto(b"moved", (GROUP, PORT))
    assert received(sock) == b"moved" and received(sock, 0.2) is None
    assert mu.macs()[two.address] == two.mac()
    assert follower.stop() == 0


def test_a_mac_that_is_announced_is_followed_at_once(switch):
    sender, one = switch.hosts[:2]
    one.sysctl(net__ipv4__conf__eth0__arp_notify=1)
    mu = MultiUnicast(sender)
    mu.follow(one.address)
    set_mac(one, "02:00:00:00:77:02")
    wait_for(lambda: mu.macs()[one.address] == "02:00:00:00:77:02", 3, mu.macs)


def test_a_host_that_comes_later_is_waited_for(switch):
    sender, one, two, _ = switch.hosts
    two.ip("link", "set", "eth0", "down")
    mu = MultiUnicast(sender)
    follower = mu.follow(one.address, two.address)
    follower.wait_log(f"{two.address} does not answer yet")
    wait_for(lambda: mu.status() and mu.macs() == {one.address: one.mac(), two.address: None},
             2, follower.tail)
    assert "no answer yet" in mu.run("status").stdout
    two.ip("link", "set", "eth0", "up")
    wait_for(lambda: mu.macs()[two.address] == two.mac(), 15, follower.tail)


def test_a_host_that_is_away_keeps_its_copies(switch):
    sender, one, two, _ = switch.hosts
    mu = MultiUnicast(sender)
    follower = mu.follow(one.address, two.address)
    macs = mu.macs()
    one.ip("link", "set", "eth0", "down")

    def failed():
        return "FAILED" in sender.ip("neigh", "show", one.address) or \
            "INCOMPLETE" in sender.ip("neigh", "show", one.address)
    wait_for(failed, 20, lambda: sender.ip("neigh", "show"))
    assert mu.macs() == macs and follower.running


def test_kill_9_leaves_the_rules_and_down_removes_them(switch):
    sender, *others = switch.hosts
    sender.run("nft", "-f", "-", input=FOREIGN)
    before = without_counts(ruleset(sender))
    mu = MultiUnicast(sender)
    follower = mu.follow(*addresses(others))
    follower.kill()
    assert mu.macs() == {host.address: host.mac() for host in others}
    assert mu.status()["following"] is False
    mu.down()
    assert without_counts(ruleset(sender)) == before


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "down"])
def test_a_follower_that_ends_takes_its_rules_along(switch, how):
    sender, *others = switch.hosts
    before = ruleset(sender)
    mu = MultiUnicast(sender)
    follower = mu.follow(*addresses(others))
    assert mu.status()
    if how == "down":
        mu.down()
    else:
        follower.signal({"SIGTERM": 15, "SIGINT": 2}[how])
    assert follower.wait(10) == 0
    assert ruleset(sender) == before


@pytest.mark.parametrize("first, second", itertools.permutations(
    [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], 2))
def test_two_signals_at_once_end_it_as_one_does(switch, first, second):
    """As of a terminal that closes, or of a supervisor that sends both."""
    sender, *others = switch.hosts
    before = ruleset(sender)
    follower = MultiUnicast(sender).follow(*addresses(others))
    follower.signal(first)
    follower.signal(second)
    assert follower.wait(10) == 0
    assert ruleset(sender) == before


def test_there_is_one_follower_an_interface(switch):
    sender, one, two, _ = switch.hosts
    mu = MultiUnicast(sender)
    follower = mu.follow(one.address)
    for arguments in (two.address,), (two.address, "--follow"):
        assert "another up runs for eth0, process" in refused(mu, *arguments)
    holds(lambda: follower.running, 1, "the follower to stay, whom up has looked at")
    assert mu.macs() == {one.address: one.mac()}


def test_a_stranger_cannot_end_a_follower(switch):
    sender, one = switch.hosts[:2]
    mu = MultiUnicast(sender)
    follower = mu.follow(one.address)
    program = ("import socket; s = socket.socket(socket.AF_UNIX); "
               "s.connect('\\0multi-unicast/eth0'); s.send(b'e'); s.settimeout(5); "
               "print(s.recv(1))")
    done = sender.run("setpriv", "--reuid=nobody", "/usr/bin/python3", "-c", program, check=False)
    assert any(error in done.stderr for error in ("ConnectionResetError", "BrokenPipeError")), \
        "it hangs up on it"
    holds(lambda: follower.running and mu.status(), 2, "the follower to stay")


@pytest.mark.parametrize("listens, words", [
    (True, "process {pid} of user {uid}; end it first"),
    (False, "somebody holds the socket @multi-unicast/eth0"),
])
def test_a_stranger_that_holds_the_name_is_named(switch, listens, words):
    sender, one = switch.hosts[:2]
    program = ("import os, signal, socket; s = socket.socket(socket.AF_UNIX); "
               "s.bind('\\0multi-unicast/eth0')" + "; s.listen(8)" * listens +
               "; print('holds as', os.getpid(), os.geteuid(), flush=True); signal.pause()")
    stranger = sender.start("setpriv", "--reuid=nobody", "/usr/bin/python3", "-c", program,
                            log="stranger.log")
    stranger.wait_log("holds as")
    pid, uid = stranger.log().split()[-2:]
    mu = MultiUnicast(sender)
    for _ in range(3):
        assert words.format(pid=pid, uid=uid) in refused(mu, one.address)
    stranger.kill()
    mu.up(one.address)


def test_rules_that_somebody_flushes_are_made_again(switch):
    sender, *others = switch.hosts
    mu = MultiUnicast(sender)
    follower = mu.follow(*addresses(others))
    macs, before = mu.macs(), without_counts(ruleset(sender))
    for what in ("flush ruleset", "delete table netdev multi-unicast-eth0",
                 "flush chain netdev multi-unicast-eth0 everybody",
                 "flush chain netdev multi-unicast-eth0 out"):
        count = follower.log().count("made again")
        sender.run("nft", what)
        wait_for(lambda count=count: follower.log().count("made again") > count, 5, follower.tail)
        assert mu.macs() == macs and without_counts(ruleset(sender)) == before


def test_the_file_of_hosts_is_followed(switch):
    sender, one, two, three = switch.hosts
    path = sender.write("hosts", f"# from discover\n{one.address}:8273\n{sender.address}\n")
    mu = MultiUnicast(sender)
    follower = mu.follow("--hosts", path, "--group", f"{GROUP}={three.address}")
    assert list(mu.macs()) == [one.address, three.address]
    sender.write("hosts", f"{one.address} {two.address}\n10.8.0.1\n")
    wait_for(lambda: mu.macs() == {host.address: host.mac() for host in (one, two, three)}, 10,
             follower.tail)
    assert "left out: 10.8.0.1 is not in the subnet" in follower.log()
    for text, why in (("", "lists no other host"), ("a;b\n", "'a;b' is no host"),
                      (f"{sender.address} # alone\n", "lists no other host")):
        count = follower.log().count(f"{why}")
        sender.write("hosts", text)
        wait_for(lambda why=why, count=count: follower.log().count(why) > count, 5, follower.tail)
    assert list(mu.macs()) == [one.address, two.address, three.address]
    sender.write("hosts", f"{two.address}\n")
    wait_for(lambda: list(mu.macs()) == [two.address, three.address], 5, follower.tail)


def test_a_file_that_is_not_there_yet_is_waited_for(switch):
    sender, one = switch.hosts[:2]
    mu = MultiUnicast(sender)
    follower = mu.follow("--hosts", sender.path("later"))
    assert "later is not there yet" in follower.log()
    sender.write("later", f"{one.address}\n")
    wait_for(lambda: mu.status() and mu.macs() == {one.address: one.mac()}, 5, follower.tail)


def test_a_host_of_the_file_that_is_not_in_reach_keeps_nobody_out(switch):
    """At the start, as later; it is taken in when it can be, without a change of the file."""
    sender, one, two, three = switch.hosts
    sender.publish([])
    sender.write("hosts", f"{one.address}\n10.8.0.2\nweb-3.invalid\n")
    mu = MultiUnicast(sender)
    assert "10.8.0.2 is not in the subnet" in refused(mu, "--hosts", sender.path("hosts"))
    follower = mu.follow("--hosts", sender.path("hosts"))
    assert mu.macs() == {one.address: one.mac()}
    for host in "10.8.0.2", "web-3.invalid":
        assert f"left out: {host}" in follower.log()
    sender.ip("addr", "add", "10.8.0.1/24", "dev", "eth0")
    two.ip("addr", "add", "10.8.0.2/24", "dev", "eth0")
    wait_for(lambda: mu.macs() == {one.address: one.mac(), "10.8.0.2": two.mac()}, 20,
             follower.tail)
    sender.publish([f"{three.address} web-3.invalid"])
    wait_for(lambda: mu.macs().get(three.address) == three.mac(), 20, follower.tail)
    assert list(mu.macs()) == [one.address, "10.8.0.2", three.address]
    assert follower.log().count("left out: 10.8.0.2") == 1, "it is said once"


def test_an_interface_that_goes_ends_the_follower(switch):
    sender, one = switch.hosts[:2]
    before = ruleset(sender)
    follower = MultiUnicast(sender).follow(one.address)
    sender.ip("link", "del", "eth0")
    assert follower.wait(5) == 1
    assert "eth0 was removed" in follower.log()
    assert ruleset(sender) == before


def test_an_interface_that_is_renamed_ends_the_follower(switch):
    """Its rules are for a name that nothing has, or that another interface gets."""
    sender, one = switch.hosts[:2]
    before = ruleset(sender)
    follower = MultiUnicast(sender).follow(one.address)
    for words in ("down",), ("name", "lan0"), ("up",):
        sender.ip("link", "set", "lan0" if words == ("up",) else "eth0", *words)
    assert follower.wait(15) == 1
    assert "eth0 was renamed" in follower.log()
    assert ruleset(sender) == before


def test_a_static_neighbour_is_let_be(switch):
    sender, one, two, _ = switch.hosts
    sender.ip("neigh", "replace", one.address, "lladdr", "02:00:00:00:99:99", "dev", "eth0",
              "nud", "permanent")
    mu = MultiUnicast(sender)
    mu.follow(one.address, two.address)
    holds(lambda: "PERMANENT" in sender.ip("neigh", "show", one.address), 7, "the static entry")
    assert mu.macs()[one.address] == "02:00:00:00:99:99"


def test_it_runs_without_root_by_one_right(switch):
    """As a unit with AmbientCapabilities=CAP_NET_ADMIN and a user of its own does."""
    sender, one = switch.hosts[:2]
    mu = MultiUnicast(sender)
    process = sender.start("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups",
                           "--inh-caps=+net_admin", "--ambient-caps=+net_admin",
                           "--bounding-set=-all,+net_admin", COMMAND, "up", "eth0", one.address,
                           "--follow", log="unprivileged.log")
    wait_for(lambda: mu.status() and mu.macs() == {one.address: one.mac()}, 10, process.tail)
    mu.down()
    assert process.wait(5) == 0
