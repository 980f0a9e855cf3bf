"""scripts/multi-unicast's table: made, changed and removed; and what is refused."""

import contextlib

import pytest

from cloud import member, multicast_sender, numbers, received, wait_for
from cloud.multi_unicast import (COMMAND, FOREIGN, MultiUnicast, Numbers, addresses, refused,
                                 ruleset, set_mac, without_counts)
from cloud.switch import Switch

GROUP, PORT = "239.1.1.1", 5000


@pytest.fixture(name="switch")
def four_hosts():
    with Switch(4) as switch:
        yield switch


def test_up_twice_is_up_and_down_leaves_nothing(switch):
    sender, *others = switch.hosts
    sender.run("nft", "-f", "-", input=FOREIGN)
    mu, before = MultiUnicast(sender), without_counts(ruleset(sender))
    arguments = *addresses(others), "--group", f"{GROUP}={others[0].address}"
    mu.up(*arguments)
    once = without_counts(ruleset(sender))
    mu.up(*arguments)
    assert without_counts(ruleset(sender)) == once
    mu.up(others[0].address)
    assert mu.macs() == {others[0].address: others[0].mac()}
    assert GROUP not in ruleset(sender), "a group that is listed no more"
    mu.up(*arguments)
    assert without_counts(ruleset(sender)) == once
    mu.down()
    assert without_counts(ruleset(sender)) == before
    mu.down()
    assert mu.status() is None


def test_two_interfaces_have_a_table_each():
    with Switch(3, switches=2) as switch:
        sender, one, two = switch.hosts
        first, second = MultiUnicast(sender, "eth0"), MultiUnicast(sender, "eth1")
        first.up(one.on(0))
        second.up(two.on(1))
        socks = {(host.name, nic): member(host, GROUP, PORT, nic)
                 for host in (one, two) for nic in ("eth0", "eth1")}
        for nic in "eth0", "eth1":
            multicast_sender(sender, nic).sendto(nic.encode(), (GROUP, PORT))
        assert {key: received(sock, 0.5) for key, sock in socks.items()} == {
            (one.name, "eth0"): b"eth0", (one.name, "eth1"): None,
            (two.name, "eth0"): None, (two.name, "eth1"): b"eth1"}
        both = sender.run("nft", "list", "tables").stdout
        first.down()
        assert second.macs() == {two.on(1): two.mac("eth1")} and first.status() is None
        assert both.count("multi-unicast-") == 2
        second.down()


def test_changes_lose_and_double_nothing(switch):
    """Under a stream, the table is made anew again and again; each frame is seen once."""
    sender, one, two, three = switch.hosts
    mu = MultiUnicast(sender)
    plans = [(one.address, two.address, three.address),
             (three.address, one.address, two.address, "--group", f"239.2.2.2={one.address}"),
             (two.address, one.address, three.address, "--group",
              f"{GROUP}={one.address},{two.address}")]
    mu.up(*plans[0])
    socks = [member(host, GROUP, PORT, "eth0") for host in (one, two)]
    got = [[], []]

    def drain():
        """While anything else is done: what is not read in time is lost at the socket."""
        for sock, so_far in zip(socks, got):
            so_far += numbers(sock)

    before = switch.dropped()
    with contextlib.closing(Numbers(sender, GROUP, PORT)) as stream:
        for number in range(12):
            change = sender.start(COMMAND, "up", "eth0", *plans[number % 3], log="changes.log")
            wait_for(lambda change=change: drain() or not change.running, 60, change.tail, 0.01)
            assert change.returncode == 0
        sent = stream.stop()
    assert sent > 1000
    wait_for(lambda: drain() or all(so_far[-1:] == [sent - 1] for so_far in got), 5,
             "the last of the stream")
    assert got == [list(range(sent))] * 2
    assert switch.dropped() == before, "no frame left as it was"


def test_status_says_who_gets_what(switch):
    sender, one, two, _ = switch.hosts
    mu = MultiUnicast(sender)
    mu.up(one.address, two.address, "--group", f"{GROUP}={two.address}")
    for group, count in (GROUP, 3), ("239.1.1.2", 2):
        for _ in range(count):
            multicast_sender(sender, "eth0").sendto(b"x", (group, PORT))
    status = mu.status()
    assert (status["interface"], status["in_effect"], status["following"]) == ("eth0", True, False)
    everybody, group = status["audiences"]
    assert everybody["group"] is None and everybody["frames"] >= 2
    assert group == {"group": GROUP, "frames": 3,
                     "hosts": [{"address": two.address, "mac": two.mac()}]}
    text = mu.run("status").stdout
    assert "nothing is sealed or authenticated" in text
    assert f"{two.address:<15}  {two.mac()}" in text
    mu.up(one.address, two.address, "--group", f"{GROUP}={two.address}")
    assert mu.status()["audiences"][1]["frames"] == 3, "counts stay over a change"


