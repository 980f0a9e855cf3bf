"""Nothing waits behind bulk: what is thin passes what is thick, on a card that is slow."""

import contextlib
import socket
import statistics
import struct
import time

import pytest

from cloud import Tapd, new_secret, start_all, wait_for
from cloud.frames import ipv4
from cloud.slow import PORT, round_trips, running, slow_down, udp_flood
from cloud.streams import open_pair, stream

pytestmark = pytest.mark.deadline
VRRP = 112


def cubic(sock):
    """Unlike BBR it fills a queue until it is told."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")


@contextlib.contextmanager
def bulk_tcp(source, target):
    client, connection = open_pair(source, target, target.tap4, socket.AF_INET, PORT + 1,
                                   cubic)
    client.settimeout(1)
    connection.settimeout(1)
    with client, connection, running(lambda: connection.recv(1 << 20)), \
            running(lambda: client.send(bytes(1 << 16))):
        yield


BULK = {"tcp": bulk_tcp, "udp": udp_flood}


def why(daemon):
    """Where frames may have been lost: in tapd, or before it in the interface's ring."""
    with open("/proc/loadavg") as load:
        return ({name: count for name, count in daemon.drops().items() if count},
                daemon.host.ip("-s", "link", "show", "tap0").splitlines()[-1], load.read())


def saturate(bulk, source, target, daemon):
    """Bulk is on its way, and waits."""
    stack = contextlib.ExitStack()
    stack.enter_context(BULK[bulk](source, target))
    wait_for(lambda: daemon.status()["queue"]["backlog"] > 10000, 10,
             lambda: f"a queue: {daemon.status()['queue']}")
    return stack


@pytest.mark.parametrize("bulk", ["tcp", "udp"])
@pytest.mark.parametrize("to", ["same", "other"])
def test_requests_do_not_wait_behind_bulk(make_cloud, bulk, to):
    cloud = make_cloud(3)
    web1, web2, web3 = cloud.hosts
    daemons = start_all(cloud)
    slow_down(web1)
    with saturate(bulk, web1, web2, daemons[0]):
        trips = round_trips(web1, web2 if to == "same" else web3)
    # What lies in the socket and in the card, and a batch: some 25 ms at this rate.
    assert statistics.median(trips) < 0.06, (trips, daemons[0].status()["queue"])
    assert trips.count(float("inf")) == 0, why(daemons[0])


@pytest.mark.parametrize("bulk", ["tcp", "udp"])
def test_no_advert_is_lost_beside_bulk(make_cloud, bulk):
    cloud = make_cloud(2)
    web1, web2 = cloud.hosts
    daemons = start_all(cloud)
    slow_down(web1)
    with web2.socket(socket.AF_INET, socket.SOCK_RAW, VRRP) as receiver, \
            web1.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as sender:
        receiver.setsockopt(
            socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
            socket.inet_aton("224.0.0.18") + socket.inet_aton(web2.tap4))
        receiver.settimeout(2)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                          socket.inet_aton(web1.tap4))
        with saturate(bulk, web1, web2, daemons[0]):
            for number in range(100):
                advert = struct.pack("!I", number)
                sender.sendto(ipv4(web1.tap4, "224.0.0.18", VRRP, advert, ttl=255),
                              ("224.0.0.18", 0))
                began = time.monotonic()
                try:
                    got = receiver.recv(100)
                except TimeoutError:
                    raise AssertionError(f"advert {number}: {daemons[0].drops()}") from None
                assert got[20:24] == advert
                assert time.monotonic() - began < 0.5


def test_bulk_itself_arrives_whole(make_cloud):
    """Though segments of it are dropped to slow it down."""
    cloud = make_cloud(2)
    daemons = start_all(cloud)
    slow_down(cloud.hosts[0])
    stream(*cloud.hosts, cloud.hosts[1].tap4, size=20 << 20, prepare=cubic)
    queue = daemons[0].status()["queue"]
    assert queue["drops"] + queue["marks"] > 0
    assert queue["backlog"] == queue["frames"] == 0


def test_marks_take_the_place_of_drops(make_cloud):
    cloud = make_cloud(2)
    daemons = start_all(cloud)
    for host in cloud.hosts:
        host.sysctl(**{"net/ipv4/tcp_ecn": 1})
    slow_down(cloud.hosts[0])
    stream(*cloud.hosts, cloud.hosts[1].tap4, size=20 << 20, prepare=cubic)
    queue = daemons[0].status()["queue"]
    assert queue["marks"] > 0, queue
    assert daemons[0].drops()["queue_delay"] == 0


def test_a_slow_card_holds_no_other_up(make_cloud):
    cloud = make_cloud(3)
    web1, web2, web3 = cloud.hosts
    web1.ip("link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", web3.netns)
    for number, host in enumerate((web1, web3), 1):
        host.ip("addr", "add", f"10.8.0.{number}/24", "dev", "eth1")
        host.ip("link", "set", "eth1", "up")
    secret = new_secret()
    daemons = [Tapd(web1, secret, peers=[web2.address, "10.8.0.2"]).start(),
               Tapd(web2, secret, peers=[]).start(), Tapd(web3, secret, peers=[]).start()]
    wait_for(lambda: daemons[0].status()["peers"]["up"] == 2, 10, "both")
    slow_down(web1, mbit=5)
    with udp_flood(web1, web2):
        wait_for(lambda: daemons[0].drops()["send_again"] + daemons[0].drops()["queue_full"]
                 + daemons[0].drops()["queue_delay"] > 0, 10, "the slow one to be full")
        trips = round_trips(web1, web3)
    assert statistics.median(trips) < 0.02, sorted(trips)
    assert trips.count(float("inf")) == 0, why(daemons[0])
