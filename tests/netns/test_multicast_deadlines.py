"""How soon a join, a leave and a start show, asserted at twice what is promised."""

import socket
import statistics
import struct
import time

import pytest

from cloud import (Tapd, member, multicast_sender, new_secret, received, udp_socket, wait_for,
                   wait_members, wait_mesh, wait_settled)
from cloud.sockets import family_of

pytestmark = pytest.mark.deadline

PORT = 7100


@pytest.fixture
def settled(trio):
    cloud, daemons = trio
    for host in cloud.hosts[1:]:
        wait_for(lambda: cloud.hosts[0].ping(host.tap6), 5, "IPv6 on tap0 to be ready")
    wait_settled(daemons)
    return cloud.hosts, daemons


def join(sock, group, index):
    if family_of(group) == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                        socket.inet_pton(socket.AF_INET6, group) + struct.pack("=i", index))
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                        socket.inet_aton(group) + struct.pack("=4si", bytes(4), index))


@pytest.mark.parametrize("groups", ["239.77.2.{}", "ff15::2:{}"])
def test_from_a_join_to_the_first_datagram(settled, record_property, groups):
    """Of a stream that flows all the time, one datagram every 2 ms."""
    (web1, web2, _), _ = settled
    index, took = web2.ifindex(), []
    for number in range(1, 11):
        group = groups.format(number)
        with udp_socket(web2, "tap0", PORT, family_of(group)) as receiver, \
                multicast_sender(web1, family=family_of(group)) as sender:
            for _ in range(20):
                sender.sendto(b"before", (group, PORT))
            start = time.monotonic()
            join(receiver, group, index)
            while received(receiver, 0.002) is None and time.monotonic() < start + 5:
                sender.sendto(b"now", (group, PORT))
            took.append(time.monotonic() - start)
    record_property("measured", f"join of {groups.format(1)} to first datagram: median "
                    f"{statistics.median(took) * 1000:.0f} ms, at most {max(took) * 1000:.0f} ms "
                    "(promised 300 ms, asserted 600)")
    assert max(took) < 0.6


def test_from_a_leave_until_it_is_pruned(settled, record_property):
    (_, web2, _), daemons = settled
    with member(web2, "239.77.3.1", PORT):
        wait_members(daemons[0], "239.77.3.1", web2)
    start = time.monotonic()
    wait_members(daemons[0], "239.77.3.1", within=5)
    took = time.monotonic() - start
    record_property("measured", f"leave to pruned: {took:.1f} s (two queries, 2 s; asserted 5)")
    assert took < 5


def test_from_a_start_until_members_alone_are_sent_to(make_cloud, record_property):
    cloud = make_cloud(3)
    secret = new_secret()
    daemons = [Tapd(host, secret) for host in cloud.hosts]
    daemons[0].start()
    daemons[1].start()
    wait_settled(daemons[:2])
    daemons[2].launch()
    start = time.monotonic()
    daemons[2].wait_ready()
    wait_mesh(daemons)
    wait_settled(daemons)
    took = time.monotonic() - start
    record_property("measured", f"start to settled: {took:.1f} s "
                    "(2.5 s from tap0 up; asserted 5)")
    assert took < 5
