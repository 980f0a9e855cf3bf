"""A peer is no router of this host: RA guard, before a real kernel."""

import socket
import struct
import time

from cloud import Wire, interface_mac, start_all, wait_for
from cloud.frames import checksum, frame, ipv4

ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
ICMPV6, OPTIONS = 58, 60


def ip6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def icmpv6(source, destination, body):
    total = checksum(ip6(source) + ip6(destination) + struct.pack("!II", len(body), ICMPV6) + body)
    return body[:2] + struct.pack("!H", total) + body[4:]


def ipv6(source, destination, following, payload, length=None):
    length = len(payload) if length is None else length
    return (struct.pack("!IHBB", 6 << 28, length, following, 255)
            + ip6(source) + ip6(destination) + payload)


def advertisement(source, destination=ALL_NODES):
    """Of a default router, for half an hour."""
    return icmpv6(source, destination, struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0))


def link_local(host):
    return host.ip("-6", "-br", "addr", "show", "dev", "tap0", "scope", "link").split()[2].split("/")[0]


def options(count, first, payload):
    """(next header, payload): count headers of destination options, or hop by hop the first."""
    following = ICMPV6
    for _ in range(count):
        payload = bytes((following, 0, 1, 4, 0, 0, 0, 0)) + payload
        following = OPTIONS
    return (first if count else ICMPV6), payload


def routes(host):
    return host.ip("-6", "route", "show", "default")


def test_a_member_does_not_become_the_default_router(make_cloud):
    web1, web2 = start_all(make_cloud(2))
    host, source = web2.host, link_local(web1.host)
    host.sysctl(net__ipv6__conf__tap0__accept_ra=2)
    host.ip("-6", "route", "add", "default", "via", "fd77::99", "dev", "tap0", "metric", "4096")
    before = routes(host)
    mac = interface_mac(web1.host)
    assert "fd77::99" in before
    plain = ipv6(source, ALL_NODES, ICMPV6, advertisement(source))
    nine = ipv6(source, ALL_NODES, *options(9, OPTIONS, advertisement(source)))
    unicast = ipv6(source, host.tap6, *options(9, OPTIONS, advertisement(source, host.tap6)))
    hop = options(1, 0, advertisement(source))
    lengthless = ipv6(source, ALL_NODES, *hop, length=0)
    fragment = ipv6(source, ALL_NODES, 44,
                    struct.pack("!BBHI", ICMPV6, 0, 0, 1) + advertisement(source))
    tags = struct.pack("!HHHHH", 0, 0x8100, 0, 0x8100, 0) + b"\x86\xdd"
    attempts = {
        "plain": frame(ALL_NODES_MAC, mac, plain, 0x86dd),
        "in VLAN 0": frame(ALL_NODES_MAC, mac, plain, 0x86dd, vlan=0),
        "behind three tags": frame(ALL_NODES_MAC, mac, tags + plain, 0x8100),
        "nine headers": frame(ALL_NODES_MAC, mac, nine, 0x86dd),
        "nine headers, to one host": frame(interface_mac(host), mac, unicast, 0x86dd),
        "length 0": frame(ALL_NODES_MAC, mac, lengthless, 0x86dd),
        "a fragment": frame(ALL_NODES_MAC, mac, fragment, 0x86dd),
        "IPv4 redirect": frame(interface_mac(host), mac, ipv4(
            web1.host.tap4, host.tap4, 1, struct.pack("!BBH", 5, 1, 0) + bytes(32)), 0x0800),
    }
    with Wire(web1.host) as wire:
        for dropped, (what, octets) in enumerate(attempts.items(), web2.drops()["ra_guard"] + 1):
            wire.send(octets)
            wait_for(lambda count=dropped: web2.drops()["ra_guard"] >= count, 3, what)
        time.sleep(0.2)
        assert routes(host) == before
        assert "proto ra" not in host.ip("-6", "route", "show", "table", "all")

        web2.configure(**{"interface.router_advertisements": True})
        web2.ctl("reload")
        wire.send(attempts["plain"])
        wait_for(lambda: "proto ra" in routes(host), 3, "an advertisement that is let in")
