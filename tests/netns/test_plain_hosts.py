"""One Ethernet of tapd, the kernel's VXLAN, Open vSwitch and tapd."""

import socket
import struct

import pytest

from cloud import Audience, interface_mac, wait_for
from cloud.frames import BROADCAST, frame, mac_bytes
from cloud.reports import PROTO_ICMPV6, group_mac, ipv6, pseudo6, with_checksum
from cloud.streams import streams
from cloud.vteps import KernelVtep, PlainHosts, plain_tapd

RUNS = ["tapd", "kernel", "ovs", "tapd", "kernel-bridged"]
NAMES = ["tapd1", "kernel", "ovs", "tapd2", "bridged"]


@pytest.fixture(scope="module", params=["v4", "v6"])
def lab(request, make_module_cloud):
    lab = PlainHosts(make_module_cloud(names=NAMES, family=request.param), RUNS)
    lab.wait_reached()
    return lab


def arp_question(host, target):
    source = interface_mac(host)
    return frame(BROADCAST, source, bytes.fromhex("0001080006040001") + mac_bytes(source)
                 + socket.inet_aton(host.tap4) + bytes(6) + socket.inet_aton(target), 0x0806)


def neighbour_solicitation(host, target):
    source, group = interface_mac(host), f"ff02::1:ff00:{target.rpartition(':')[2]}"
    body = (struct.pack("!BBHI", 135, 0, 0, 0) + socket.inet_pton(socket.AF_INET6, target)
            + b"\1\1" + mac_bytes(source))
    body = with_checksum(body, 2, pseudo6(host.tap6, group, PROTO_ICMPV6, len(body)))
    return frame(group_mac(group), source, ipv6(host.tap6, group, PROTO_ICMPV6, body, 255),
                 0x86dd)


def test_the_mtu_is_what_fits_and_full_packets_reach_all(lab):
    assert lab.mtu == (1450 if lab.cloud.family == "v4" else 1430)
    for family, header in ("tap4", 20 + 8), ("tap6", 40 + 8):
        full = ("-M", "do", "-s", lab.mtu - header)
        wait_for(lambda: not lab.unreached(*full, family=family), 10,
                 lambda: f"full packets: {lab.unreached(*full, family=family)}")
    assert lab.cloud.fragments() == 0


@pytest.mark.parametrize("kind", ["broadcast", "ARP", "ND"])
def test_what_is_for_all_reaches_each_once(lab, kind):
    make = {"broadcast": lambda host: frame(BROADCAST, interface_mac(host), b"to all" * 10),
            "ARP": lambda host: arp_question(host, "10.77.0.200"),
            "ND": lambda host: neighbour_solicitation(host, "fd77::200")}[kind]
    with Audience(lab.hosts) as audience:
        for host in lab.hosts:
            others = {other.name for other in lab.hosts} - {host.name}
            if kind == "ND":  # the bridge knows that its host has not joined that group
                others -= {"bridged"}
            assert audience.who_gets(host, make(host)) == others, f"from {host}"


@pytest.mark.parametrize("family", ["tap4", "tap6"])
def test_neighbours_are_found_anew(lab, family):
    for host in lab.hosts:
        host.ip("neigh", "flush", "dev", "tap0")
    assert not lab.unreached(family=family)


def test_plain_peers_are_up_and_have_no_key(lab):
    for daemon in lab.daemons:
        status = daemon.status()
        assert status["sealed"] is False
        assert (status["encapsulation"], status["network_id"]) == ("vxlan", 42)
        assert status["peers"]["up"] == len(lab.hosts) - 1
        for peer in daemon.ctl("peers"):
            assert peer["state"] == "up"
            assert peer["key"] is None and peer["rtt_us"] is None and peer["loss"] is None


def test_that_nothing_is_sealed_is_told(lab):
    daemon = lab.daemons[0]
    assert "not sealed: VXLAN 42" in daemon.ctl_run("status").stdout
    findings = {finding["id"]: finding for finding in daemon.doctor()}
    assert findings["not-sealed"]["severity"] == "note"


def test_no_reason_to_drop_anything(lab):
    """Nor did the tests before this one give any."""
    for daemon in lab.daemons:
        dropped = {why: count for why, count in daemon.drops().items() if count}
        assert not dropped.keys() & {"plain_stranger", "vxlan_bad", "vxlan_vni", "loop",
                                     "csum_bad", "offload_bad", "frame_long", "tap_write",
                                     "send_too_big", "send_failed"}, dropped


def test_ipv6_with_and_without_udps_checksum(make_cloud):
    """The kernel's device takes none that is zero unless it was told to; then it may send
    such itself."""
    cloud = make_cloud(names=["tapd", "strict", "zero"], family="v6")
    tapd, strict, zero = cloud.hosts
    KernelVtep(strict, [tapd])
    KernelVtep(zero, [tapd], options="udp6zerocsumrx udp6zerocsumtx")
    plain_tapd(tapd).start()
    for host in strict, zero:
        wait_for(lambda: tapd.ping(host.tap4) and host.ping(tapd.tap6), 10,
                 f"{host} to be reached")
        streams((tapd, host, host.tap4), (host, tapd, tapd.tap6), size=300_000)
