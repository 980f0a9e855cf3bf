"""GSO frames that hosts did not make themselves: routed, bridged, tagged."""

import contextlib
import random
import socket
import struct

import pytest

from cloud import Wire, interface_mac, start_all, udp_socket, wait_for
from cloud.frames import checksum, ip_payload, mac_bytes, of_protocol, sum_is_right
from cloud.streams import datagrams, receive_all, send_run, stream, streams, wait_addresses

TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
LEVELS = [{}, {"merge": "none"}, {"checksums": "complete"}, {"tap": "none"}]


@pytest.fixture
def pair(make_cloud):
    cloud = make_cloud(2)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    return daemons


def between(a, b, a4, a6, b4, b6):
    """All kinds, both ways."""
    streams((a, b, b4), (b, a, a4), (a, b, b6), (b, a, a6))
    datagrams(a, b, b4)
    datagrams(b, a, a6)


# ---- routed ----

def router_for_guest(daemon, *others):
    """The host forwards for a guest behind it: (guest, its two addresses)."""
    host, number = daemon.host, daemon.host.index + 1
    guest = host.cloud.guest(host, f"guest{number}")
    net4, net6 = f"10.88.{number}", f"fd88:{number}:"
    host.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
    for where, interface, end in ((host, "lan", 1), (guest, "eth0", 2)):
        where.ip("addr", "add", f"{net4}.{end}/24", "dev", interface)
        where.ip("addr", "add", f"{net6}:{end}/64", "dev", interface, "nodad")
    guest.ip("route", "add", "default", "via", f"{net4}.1")
    guest.ip("route", "add", "default", "via", f"{net6}:1")
    for other in others:
        other.host.ip("route", "add", f"{net4}.0/24", "via", host.tap4)
        other.host.ip("route", "add", f"{net6}:/64", "via", host.tap6)
    return guest, f"{net4}.2", f"{net6}:2"


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_a_receiver_that_forwards(pair, levels):
    """What it forwards has its checksum left to do, and may be a GSO frame."""
    web1, web2 = pair
    web2.use_levels(**levels)
    guest, guest4, guest6 = router_for_guest(web2, web1)
    wait_for(lambda: web1.host.ping(guest6), 5, "the guest to be reached")
    between(web1.host, guest, web1.host.tap4, web1.host.tap6, guest4, guest6)


def test_a_receiver_that_forwards_to_what_takes_complete_frames_alone(pair):
    """Its kernel then cuts and completes what tapd gave it."""
    web1, web2 = pair
    guest, guest4, guest6 = router_for_guest(web2, web1)
    wait_for(lambda: web1.host.ping(guest6), 5, "the guest to be reached")
    web2.host.run("ethtool", "-K", "lan", "tx", "off", "sg", "off", "tso", "off", "gso", "off")
    for address in (guest4, guest6):
        with Wire(guest, "eth0") as wire:
            stream(web1.host, guest, address, size=300_000)
            datagrams(web1.host, guest, address)
            frames = wire.pending()
        for protocol in (TCP, UDP):
            seen = of_protocol(frames, protocol)
            assert len(seen) >= 100
            assert all(len(f) <= 1514 and sum_is_right(f) for f in seen)


def test_between_guests_of_two_routers(pair):
    """One of them on a smaller link."""
    web1, web2 = pair
    one, one4, one6 = router_for_guest(web1, web2)
    two, two4, two6 = router_for_guest(web2, web1)
    two.ip("link", "set", "eth0", "mtu", "1400")
    web2.host.ip("link", "set", "lan", "mtu", "1400")
    wait_for(lambda: one.ping(two6), 5, "the guest to be reached")
    between(one, two, one4, one6, two4, two6)


# ---- bridged ----

def bridge_for_guest(daemon):
    """tap0 and a guest's link are ports of a bridge: (guest, its two addresses)."""
    host = daemon.host
    guest = host.cloud.guest(host, f"guest{host.index + 1}")
    for line in ("link add br0 type bridge", "link set lan master br0",
                 "link set tap0 master br0", "link set br0 up"):
        host.ip(*line.split())
    address4, address6 = f"10.77.0.{51 + host.index}", f"fd77::{51 + host.index}"
    guest.ip("addr", "add", f"{address4}/24", "dev", "eth0")
    guest.ip("addr", "add", f"{address6}/64", "dev", "eth0", "nodad")
    return guest, address4, address6


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_a_guest_in_a_bridge_with_the_interface(pair, levels):
    """Its GSO frames leave by tap0 as it made them."""
    web1, web2 = pair
    web1.use_levels(**levels)
    guest, guest4, guest6 = bridge_for_guest(web1)
    wait_for(lambda: web2.host.ping(guest6), 10, "the guest to be reached")
    before = web1.status()["tx"]
    stream(guest, web2.host, web2.host.tap4, size=4 << 20)
    after = web1.status()["tx"]
    frames, sent = (after[key] - before[key] for key in ("frames", "datagrams"))
    if levels.get("tap") != "none":
        assert frames < sent / 2, f"{frames} frames from tap0 in {sent} datagrams"
    between(web2.host, guest, web2.host.tap4, web2.host.tap6, guest4, guest6)


