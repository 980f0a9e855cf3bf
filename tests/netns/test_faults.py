"""Hosts that die, networks that lose, duplicate, reorder and cut."""

import socket
import time

import pytest

from cloud import (Wire, holds, interface_mac, member, multicast_sender, received,
                   start_all, wait_for, wait_mesh)
from cloud.frames import BROADCAST, frame

GROUP, GROUP6, PORT = "239.77.1.1", "ff15::77", 7100


def reaches(sender, receiver, group, text):
    """A datagram to the group arrives at a socket that joined it before."""
    sender.sendto(text, (group, PORT))
    return received(receiver, 1) == text


@pytest.mark.parametrize("family, group", [(socket.AF_INET, GROUP), (socket.AF_INET6, GROUP6)])
def test_sockets_and_joins_outlive_a_crash(trio, family, group):
    """kill -9, start: what was bound and joined before still works."""
    cloud, daemons = trio
    web1, web2, _ = cloud.hosts
    index = web2.ifindex()
    wait_for(lambda: web1.ping(web2.tap6), 5, "IPv6 on tap0 to be ready")
    with member(web2, group, PORT) as receiver, multicast_sender(web1, family=family) as sender:
        wait_for(lambda: reaches(sender, receiver, group, b"before"), 3, "multicast before")
        daemons[1].kill()
        assert web2.ifindex() == index, "tap0 stays"
        assert web2.tap4 in web2.ip("addr", "show", "dev", "tap0")
        daemons[1].start()
        wait_mesh(daemons)
        assert web2.ifindex() == index
        wait_for(lambda: reaches(sender, receiver, group, b"after"), 3, "multicast after")
    with member(web1, group, PORT) as receiver, multicast_sender(web2, family=family) as sender:
        wait_for(lambda: reaches(sender, receiver, group, b"back"), 3, "the other way")


def test_a_tcp_connection_outlives_a_crash(trio):
    cloud, daemons = trio
    web1, web2, _ = cloud.hosts
    with web2.socket(socket.AF_INET, socket.SOCK_STREAM) as server, \
            web1.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        server.bind((web2.tap4, 7000))
        server.listen()
        client.connect((web2.tap4, 7000))
        connection, _ = server.accept()
        for sock in (client, connection):
            sock.settimeout(20)
        daemons[1].kill()
        client.sendall(b"sent while its host had no tapd")
        daemons[1].start()
        assert connection.recv(100) == b"sent while its host had no tapd"
        connection.sendall(b"heard")
        assert client.recv(100) == b"heard"
        connection.close()


def test_a_clean_stop_removes_the_interface_and_says_goodbye(trio):
    cloud, daemons = trio
    web2 = cloud.hosts[1]
    assert daemons[1].stop() == 0
    assert not web2.has_interface()
    # Not after down_after seconds of silence: it said bye.
    wait_for(lambda: daemons[0].peer_state(web2) != "up", 1, "web1 to know at once")


def test_a_host_that_comes_and_goes_ten_times(trio):
    cloud, daemons = trio
    for round_ in range(10):
        if round_ % 2:
            daemons[1].stop()
        else:
            daemons[1].kill()
        daemons[1].start()
    wait_mesh(daemons)
    assert cloud.hosts[0].reaches(cloud.hosts[1].tap4)
    assert len(daemons[0].ctl("peers")) == 2


def test_all_hosts_restarted_at_once(trio):
    cloud, daemons = trio
    for daemon in daemons:
        daemon.kill()
    for daemon in daemons:
        daemon.launch()
    for daemon in daemons:
        daemon.wait_ready()
    wait_mesh(daemons)
    assert cloud.hosts[0].reaches(cloud.hosts[2].tap4)


def test_a_cut_host_says_why_and_comes_back(trio):
    cloud, (web1, web2, web3) = trio
    with cloud.cut(web2.host):
        web1.wait_down(web2)
        web2.wait_down(web1)
        web2.wait_down(web3)
        wait_for(lambda: "UDP 8273" in (web1.peer(web2)["why"] or ""), 5, "why to help")
        assert web1.peer_state(web3) == "up"
        assert web1.host.reaches(web3.host.tap4)
    wait_mesh([web1, web2, web3], 12)
    assert web1.host.reaches(web2.host.tap4)


