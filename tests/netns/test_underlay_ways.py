"""Hosts with several addresses, or several cards: which one a datagram leaves from."""

import socket
import time

import pytest

from cloud import Tapd, Wire, holds, interface_mac, new_secret, start_all, wait_for, wait_mesh
from cloud.frames import BROADCAST, frame

SECOND = {"v4": "10.9.0.99", "v6": "fd09::99"}


def at(address):
    return f"[{address}]:8273" if ":" in address else f"{address}:8273"


def give_second(cloud, host, address):
    """One more address, which its kernel does not take of itself."""
    bits = 128 if ":" in address else 32
    cloud.router.ip("route", "replace", f"{address}/{bits}", "dev", host.port)
    host.ip("addr", "add", f"{address}/{bits}", "dev", "eth0",
            *(("nodad", "preferred_lft", "0") if bits == 128 else ()))


def filter_in(cloud, host):
    """A stateful firewall: nothing comes in but answers."""
    cloud.nft("table inet wall {\nchain in {\ntype filter hook input priority 0;\n"
              'iifname "eth0" ct state established accept\n'
              'iifname "eth0" meta l4proto udp drop\n}\n}', host)


def local_of(daemon, other):
    return (daemon.peer(other.host) or {}).get("local")


@pytest.fixture(params=["v4", "v6"])
def asked(make_cloud, request):
    """web2 has two addresses and web1 knows the second: (cloud, that address)."""
    cloud = make_cloud(2, family=request.param)
    address = SECOND[request.param]
    give_second(cloud, cloud.hosts[1], address)
    return cloud, address


def start_pair(cloud, address):
    """web1 knows the address; web2 waits to be asked."""
    secret = new_secret()
    web2 = Tapd(cloud.hosts[1], secret, peers=[]).start()
    return Tapd(cloud.hosts[0], secret, peers=[address]).start(), web2


def test_a_host_asked_at_its_second_address_comes_up_through_a_firewall(asked):
    cloud, address = asked
    filter_in(cloud, cloud.hosts[0])
    web1, web2 = start_pair(cloud, address)
    wait_mesh([web1, web2])
    assert web1.peer(cloud.hosts[1])["endpoint"] == at(address)
    assert local_of(web2, web1) == at(address)
    assert cloud.hosts[1].reaches(cloud.hosts[0].tap4)
    assert cloud.hosts[0].reaches(cloud.hosts[1].tap4)
    # And stays up: what web2 says of its own accord passes too.
    holds(lambda: web1.up() and web2.up(), 5, "the pair")
    web1.kill()
    web1.start()
    wait_mesh([web1, web2])
    assert local_of(web2, web1) == at(address)


def test_a_host_asked_at_its_second_address_comes_up_through_a_nat(make_cloud):
    cloud = make_cloud(2)
    web1, web2 = cloud.hosts
    give_second(cloud, web2, SECOND["v4"])
    cloud.nft("table ip nat {\nchain post {\ntype nat hook postrouting priority 100;\n"
              f'oifname "{web2.port}" ip saddr {web1.address} masquerade\n}}\n}}')
    daemons = start_pair(cloud, SECOND["v4"])
    wait_mesh(daemons)
    assert daemons[1].ctl("peers")[0]["endpoint"].startswith("10.9.0.1:")
    assert daemons[1].ctl("peers")[0]["local"] == at(SECOND["v4"])
    assert web2.reaches(web1.tap4)


@pytest.mark.parametrize("walled", [False, True])
def test_an_address_that_moves_away_is_no_longer_used(asked, walled):
    """A VIP of the underlay. Behind a wall web2 is asked at its other address first."""
    cloud, address = asked
    host = cloud.hosts[1]
    if walled:
        filter_in(cloud, cloud.hosts[0])
    web1, web2 = start_pair(cloud, address)
    wait_mesh([web1, web2])
    assert local_of(web2, web1) == at(address)
    if walled:
        web1.configure(peers=[address, host.address])
        web1.reload()
    bits = 128 if ":" in address else 32
    host.ip("addr", "del", f"{address}/{bits}", "dev", "eth0")
    cloud.router.ip("route", "del", f"{address}/{bits}", "dev", host.port)
    wait_for(lambda: web1.up() and local_of(web2, web1) == at(host.address)
             and web1.peer(host)["endpoint"] == at(host.address), 10, "its other address")
    assert host.reaches(cloud.hosts[0].tap4) and cloud.hosts[0].reaches(host.tap4)


def test_a_broadcast_is_not_answered(trio):
    cloud, (web1, _, _) = trio
    host = cloud.hosts[0]
    host.ip("addr", "add", "10.8.0.1/24", "brd", "10.8.0.255", "dev", "eth0")
    with cloud.router.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        cloud.router.ip("addr", "add", "10.8.0.2/24", "brd", "10.8.0.255", "dev", host.port)
        sender.bind(("10.8.0.2", 0))
        sender.sendto(b"who is there?", ("10.8.0.255", 8273))
        wait_for(lambda: web1.drops()["datagram_misdirected"] == 1, 5, "it to be counted")


# ---- IPv6 alone ----