def test_an_interface_that_is_renamed_is_no_more_served(switch):
    sender, other = switch.hosts[:2]
    mu = MultiUnicast(sender)
    mu.up(other.address)
    sender.ip("link", "set", "eth0", "down")
    sender.ip("link", "set", "eth0", "name", "lan0")
    assert mu.status()["in_effect"] is False
    assert "removed or renamed; down removes the rest" in mu.run("status").stdout
    mu.down()
    assert "multi-unicast" not in ruleset(sender)


def test_an_interface_that_is_removed_ends_it(switch):
    sender, other = switch.hosts[:2]
    mu = MultiUnicast(sender)
    mu.up(other.address)
    sender.ip("link", "del", "eth0")
    assert mu.status()["in_effect"] is False
    assert "not in effect" in mu.run("status").stdout
    mu.down()
    assert "multi-unicast" not in ruleset(sender)


# ---- what is refused ----

def test_a_host_that_does_not_answer_is_named(switch):
    sender, other = switch.hosts[:2]
    said = refused(MultiUnicast(sender), other.address, "10.9.0.77", "10.9.0.78")
    assert "no answer from 10.9.0.77, 10.9.0.78" in said and other.address not in said


def test_a_host_of_another_subnet_is_refused(switch):
    sender, other = switch.hosts[:2]
    mu = MultiUnicast(sender)
    assert "10.8.0.1 is not in the subnet of eth0: there is no route" in refused(mu, "10.8.0.1")
    sender.ip("route", "add", "default", "via", other.address)
    assert f"through the gateway {other.address}" in refused(mu, "10.8.0.1")
    sender.ip("link", "add", "eth5", "type", "veth")
    sender.ip("link", "set", "eth5", "up")
    sender.ip("addr", "add", "10.8.0.2/24", "dev", "eth5")
    assert "10.8.0.1 is reached by eth5, not by eth0" in refused(mu, "10.8.0.1")
    assert "no host's address" in refused(mu, GROUP)
    assert "nosuchhost: no address" in refused(mu, "nosuchhost")


def test_a_router_that_answers_for_others_is_found(switch):
    sender, other, third, router = switch.hosts
    for host in other, third:
        switch.switch.ip("link", "set", host.port(), "down")
    router.sysctl(net__ipv4__conf__eth0__proxy_arp=1, net__ipv4__ip_forward=1,
                  net__ipv4__conf__eth0__proxy_arp_pvlan=1)
    router.ip("addr", "add", "10.9.0.1/32", "dev", "eth0")
    mu = MultiUnicast(sender)
    said = refused(mu, other.address, third.address)
    assert f"have one MAC, {router.mac()}" in said
    sender.ip("route", "add", "default", "via", "10.9.0.1")
    assert "has the MAC of the gateway 10.9.0.1" in refused(mu, other.address)


def test_interfaces_that_cannot_are_refused(switch):
    sender, other = switch.hosts[:2]
    sender.ip("link", "add", "down0", "type", "veth")
    assert "no interface eth9 here" in refused(MultiUnicast(sender, "eth9"), other.address)
    assert "lo is no Ethernet" in refused(MultiUnicast(sender, "lo"), other.address)
    assert "down0 is down: ip link set down0 up" in refused(MultiUnicast(sender, "down0"),
                                                          other.address)


def test_this_host_alone_is_nobody(switch):
    sender = switch.hosts[0]
    assert "no host but this one" in refused(MultiUnicast(sender), sender.address, "127.0.0.1")


def test_without_rights_or_nft_it_says_so(switch):
    sender, other = switch.hosts[:2]
    done = sender.run("setpriv", "--reuid=nobody", "--bounding-set=-all", "--inh-caps=-all",
                      COMMAND, "up", "eth0", other.address, check=False)
    assert done.returncode == 1 and "needs root" in done.stderr
    done = sender.run("sh", "-c", 'for at in /usr/sbin/nft /usr/local/sbin/nft; do '
                      'if [ -e $at ]; then mount --bind /dev/null $at; fi; done; exec "$@"', "sh",
                      COMMAND, "up", "eth0", other.address, check=False)
    assert done.returncode == 1 and "install the package nftables" in done.stderr


def test_hosts_by_name_and_by_ipv6(switch):
    sender, one, two, three = switch.hosts
    sender.publish([f"{one.address} web2", f"{sender.address} web1", f"{two.address6} web3"])
    link_local = next(word.split("/")[0] for word in three.ip("-6", "addr", "show", "eth0").split()
                      if word.startswith("fe80::"))
    mu = MultiUnicast(sender)
    own = next(word.split("/")[0] for word in sender.ip("-6", "addr", "show", "eth0").split()
               if word.startswith("fe80::"))
    mu.up("web1", "web2", "web3", link_local, own, sender.address6)
    assert mu.macs() == {one.address: one.mac(), two.address6: two.mac(),
                         link_local: three.mac()}
    assert "have one MAC" in refused(mu, "web2", one.address6)
    follower = mu.follow(two.address6)
    set_mac(two, "02:00:00:00:77:03")
    wait_for(lambda: mu.macs() == {two.address6: "02:00:00:00:77:03"}, 20, follower.tail)
