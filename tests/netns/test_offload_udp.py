"""UDP in GSO datagrams and in IP fragments: each datagram once, in order, unaltered."""

import random
import socket
import struct

import pytest

from cloud import Wire, member, multicast_sender, start_all, udp_socket, wait_members
from cloud.frames import ip_payload, of_protocol
from cloud.streams import UDP_SEGMENT, datagrams, receive_all, send_run, wait_addresses

UDP_GRO = 104
LEVELS = [{}, {"merge": "tcp"}, {"tap": "tso"}, {"tap": "none"}, {"checksums": "complete"}]


@pytest.fixture(scope="module")
def module_daemons(make_module_cloud):
    cloud = make_module_cloud(3)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    return daemons


@pytest.fixture
def daemons(module_daemons):
    """On the highest levels when the test begins."""
    for daemon in module_daemons:
        daemon.use_levels()
    return module_daemons


@pytest.mark.parametrize("family", ["tap4", "tap6"])
@pytest.mark.parametrize("size", [1, 2, 99, 1000, 1451, 1452])
def test_gso_datagrams_of_any_size(daemons, family, size):
    web1, web2, _ = (daemon.host for daemon in daemons)
    datagrams(web1, web2, getattr(web2, family), size=size, count=200)


def test_a_socket_that_wants_them_merged_gets_them_merged(daemons):
    web1, web2, _ = (daemon.host for daemon in daemons)
    data, got, control = random.Random(1).randbytes(20_500), b"", []
    with udp_socket(web2, "tap0", 7310) as receiver, udp_socket(web1) as sender:
        receiver.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
        sender.sendto(data, (web2.tap4, 7310))
        while len(got) < len(data):
            piece, more, _, _ = receiver.recvmsg(1 << 16, 100)
            got, control = got + piece, control + more
    assert got == data
    assert (socket.IPPROTO_UDP, UDP_GRO, struct.pack("=i", 1000)) in control


@pytest.mark.parametrize("levels", LEVELS, ids=str)
@pytest.mark.parametrize("family, group", [(socket.AF_INET, "239.77.2.2"),
                                           (socket.AF_INET6, "ff15::77:2")])
def test_gso_datagrams_to_a_group_go_to_its_members(daemons, family, group, levels):
    """And to nobody else: on the third host's tap0 none is seen."""
    web1, web2, web3 = daemons
    web2.use_levels(**levels)
    with member(web2.host, group, 7311) as receiver, \
            multicast_sender(web1.host, family=family) as sender, Wire(web3.host) as wire:
        wait_members(web1, group, web2.host, within=8)
        wire.pending()
        sent = send_run(sender, (group, 7311), 1111, 50)
        assert receive_all(receiver, 50) == sent
        strays = [f for f in of_protocol(wire.pending(), socket.IPPROTO_UDP)
                  if ip_payload(f)[3][2:4] == struct.pack("!H", 7311)]
        assert not strays


@pytest.mark.parametrize("levels", LEVELS, ids=str)
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_datagrams_in_ip_fragments(daemons, family, levels):
    web1, web2, _ = daemons
    web1.use_levels(**levels)
    address = web2.host.tap4 if family == socket.AF_INET else web2.host.tap6
    with udp_socket(web2.host, None, 7312, family) as receiver, \
            udp_socket(web1.host, family=family) as sender:
        for size in (1473, 2961, 9000, 65507):
            for seed in range(3):
                data = random.Random(seed).randbytes(size)
                sender.sendto(data, (address, 7312))
                assert receiver.recv(1 << 16) == data