def test_between_guests_in_two_bridges(pair):
    web1, web2 = pair
    one, one4, one6 = bridge_for_guest(web1)
    two, two4, two6 = bridge_for_guest(web2)
    wait_for(lambda: one.ping(two6) and two.ping(one4), 10, "the guests to reach each other")
    between(one, two, one4, one6, two4, two6)


# ---- tagged, by hand: this kernel may lack 802.1Q interfaces ----

SOL_PACKET, PACKET_VNET_HDR = 263, 15
NEEDS_CSUM, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4 = 1, 1, 4, 5


def tagged_gso(source, target, vlan, family, protocol, payload, segment):
    """A vnet header and a tagged GSO frame whose checksum is left to do."""
    ethernet = mac_bytes(target) + mac_bytes(source) + struct.pack("!HH", 0x8100, vlan)
    if protocol == TCP:
        l4 = struct.pack("!HHIIBBHHH", 7000, 7001, 1000, 1, 5 << 4, 0x10, 500, 0, 0)
    else:
        l4 = struct.pack("!HHHH", 7000, 7001, 8 + len(payload), 0)
    length = len(l4) + len(payload)
    if family == 4:
        ends = socket.inet_aton("10.99.0.1") + socket.inet_aton("10.99.0.2")
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, 64, protocol, 0)
        header = head[:10] + struct.pack("!H", checksum(head + ends)) + ends
        ethernet += b"\x08\0"
    else:
        ends = b"".join(socket.inet_pton(socket.AF_INET6, a) for a in ("fd99::1", "fd99::2"))
        header = struct.pack("!IHBB", 6 << 28, length, protocol, 64) + ends
        ethernet += b"\x86\xdd"
    offset = 16 if protocol == TCP else 6
    partial = ~checksum(ends + struct.pack("!II", length, protocol)) & 0xffff
    l4 = l4[:offset] + struct.pack("!H", partial) + l4[offset + 2:]
    start = len(ethernet) + len(header)
    kind = GSO_UDP_L4 if protocol == UDP else GSO_TCPV4 if family == 4 else GSO_TCPV6
    vnet = struct.pack("=BBHHHH", NEEDS_CSUM, kind, start + len(l4), segment, start, offset)
    return vnet + ethernet + header + l4 + payload


def payload_of(frames, protocol):
    """Of TCP held to its sequence; of UDP as it came."""
    whole = b""
    for octets in frames:
        l4 = ip_payload(octets)[3]
        if protocol == TCP:
            assert int.from_bytes(l4[4:8], "big") == 1000 + len(whole)
        whole += l4[20 if protocol == TCP else 8:]
    return whole


def carried(host, raw, octets, family, protocol, data):
    """What comes out at the host when that vnet header and GSO frame are sent: frames
    with exactly its payload."""
    got = []
    with Wire(host, only=0x0800 if family == 4 else 0x86dd) as wire:
        def all_came():
            got.extend(f for f in wire.pending() if f[:16] == octets[10:26])
            return len(payload_of(got, protocol)) >= len(data)
        raw.send(octets)
        wait_for(all_came, 3, "all of its payload")
    assert payload_of(got, protocol) == data
    return got


@pytest.mark.parametrize("protocol", [TCP, UDP], ids=["tcp", "udp"])
@pytest.mark.parametrize("family", [4, 6])
def test_gso_frames_in_a_vlan(pair, family, protocol):
    web1, web2 = pair
    data = random.Random(family).randbytes(20_000)
    octets = tagged_gso(interface_mac(web1.host), interface_mac(web2.host), 7, family,
                          protocol, data, 1111)
    with contextlib.closing(web1.host.socket(socket.AF_PACKET, socket.SOCK_RAW)) as raw:
        raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        raw.bind(("tap0", 0))
        for levels in LEVELS:
            web2.use_levels(**levels)
            before = web1.status()["tx"]["frames"]
            got = carried(web2.host, raw, octets, family, protocol, data)
            if not levels:
                assert web1.status()["tx"]["frames"] - before < 10
                # With another frame before it in a batch it may come as two; and as many
                # if the captures before it are still remembered.
                wait_for(lambda: web2.status()["merging"]["on"] and
                         len(carried(web2.host, raw, octets, family, protocol, data)) == 1,
                         20, "one GSO frame")
            if "checksums" in levels or "tap" in levels:
                assert all(sum_is_right(f) for f in got)


def test_what_was_merged_is_answered_by_what_is_cut(pair):
    web1, web2 = pair
    with udp_socket(web2.host, "tap0", 7400) as echo, udp_socket(web1.host) as asking:
        sent = send_run(asking, (web2.host.tap4, 7400), 900, 60)
        there = [echo.recvfrom(1 << 16) for _ in sent]
        assert [datagram for datagram, _ in there] == sent
        answer = send_run(echo, there[0][1], 901, 60, seed=2)
        assert receive_all(asking, 60) == answer
