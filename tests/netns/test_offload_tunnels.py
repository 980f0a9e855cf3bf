"""Frames whose unfinished checksum is not their own TCP or UDP header's.

Since Linux 6.17 a TAP that takes partial checksums is given those of inner headers
too, by tunnels that run over it. And a packet socket may name any place.
"""

import contextlib
import socket
import struct

import pytest

from cloud import Wire, interface_mac, start_all
from cloud.frames import checksum, mac_bytes
from cloud.kernel import has_link
from cloud.streams import datagrams, stream, streams, wait_addresses

LEVELS = {
    "all": {},
    "tso": {"tap": "tso", "merge": "tcp", "send": "batch", "receive": "batch"},
    "checksum": {"tap": "checksum", "merge": "none", "send": "single", "receive": "all"},
    "none": {"tap": "none", "merge": "none", "send": "all", "receive": "single"},
    "complete": {"checksums": "complete"},
}
NOT_CARRIED = ("offload_bad", "csum_bad", "record_bad", "frame_long")


@pytest.fixture(scope="module")
def pair(make_module_cloud):
    cloud = make_module_cloud(2)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    return daemons


@contextlib.contextmanager
def nothing_dropped(daemons):
    def dropped():
        return [{why: daemon.ctl("drops").get(why, 0) for why in NOT_CARRIED}
                for daemon in daemons]
    before = dropped()
    yield
    assert dropped() == before


# ---- tunnels of the kernel ----

TUNNELS = {
    "vxlan": "vxlan id 7 dstport 4789 local {v4} remote {r4} dev tap0",
    "vxlan-udpcsum": "vxlan id 7 dstport 4789 udpcsum local {v4} remote {r4} dev tap0",
    "vxlan6": "vxlan id 7 dstport 4789 local {v6} remote {r6} dev tap0",
    "vxlan6-nocsum": "vxlan id 7 dstport 4789 local {v6} remote {r6} dev tap0"
                     " udp6zerocsumtx udp6zerocsumrx",
    "geneve": "geneve id 7 remote {r4}",
    "ipip": "ipip local {v4} remote {r4} dev tap0",
    "sit": "sit local {v4} remote {r4} dev tap0",
    "ip6ip6": "ip6tnl mode any local {v6} remote {r6} dev tap0",
    "gre": "gre local {v4} remote {r4} dev tap0",
    "gretap-csum": "gretap csum local {v4} remote {r4} dev tap0",
}


AT = {"v4": "192.0.2.1", "r4": "192.0.2.2", "v6": "2001:db8::1", "r6": "2001:db8::2"}
KINDS = [kind for kind, how in TUNNELS.items() if has_link("tun7", "type", how.format(**AT))]


@contextlib.contextmanager
def tunnel(daemons, kind):
    """tun7 on both hosts, 10.97.0.N and fd97::N."""
    hosts = [daemon.host for daemon in daemons]
    try:
        for host, other in (hosts, hosts[::-1]):
            how = TUNNELS[kind].format(v4=host.tap4, v6=host.tap6,
                                       r4=other.tap4, r6=other.tap6)
            host.ip("link", "add", "tun7", "type", *how.split())
            # Its own device may make larger frames than the path carries.
            host.ip("link", "set", "tun7", "mtu", "1400", "up")
            host.ip("addr", "add", f"10.97.0.{1 + host.index}/24", "dev", "tun7")
            host.ip("addr", "add", f"fd97::{1 + host.index}/64", "dev", "tun7", "nodad")
        yield
    finally:
        for host in hosts:
            host.ip("link", "del", "tun7", check=False)


@pytest.mark.parametrize("kind", KINDS)
def test_streams_through_a_tunnel_over_the_interface(pair, kind):
    """Whole, both ways, on every level."""
    one, two = (daemon.host for daemon in pair)
    four = kind != "sit"
    six = kind not in ("ipip",)
    with tunnel(pair, kind):
        for name in LEVELS:
            for daemon in pair:
                daemon.use_levels(**LEVELS[name])
            with nothing_dropped(pair):
                if four:
                    streams((one, two, "10.97.0.2"), (two, one, "10.97.0.1"))
                    datagrams(one, two, "10.97.0.2")
                if six:
                    streams((one, two, "fd97::2"), (two, one, "fd97::1"))
                    datagrams(two, one, "fd97::1", size=1000)


def test_levels_meet_in_a_tunnel(pair):
    one, two = pair
    with tunnel(pair, "vxlan"):
        for source, target in (("all", "none"), ("none", "all"), ("tso", "complete"),
                               ("checksum", "all"), ("all", "checksum")):
            one.use_levels(**LEVELS[source])
            two.use_levels(**LEVELS[target])
            with nothing_dropped(pair):
                streams((one.host, two.host, "10.97.0.2"), (two.host, one.host, "10.97.0.1"))


def test_a_tunnel_in_a_tunnel(pair):
    hosts = [daemon.host for daemon in pair]
    for daemon in pair:
        daemon.use_levels()
    with tunnel(pair, "vxlan"):
        try:
            for host, other in (hosts, hosts[::-1]):
                host.ip("link", "add", "tun8", "type", "vxlan", "id", "8", "dstport", "4790",
                        "local", f"10.97.0.{1 + host.index}",
                        "remote", f"10.97.0.{1 + other.index}", "dev", "tun7")
                host.ip("link", "set", "tun8", "mtu", "1300", "up")
                host.ip("addr", "add", f"10.98.0.{1 + host.index}/24", "dev", "tun8")
            with nothing_dropped(pair):
                stream(*hosts, "10.98.0.2")
                stream(*hosts[::-1], "10.98.0.1")
        finally:
            for host in hosts:
                host.ip("link", "del", "tun8", check=False)