@pytest.mark.parametrize("mtu, datagram", [(1280, 1232), (1500, 1452), (9000, 8952)])
def test_an_underlay_without_ipv4(make_cloud, mtu, datagram):
    cloud = make_cloud(2, family="v6", mtu=mtu)
    assert not any(" inet " in host.ip("addr", "show", "dev", "eth0") for host in cloud.hosts)
    daemons = start_all(cloud)
    wait_for(lambda: all(d.ctl("peers")[0]["datagram_size"] == datagram for d in daemons), 10,
             lambda: f"the size to be found: {daemons[0].ctl('peers')}")
    web1, web2 = cloud.hosts
    for size in ("20", "1472"):
        assert web1.reaches(web2.tap4, "-s", size, "-M", "do")
        # At first tap0's address may not be ready: another would be answered outside.
        wait_for(lambda: web2.ping(web1.tap6, "-s", size, "-I", web2.tap6), 5, "IPv6 over it")
    with Wire(web2, "tap0") as wire:
        sent = frame(BROADCAST, interface_mac(web1), b"to all")
        with Wire(web1, "tap0") as out:
            out.send(sent)
        wait_for(lambda: any(got.startswith(sent) for got in wire.pending()), 5, "the broadcast")
    assert cloud.fragments() == 0


# ---- two cards ----

def second_cards(cloud):
    """A second network between the two hosts, of which the first knows nothing."""
    web1, web2 = cloud.hosts
    web1.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", web2.netns)
    for number, host in enumerate((web1, web2), 1):
        host.ip("addr", "add", f"10.8.0.{number}/24", "dev", "eth1")
        host.ip("link", "set", "eth1", "up")


def die(cloud, host, card, how):
    if how == "down":
        host.ip("link", "set", card, "down")
    else:  # it takes everything and passes nothing on, both ways
        cloud.nft("table netdev dead {\nchain in {\ntype filter hook ingress device "
                  f'"{card}" priority 0;\ndrop\n}}\n}}', host)
        other = cloud.hosts[1 - host.index]
        if card == "eth1":
            cloud.nft('table netdev dead {\nchain in {\ntype filter hook ingress device "eth1" '
                      "priority 0;\ndrop\n}\n}", other)
        else:
            cloud.cut(host)


def ways_proven(daemon):
    """To its one peer."""
    peer, = daemon.ctl("peers", "web2" if daemon.host.name == "web1" else "web1")
    return sum(path["state"] in ("used", "spare") for path in peer["paths"])


@pytest.mark.deadline
@pytest.mark.parametrize("how", ["down", "silent"])
@pytest.mark.parametrize("whose", [0, 1])
def test_a_host_of_two_cards_outlives_either(make_cloud, how, whose):
    cloud = make_cloud(2)
    second_cards(cloud)
    hosts = cloud.hosts
    daemons = start_all(cloud, peers=[h.address for h in hosts] + ["10.8.0.1", "10.8.0.2"])
    wait_for(lambda: all(ways_proven(d) == 2 for d in daemons), 5, "both ways to be proven")
    used = daemons[whose].peer(hosts[1 - whose])["endpoint"]
    card = "eth1" if used.startswith("10.8.") else "eth0"
    die(cloud, hosts[whose], card, how)
    began = time.monotonic()

    def other_card():
        return all((d.peer(hosts[1 - i]) or {}).get("state") == "up"
                   and (card == "eth1") != d.peer(hosts[1 - i])["endpoint"].startswith("10.8.")
                   for i, d in enumerate(daemons))
    wait_for(other_card, 6, lambda: f"the other card: {[d.ctl('peers') for d in daemons]}")
    assert hosts[0].reaches(hosts[1].tap4)
    assert time.monotonic() - began < 7
    for daemon in daemons:
        assert " is down" not in daemon.process.log(), "it never was"


# ---- a next hop that is not there ----

@pytest.mark.parametrize("network, peer, how", [
    ("10.8.0.1/24", "10.8.0.77", "ARP"), ("fd08::1/64", "fd08::77", "ND")])
def test_a_neighbour_that_does_not_answer_is_blamed_and_not_the_port(make_cloud, network, peer,
                                                                     how):
    cloud = make_cloud(2, family="dual")
    host = cloud.hosts[0]
    host.ip("link", "add", "eth1", "type", "veth", "peer", "name", "far")
    host.ip("link", "set", "far", "up")
    host.ip("link", "set", "eth1", "up")
    host.ip("addr", "add", network, "dev", "eth1", *(["nodad"] if how == "ND" else []))
    web1 = Tapd(host, new_secret(), peers=[peer, cloud.hosts[1].address]).start()

    def why(endpoint):
        return next(p["why"] for p in web1.ctl("peers") if p["endpoint"] == at(endpoint))
    wait_for(lambda: why(peer) == f"neighbour {peer} does not answer {how} on eth1", 15,
             lambda: f"the neighbour to be named: {why(peer)}")
    # Of a host that is there, and where nothing listens, it says what it said.
    wait_for(lambda: "is UDP 8273 open both ways?" in why(cloud.hosts[1].address), 15,
             lambda: f"the port to be blamed: {why(cloud.hosts[1].address)}")
