"""scripts/multi-unicast, on hosts behind a switch that drops every frame with the I/G bit."""

import socket
import struct
import time

import pytest

from cloud import Wire, member, multicast_sender, received, udp_socket, wait_for
from cloud.frames import ETHERTYPE, frame, mac_bytes, of_protocol, sum_is_right, udp_packet
from cloud.multi_unicast import Ears, MultiUnicast, addresses, everywhere
from cloud.switch import Switch

GROUP, GROUP6, PORT = "239.1.1.1", "ff15::1", 5000
UDP_SEGMENT = 103


@pytest.fixture(name="switch")
def four_hosts():
    with Switch(4) as switch:
        yield switch


@pytest.fixture(name="plain")
def four_hosts_that_multi_unicast(switch):
    """Each of them does, to all others."""
    everywhere(switch.hosts)
    return switch


def with_payload(frames, payload):
    return [each for each in frames if payload in each]


def test_without_it_nothing_passes(switch):
    sender, *others = switch.hosts
    socks = [member(host, GROUP, PORT, "eth0") for host in others]
    before = switch.dropped()
    multicast_sender(sender, "eth0").sendto(b"lost", (GROUP, PORT))
    wait_for(lambda: switch.dropped() > before, 2, "the switch to drop it")
    assert [received(sock, 0.3) for sock in socks] == [None] * 3


@pytest.mark.parametrize("target", [GROUP, "224.0.0.251", "255.255.255.255", "10.9.0.255"])
def test_every_host_gets_each_datagram_once(plain, target):
    sender, *others = plain.hosts
    with Ears(others) as ears:
        socks = [udp_socket(host, "eth0", PORT) if target.endswith("255")
                 else member(host, target, PORT, "eth0") for host in others]
        sock = multicast_sender(sender, "eth0")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
        before = plain.dropped()
        for number in range(20):
            sock.sendto(b"datagram %02d" % number, (target, PORT))
        for sock in socks:
            assert [received(sock) for _ in range(20)] == [b"datagram %02d" % n for n in range(20)]
            assert received(sock, 0.2) is None
        for host, frames in ears.heard(20).items():
            assert len(with_payload(frames, b"datagram ")) == 20, host
    assert plain.dropped() == before, "no frame left as it was"


def test_ipv6_groups_too(plain):
    sender, *others = plain.hosts
    socks = [member(host, GROUP6, PORT, "eth0") for host in others]
    sock = multicast_sender(sender, "eth0", socket.AF_INET6)
    for number in range(5):
        sock.sendto(b"%d" % number, (GROUP6, PORT))
    for sock in socks:
        assert [received(sock) for _ in range(6)] == [b"0", b"1", b"2", b"3", b"4", None]
    assert sender.run("ping", "-c1", "-W2", "-I", "eth0", "ff02::1").stdout.count("bytes from") >= 1


def test_other_ethertypes_too(plain):
    sender, *others = plain.hosts
    octets = frame("03:00:00:00:00:01", sender.mac(), b"no IP" * 10)
    with Ears(others, only=ETHERTYPE) as ears, Wire(sender, "eth0") as wire:
        wire.send(octets)
        assert ears.heard(1) == {host.name: [mac_bytes(host.mac()) + octets[6:]]
                                 for host in others}


def test_a_group_goes_to_its_hosts_alone(switch):
    sender, one, two, other = switch.hosts
    MultiUnicast(sender).up(*addresses(switch.hosts), "--group",
                            f"{GROUP}={one.address},{two.address}",
                            "--group", f"{GROUP6}={other.address}")
    socks = {host.name: member(host, GROUP, PORT, "eth0") for host in (one, two, other)}
    socks6 = {host.name: member(host, GROUP6, PORT, "eth0") for host in (one, two, other)}
    with Ears((one, two, other), only=0x0800) as ears:
        multicast_sender(sender, "eth0").sendto(b"to two", (GROUP, PORT))
        multicast_sender(sender, "eth0", socket.AF_INET6).sendto(b"to one", (GROUP6, PORT))
        # Behind it one to everybody: what was to come before it has come.
        multicast_sender(sender, "eth0").sendto(b"to all", ("239.1.1.2", PORT))
        heard = ears.heard(1)
    counts = {name: (len(with_payload(frames, b"to two")), len(with_payload(frames, b"to all")))
              for name, frames in heard.items()}
    assert counts == {one.name: (1, 1), two.name: (1, 1), other.name: (0, 1)}
    assert {name: received(sock, 0.3) for name, sock in socks.items()} == {
        one.name: b"to two", two.name: b"to two", other.name: None}
    assert {name: received(sock, 0.3) for name, sock in socks6.items()} == {
        one.name: None, two.name: None, other.name: b"to one"}


