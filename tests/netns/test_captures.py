"""Packet sockets on tap0 see what they would on a network card."""

import contextlib
import socket
import struct

import pytest

from cloud import Tapd, holds, new_secret, start_all, udp_socket, wait_for
from cloud.frames import ip_payload, sum_is_right
from cloud.kernel import has_link
from cloud.streams import send_run, stream, wait_addresses

ALL, IPV4, IPV6, ARP, RARP, VLAN, QINQ, LLDP = (3, 0x0800, 0x86dd, 0x0806, 0x8035, 0x8100,
                                                0x88a8, 0x88cc)
UDP = socket.IPPROTO_UDP


@pytest.fixture
def pair(make_cloud):
    cloud = make_cloud(2)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    return daemons


def packet_socket(host, protocol, interface="tap0"):
    """As a capture has it; interface None: on all, 0: not bound at all."""
    everywhere = socket.htons(protocol) if interface is None else 0
    sock = host.socket(socket.AF_PACKET, socket.SOCK_RAW, everywhere)
    sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    if interface:
        sock.bind((interface, protocol))
    return sock


def merging(daemon):
    return daemon.status()["merging"]


def wait_merging(daemon, on, within):
    wait_for(lambda: merging(daemon)["on"] is on, within,
             lambda: f"merging on {daemon.host} to be {on}: {merging(daemon)}")


def udp_payloads(sock, port):
    """Lengths of the UDP datagrams to that port that wait, and whether each is whole."""
    seen = []
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            octets, address = sock.recvfrom(1 << 17)
            if address[2] == 4 or octets[12:14] != b"\x08\0":  # its own, or no IPv4
                continue
            protocol, _, _, payload = ip_payload(octets)
            if protocol == UDP and struct.unpack("!H", payload[2:4])[0] == port:
                seen.append((len(payload) - 8, sum_is_right(octets)))
    return seen


def test_datagrams_are_captured_as_they_were_sent(pair):
    """10,000 of them, whole ones; and merging is back once the capture ended."""
    web1, web2 = pair
    assert merging(web2) == {"on": True, "why": None}
    with packet_socket(web2.host, ALL) as capture:
        wait_merging(web2, False, 4)
        assert "0003" in merging(web2)["why"]
        assert "merging" in web2.ctl_run("status").stdout
        with udp_socket(web2.host, "tap0", 7001) as receiver, udp_socket(web1.host) as sender:
            seen = []
            for run in range(250):
                sent = send_run(sender, (web2.host.tap4, 7001), 300, 40, seed=run)
                for datagram in sent:
                    assert receiver.recv(1 << 16) == datagram
                seen += udp_payloads(capture, 7001)
            seen += udp_payloads(capture, 7001)
        assert len(seen) == 10_000
        assert set(seen) == {(300, True)}
    wait_merging(web2, True, 6)
    assert "merging" not in web2.ctl_run("status").stdout
    with udp_socket(web2.host, "tap0", 7001) as receiver, udp_socket(web1.host) as sender:
        receiver.setsockopt(UDP, 104, 1)  # UDP_GRO: it shows what was merged
        send_run(sender, (web2.host.tap4, 7001), 300, 40)
        assert len(receiver.recv(1 << 16)) > 300


@pytest.mark.parametrize("protocol", [IPV4, IPV6, VLAN, QINQ, ALL])
@pytest.mark.parametrize("interface", ["tap0", None], ids=str)
def test_what_counts(make_cloud, protocol, interface):
    cloud = make_cloud(1)
    daemon = Tapd(cloud.hosts[0], new_secret()).start()
    with packet_socket(daemon.host, protocol, interface):
        wait_merging(daemon, False, 4)
        assert f"{protocol:04x}" in merging(daemon)["why"]
    wait_merging(daemon, True, 6)


def test_what_does_not_count(make_cloud):
    """Keepalived's ARP socket, LLDP agents, what is not bound, other interfaces."""
    cloud = make_cloud(1)
    daemon = Tapd(cloud.hosts[0], new_secret()).start()
    with contextlib.ExitStack() as stack:
        for protocol, interface in ((RARP, None), (ARP, "tap0"), (LLDP, "tap0"), (0, "tap0"),
                                    (ALL, 0), (ALL, "eth0"), (IPV4, "eth0"), (ALL, "lo")):
            stack.enter_context(packet_socket(daemon.host, protocol, interface))
        holds(lambda: merging(daemon)["on"], 3, "merging")