# ---- what packet sockets leave to be done ----

SOL_PACKET, PACKET_VNET_HDR = 263, 15
NEEDS_CSUM, GSO_TCPV4 = 1, 1
IPV6_DSTOPTS = 59  # linux/in6.h


def sent_and_seen(pair, octets, start, offset):
    """What comes out at the second host of a frame sent with that checksum to do."""
    with contextlib.closing(pair[0].host.socket(socket.AF_PACKET, socket.SOCK_RAW)) as raw, \
            Wire(pair[1].host) as wire:
        raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        raw.bind(("tap0", 0))
        raw.send(struct.pack("=BBHHHH", NEEDS_CSUM, 0, 0, 0, start, offset) + octets)
        return wire.collect(1, settle=0.05, wanted=lambda f: f[-16:] == octets[-16:])


def completed(octets, start, offset):
    at = start + offset
    value = checksum(octets[start:]) or 0xffff
    return octets[:at] + struct.pack("!H", value) + octets[at + 2:]


@pytest.mark.parametrize("start,offset", [(34, 0), (34, 6), (34, 16), (35, 7), (51, 16), (61, 0),
                                          (99, 6), (100, 26), (127, 0)])
def test_any_place_inside_a_frame(pair, start, offset):
    """No IP, none that makes sense, odd places."""
    for daemon in pair:
        daemon.use_levels()
    macs = [mac_bytes(interface_mac(daemon.host)) for daemon in pair]
    body = bytes((7 * at + start) % 251 for at in range(131))
    for ethertype in (0x88b5, 0x8847, 0x8864, 0x88a8, 0x0800, 0x86dd):
        octets = macs[1] + macs[0] + struct.pack("!H", ethertype) + body
        with nothing_dropped(pair):
            seen = sent_and_seen(pair, octets, start, offset)
        assert seen == [completed(octets, start, offset)], hex(ethertype)


@pytest.mark.parametrize("tags", [[0x88a8, 0x8100], [0x8100, 0x8100], [0x88a8, 0x8100, 0x8100],
                                  [0x88a8] * 4])
def test_tags_upon_tags(pair, tags):
    """UDP behind two tags may stay partial, behind more it is completed."""
    for daemon in pair:
        daemon.use_levels(checksums="complete")
    macs = [mac_bytes(interface_mac(daemon.host)) for daemon in pair]
    ends = socket.inet_aton("10.99.0.1") + socket.inet_aton("10.99.0.2")
    payload = bytes(range(100))
    length = 8 + len(payload)
    partial = ~checksum(ends + struct.pack("!BBH", 0, 17, length)) & 0xffff
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, 64, 17, 0)
    octets = macs[1] + macs[0] + b"".join(struct.pack("!HH", tag, 7) for tag in tags)
    octets += b"\x08\0" + head[:10] + struct.pack("!H", checksum(head + ends)) + ends
    start = len(octets)
    octets += struct.pack("!HHHH", 7000, 7001, length, partial) + payload
    with nothing_dropped(pair):
        seen = sent_and_seen(pair, octets, start, 6)
    assert seen == [completed(octets, start, 6)]


def test_a_gso_frame_behind_three_tags(pair):
    """The kernel leaves it to a TAP that it takes for a card."""
    for daemon in pair:
        daemon.use_levels()
    macs = [mac_bytes(interface_mac(daemon.host)) for daemon in pair]
    ends = socket.inet_aton("10.99.0.1") + socket.inet_aton("10.99.0.2")
    data = bytes(at % 251 for at in range(5000))
    length = 20 + len(data)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + length, 1, 0x4000, 64, 6, 0)
    l2 = macs[1] + macs[0] + struct.pack("!HHHHHH", 0x88a8, 7, 0x8100, 8, 0x8100, 9) + b"\x08\0"
    partial = ~checksum(ends + struct.pack("!II", length, 6)) & 0xffff
    tcp = struct.pack("!HHIIBBHHH", 7000, 7001, 1000, 1, 5 << 4, 0x10, 500, partial, 0)
    start = len(l2) + 20
    vnet = struct.pack("=BBHHHH", NEEDS_CSUM, GSO_TCPV4, start + 20, 1000, start, 16)
    octets = l2 + head[:10] + struct.pack("!H", checksum(head + ends)) + ends + tcp + data
    with nothing_dropped(pair), Wire(pair[1].host) as wire, contextlib.closing(
            pair[0].host.socket(socket.AF_PACKET, socket.SOCK_RAW)) as raw:
        raw.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        raw.bind(("tap0", 0))
        raw.send(vnet + octets)
        seen = [f for f in wire.collect(5) if f[:len(l2)] == l2]
    assert b"".join(f[start + 20:] for f in seen) == data
    for f in seen:
        assert checksum(ends + struct.pack("!II", len(f) - start, 6) + f[start:]) == 0


@pytest.mark.parametrize("size", [192, 320, 480])
def test_a_stream_with_long_extension_headers(pair, size):
    one, two = (daemon.host for daemon in pair)
    for daemon in pair:
        daemon.use_levels()
    options, left = b"", size - 2
    while left > 0:  # of a type that who does not know it skips
        more = min(left - 2, 200) if left > 203 or left <= 202 else 100
        options += bytes([0x1e, more]) + bytes(more)
        left -= 2 + more
    header = bytes([0, size // 8 - 1]) + options
    with nothing_dropped(pair):
        stream(one, two, two.tap6, size=1 << 20, prepare=lambda sock: sock.setsockopt(
            socket.IPPROTO_IPV6, IPV6_DSTOPTS, header))