def test_a_group_of_this_host_alone_reaches_nobody(switch):
    sender, *others = switch.hosts
    MultiUnicast(sender).up(*addresses(others), "--group", f"{GROUP}={sender.address}")
    before = switch.dropped()
    with Ears(others, only=0x0800) as ears:
        multicast_sender(sender, "eth0").sendto(b"own", (GROUP, PORT))
        multicast_sender(sender, "eth0").sendto(b"all", ("239.1.1.2", PORT))
        for frames in ears.heard(1).values():
            assert not with_payload(frames, b"own") and with_payload(frames, b"all")
    assert switch.dropped() == before


def test_a_ttl_of_1_is_enough(plain):
    sender, other = plain.hosts[:2]
    with Ears([other], only=0x0800) as ears:
        sock = multicast_sender(sender, "eth0")
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        listener = member(other, GROUP, PORT, "eth0")
        sock.sendto(b"ttl", (GROUP, PORT))
        assert received(listener) == b"ttl"
        octets, = with_payload(ears.heard(1)[other.name], b"ttl")
    assert octets[14 + 8] == 1, "as it was sent"


def offload(host, state):
    for feature in "tx", "tx-udp-segmentation", "gso":
        host.run("ethtool", "-K", "eth0", feature, state)


@pytest.mark.parametrize("state", ["on", "off"])
def test_gso_and_checksums_are_right_at_the_receiver(plain, state):
    """`on`: the checksum is left to the device, as to a network card. The switch's port to
    the receiver lacks that and completes it, from the same hints as a card would."""
    sender, *others = plain.hosts
    offload(sender, state)
    for host in others:
        plain.switch.run("ethtool", "-K", host.port(), "tx", "off", "gso", "off")
    sock = multicast_sender(sender, "eth0")
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    payload = b"".join(b"%04d" % number * 250 for number in range(10))
    socks = [member(host, GROUP, PORT, "eth0") for host in others]
    with Ears(others, only=0x0800) as ears:
        sock.sendto(payload, (GROUP, PORT))
        for sock in socks:
            assert [received(sock) for _ in range(10)] == \
                [b"%04d" % number * 250 for number in range(10)]
            assert received(sock, 0.2) is None
        for host, frames in ears.heard(10).items():
            datagrams = of_protocol(frames, 17)
            assert len(datagrams) == 10, host
            assert all(map(sum_is_right, datagrams)), host