ABOVE = {
    "bridge": ["link add up0 type bridge", "link set tap0 master up0"],
    "vlan": ["link add link tap0 name up0 type vlan id 5"],
    "macvlan": ["link add link tap0 name up0 type macvlan"],
    "macvlan on a bridge": ["link add br1 type bridge", "link set tap0 master br1",
                            "link add link br1 name up0 type macvlan"],
}


@pytest.mark.parametrize("kind", [kind for kind in ABOVE if kind != "vlan" or has_link(
    *"link tap0 name up0 type vlan id 5".split())])
def test_on_what_is_above_the_interface(make_cloud, kind):
    cloud = make_cloud(1)
    daemon = Tapd(cloud.hosts[0], new_secret()).start()
    host = daemon.host
    for line in ABOVE[kind]:
        host.ip(*line.split())
    host.ip("link", "set", "up0", "up")
    host.ip("link", "add", "beside", "type", "bridge")
    host.ip("link", "set", "beside", "up")
    with packet_socket(host, ALL, "beside"):
        holds(lambda: merging(daemon)["on"], 2.5, "merging")
    with packet_socket(host, IPV4, "up0"):
        wait_merging(daemon, False, 4)
        host.ip("link", "del", "up0")
        wait_merging(daemon, True, 6)


def test_tcp_passes_a_switch_in_user_space(pair):
    """It sends on to a guest what it reads from tap0, with the checksums it read."""
    web1, web2 = pair
    with packet_socket(web2.host, ALL) as capture:
        wait_merging(web2, False, 4)
        stream(web1.host, web2.host, web2.host.tap4, size=200_000)
        capture.setblocking(False)
        seen = []
        with contextlib.suppress(BlockingIOError):
            while True:
                octets, address = capture.recvfrom(1 << 17)
                if address[2] != 4 and octets[12:14] == b"\x08\0":
                    seen.append(octets)
        tcp = [octets for octets in seen if ip_payload(octets)[0] == socket.IPPROTO_TCP]
        assert len(tcp) >= 200_000 // 1460
        assert all(len(octets) <= 1514 and sum_is_right(octets) for octets in tcp)


def test_a_capture_that_was_there_first(make_cloud):
    cloud = make_cloud(1)
    with packet_socket(cloud.hosts[0], ALL, None):
        daemon = Tapd(cloud.hosts[0], new_secret()).start()
        assert merging(daemon)["on"] is False
    wait_merging(daemon, True, 6)


def test_after_a_reload_and_when_the_interface_was_made_again(make_cloud):
    cloud = make_cloud(1)
    daemon = Tapd(cloud.hosts[0], new_secret()).start()
    with packet_socket(cloud.hosts[0], ALL, None):
        wait_merging(daemon, False, 4)
        daemon.ctl("reload")
        assert merging(daemon)["on"] is False
        daemon.host.ip("link", "del", "tap0")
        daemon.process.wait_log("tap0 was deleted: making it again")
        holds(lambda: merging(daemon)["on"] is False, 2.5, "no merging")
    daemon.configure(**{"offload.merge": "none"})
    daemon.ctl("reload")
    wait_for(lambda: merging(daemon) == {"on": False, "why": 'offload.merge is "none"'}, 3,
             lambda: f"the configuration as the reason: {merging(daemon)}")


def test_where_the_interface_was_moved_to(make_cloud):
    """tapd gave up the right to look there, and says so."""
    cloud = make_cloud(1)
    daemon = Tapd(cloud.hosts[0], new_secret(), peers=[]).start()
    other = cloud.guest(cloud.hosts[0], "box")
    with packet_socket(daemon.host, ALL, None):
        wait_merging(daemon, False, 4)
        daemon.host.ip("link", "set", "tap0", "netns", other.netns)
        daemon.process.wait_log("captures on tap0 are not noticed")
        wait_merging(daemon, True, 6)