@pytest.mark.parametrize("cut", ["cut_from", "cut_to"])
def test_a_host_heard_in_one_direction_only_is_down_on_both_sides(trio, cut):
    cloud, (web1, web2, web3) = trio
    with getattr(cloud, cut)(web2.host):
        web1.wait_down(web2)
        web2.wait_down(web1)
    wait_mesh([web1, web2, web3], 12)


def test_a_broken_path_between_two_leaves_the_others(trio):
    cloud, (web1, web2, web3) = trio
    with cloud.cut_path(web1.host, web2.host), cloud.cut_path(web2.host, web1.host):
        web1.wait_down(web2)
        assert web3.up() == {"web1", "web2"}
    wait_mesh([web1, web2, web3], 12)


def test_an_underlay_that_went_away_for_a_while(trio):
    cloud, daemons = trio
    for host in cloud.hosts:
        host.ip("link", "set", "eth0", "down")
    for daemon in daemons:
        wait_for(lambda: daemon.status()["peers"]["up"] == 0, 10, f"{daemon.host} to be alone")
    for host in cloud.hosts:
        host.ip("link", "set", "eth0", "up")
        host.ip("route", "add", "10.9.0.1/32", "dev", "eth0", "scope", "link")
        host.ip("route", "add", "default", "via", "10.9.0.1", "dev", "eth0", "src", host.address)
    wait_mesh(daemons, 12)
    assert cloud.hosts[0].reaches(cloud.hosts[1].tap4)


@pytest.mark.parametrize("percent, seconds", [(5, 30), (20, 20)])
def test_loss_takes_nobody_down(make_cloud, percent, seconds):
    cloud = make_cloud(6)
    daemons = start_all(cloud)
    with cloud.loss(percent):
        holds(lambda: all(d.status()["peers"]["up"] == 5 for d in daemons), seconds,
              f"all peers up under {percent} % loss", every=0.25)
        if percent == 20:
            assert any(peer["loss"] > 0.02 for peer in daemons[0].ctl("peers")), "loss is shown"


def test_start_under_loss(make_cloud):
    """Handshakes, hellos and their retries, each lost now and then."""
    cloud = make_cloud(6)
    with cloud.loss(20):
        start_all(cloud, mesh_within=20)


def test_duplicates_and_reordering_deliver_once_and_unaltered(trio):
    cloud, daemons = trio
    hosts = cloud.hosts
    mac = interface_mac(hosts[0])
    count = 300
    sent = [frame(BROADCAST, mac, b"%05d" % i + bytes([i & 255]) * (i * 4)) for i in range(count)]
    with Wire(hosts[0]) as w1, Wire(hosts[1], only=0x88b5) as w2, \
            Wire(hosts[2], only=0x88b5) as w3:
        with cloud.mangle("--duplicate", 0.3, "--delay", 2, "--jitter", 15):
            for octets in sent:
                w1.send(octets)
                time.sleep(0.001)  # spread over the jitter, so that they do mix
            for wire in (w2, w3):
                got = wire.collect(count, settle=1)
                assert len(got) == len(set(got)), "none twice"
                assert set(got) == set(sent), "all of them, unaltered"
            assert daemons[1].drops()["replay"] > 0, "duplicates were there, and counted"
        for daemon in daemons:
            assert daemon.status()["peers"]["up"] == 2


def test_a_slow_path_is_no_fault(trio):
    cloud, daemons = trio
    with cloud.mangle("--delay", 150, "--jitter", 100):
        holds(lambda: all(d.status()["peers"]["up"] == 2 for d in daemons), 8, "all up")
        # Each way 150 to 250 ms; the figure is a running mean.
        wait_for(lambda: all(250_000 < peer["rtt_us"] < 600_000
                             for peer in daemons[0].ctl("peers")), 10, "the RTT to show it")


def test_a_restart_at_another_address_is_no_clone(trio):
    """A host that crashed and came back with another address is the same host."""
    cloud, daemons = trio
    web2 = cloud.hosts[1]
    daemons[1].kill()
    cloud.router.ip("route", "add", "10.9.0.98/32", "dev", "web2")
    web2.ip("addr", "add", "10.9.0.98/32", "dev", "eth0")
    web2.ip("route", "replace", "default", "via", "10.9.0.1", "dev", "eth0", "src", "10.9.0.98")
    web2.ip("addr", "del", f"{web2.address}/32", "dev", "eth0")
    daemons[1].start()
    wait_for(lambda: (daemons[0].peer(web2) or {}).get("endpoint") == "10.9.0.98:8273"
             and daemons[0].peer_state(web2) == "up", 10, "web2 at its new address")