def test_large_datagrams_arrive_in_their_fragments(plain):
    sender, *others = plain.hosts
    payload = bytes(range(256)) * 160
    socks = [member(host, GROUP, PORT, "eth0") for host in others]
    with Ears(others, only=0x0800) as ears:
        for _ in range(3):
            multicast_sender(sender, "eth0").sendto(payload, (GROUP, PORT))
        for sock in socks:
            assert [received(sock) == payload for _ in range(4)] == [True, True, True, False]
        fragments = -(-(len(payload) + 8) // 1480)
        assert {name: len(frames) for name, frames in ears.heard(3 * fragments).items()} == {
            host.name: 3 * fragments for host in others}


def waiting(sock):
    """The numbers that the datagrams which are there begin with."""
    sock.setblocking(False)
    try:
        while True:
            yield struct.unpack_from("!I", sock.recv(2000))[0]
    except BlockingIOError:
        return


def test_a_queue_that_holds_the_send_buffers_copies_loses_none(plain):
    """And the sender is slowed to what the network carries: 6000 KB by 50 Mb/s."""
    sender, *others = plain.hosts
    # The send buffer has some 90 such datagrams, each here for three hosts.
    sender.run("tc", "qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", "50mbit",
               "burst", "20k", "limit", "500k")
    socks = [member(host, GROUP, PORT, "eth0") for host in others]
    sock, got, begin = multicast_sender(sender, "eth0"), [[], [], []], time.monotonic()
    sock.setblocking(True)

    def drain():
        """What is not read in time is lost at the socket."""
        for so_far, each in zip(got, socks):
            so_far += waiting(each)
        return [len(so_far) for so_far in got]

    for number in range(2000):
        sock.sendto(struct.pack("!I", number) + bytes(996), (GROUP, PORT))
        if number % 20 == 0:
            drain()
    took = time.monotonic() - begin
    wait_for(lambda: drain() == [2000] * 3, 5, lambda: f"2000 at each: {drain()}")
    assert got == [list(range(2000))] * 3
    assert took > 0.7


class Leaving(Wire):
    """What leaves a host, as its port at the switch sees it."""

    def __init__(self, switch, host, only=None):
        super().__init__(switch.switch, host.port(), only=only)


DHCP = udp_packet("0.0.0.0", "255.255.255.255", 68, 67, b"discover")
STP, LLDP = "01:80:c2:00:00:00", "01:80:c2:00:00:0e"


def test_what_the_network_answers_leaves_as_it_was(plain):
    """ARP, ND, IGMP, MLD, DHCP; and what is for switches, and what has a VLAN tag."""
    sender, other = plain.hosts[:2]
    mac = sender.mac()
    with Leaving(plain, sender) as wire, Wire(sender, "eth0") as out:
        sender.ip("neigh", "flush", "all")
        assert sender.reaches(other.address4) and sender.reaches(other.address6)
        socks = [member(sender, GROUP, PORT, "eth0"), member(sender, GROUP6, PORT, "eth0")]
        for octets in (frame("ff:ff:ff:ff:ff:ff", mac, DHCP, 0x0800), frame(STP, mac, b"x" * 46),
                       frame(LLDP, mac, b"x" * 46),
                       frame("03:00:00:00:00:01", mac, b"x" * 46, vlan=7)):
            out.send(octets)
        seen = []

        def left(what):
            seen.extend(wire.pending())
            return [octets for octets in seen if what(octets)]
        kinds = {
            "ARP": lambda f: f[12:14] == b"\x08\x06" and f[:6] == b"\xff" * 6,
            "ND": lambda f: f[12:14] == b"\x86\xdd" and f[54] == 135 and f[:2] == b"\x33\x33",
            "IGMP": lambda f: f[12:14] == b"\x08\x00" and f[23] == 2 and f[:3] == b"\x01\x00\x5e",
            "MLD": lambda f: f[12:14] == b"\x86\xdd" and f[20] == 0 and f[:2] == b"\x33\x33",
            "DHCP": lambda f: f[:6] == b"\xff" * 6 and DHCP in f,
            "STP": lambda f: f[:6] == mac_bytes(STP), "LLDP": lambda f: f[:6] == mac_bytes(LLDP),
            "VLAN": lambda f: f[:6] == mac_bytes("03:00:00:00:00:01") and f[12:14] == b"\x81\x00",
        }
        for name, what in kinds.items():
            wait_for(lambda what=what: left(what), 3, f"{name} to leave as it was")
        # Nor did a copy of any leave.
        unicast = [octets for octets in seen if not octets[0] & 1]
        assert not [f for f in unicast if DHCP in f or f[12:14] in (b"\x81\x00", b"\x88\xb5")
                    or f[12:14] == b"\x08\x00" and f[23] == 2
                    or f[12:14] == b"\x86\xdd" and f[20] == 0]
    del socks


def test_unicast_is_as_before(plain):
    sender, other, third, _ = plain.hosts
    sock = udp_socket(other, "eth0", PORT)
    with Ears([other, third], only=0x0800) as ears:
        udp_socket(sender).sendto(b"unicast", (other.address, PORT))
        assert received(sock) == b"unicast"
        heard = ears.heard(1, [other.name])
    assert len(with_payload(heard[other.name], b"unicast")) == 1
    assert not with_payload(heard[third.name], b"unicast")


def test_what_this_host_joined_itself_it_hears_once(plain):
    sender, *_ = plain.hosts
    sock = member(sender, GROUP, PORT, "eth0")
    multicast_sender(sender, "eth0").sendto(b"own", (GROUP, PORT))
    assert received(sock) == b"own" and received(sock, 0.3) is None
