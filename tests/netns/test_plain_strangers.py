"""What is not to be believed among plain datagrams: nothing of it is delivered, and each
is counted under its reason."""

import contextlib
import socket
import struct

import pytest

from cloud import Wire, interface_mac, wait_for
from cloud.frames import BROADCAST, checksum, frame, ipv4
from cloud.underlay import Forger
from cloud.vteps import VXLAN_PORT, plain_tapd

INNER = frame(BROADCAST, "02:00:00:00:66:01", b"believe me " * 6)
STRANGER = "10.9.0.77"
COUNT = 50  # of each kind


def vxlan(flags=0x08, vni=42, inner=INNER, reserved=b"\0\0\0", last=0):
    return bytes([flags]) + reserved + vni.to_bytes(3, "big") + bytes([last]) + inner


# What comes from a listed address, and under what it is counted; None: it is delivered.
VXLAN = {
    "as it should be": (vxlan(), None),
    "reserved bits, which are ignored": (vxlan(flags=0x48, last=7), None),
    "another VNI": (vxlan(vni=43), "vxlan_vni"),
    "VNI 0": (vxlan(vni=0), "vxlan_vni"),
    "no VNI flag": (vxlan(flags=0), "vxlan_bad"),
    "another protocol (GPE)": (vxlan(flags=0x0c, reserved=b"\0\0\1"), "vxlan_bad"),
    "for a controller (GPE)": (vxlan(flags=0x0d), "vxlan_bad"),
    "empty": (b"", "datagram_short"),
    "a piece of a header": (vxlan()[:7], "vxlan_bad"),
    "a header alone": (vxlan(inner=b""), "frame_short"),
    "a piece of an Ethernet header": (vxlan(inner=INNER[:13]), "frame_short"),
    "a group's source MAC": (vxlan(inner=INNER[:6] + b"\1" + INNER[7:]), "frame_bad_source"),
}


def gre(flags=0, protocol=0x6558, fields=b"", inner=INNER, version=0):
    return struct.pack("!HH", flags << 8 | version, protocol) + fields + inner


def summed(octets, wrong=0):
    """With the checksum of RFC 2784, or a wrong one."""
    bare = octets[:4] + bytes(4) + octets[8:]
    value = checksum(bare) ^ wrong
    return octets[:4] + struct.pack("!H", value) + octets[6:]


KEY = struct.pack("!I", 42)
C, R, K, S = 0x80, 0x40, 0x20, 0x10
GRE = {  # beside network_id = 42
    "as it should be": (gre(K, fields=KEY), None),
    "with a sequence number": (gre(K | S, fields=KEY + b"\0\0\0\5"), None),
    "with its checksum": (summed(gre(C | K, fields=bytes(4) + KEY)), None),
    "a wrong checksum": (summed(gre(C | K, fields=bytes(4) + KEY), 0x1111), "gre_checksum"),
    "another key": (gre(K, fields=b"\0\0\0\x2b"), "gre_key"),
    "no key": (gre(), "gre_key"),
    "a version of PPTP's": (gre(K, fields=KEY, version=1), "gre_bad"),
    "source routing": (gre(R | K, fields=KEY + bytes(8)), "gre_bad"),
    "an IP packet": (gre(K, 0x0800, KEY), "gre_bad"),
    "empty": (b"", "datagram_short"),
    "a piece of a header": (gre(K, fields=KEY)[:7], "gre_bad"),
    "a header alone": (gre(K, fields=KEY, inner=b""), "frame_short"),
}


@pytest.fixture(scope="module", params=["vxlan", "gre"])
def lab(request, make_module_cloud):
    """web1 and web2; web3 runs nothing, and its address is not listed."""
    cloud = make_module_cloud(3)
    listed = [host.address for host in cloud.hosts[:2]]
    daemons = [plain_tapd(host, listed, kind=request.param).start() for host in cloud.hosts[:2]]
    wait_for(lambda: cloud.hosts[0].ping(cloud.hosts[1].tap4), 10, "web2 to be reached")
    return request.param, cloud, daemons


@contextlib.contextmanager
def sending(lab):
    """send(source, octets), to web1."""
    kind, cloud, daemons = lab
    with contextlib.closing(cloud.router.socket(socket.AF_INET, socket.SOCK_RAW,
                                                socket.IPPROTO_RAW)) as raw, \
            Forger(cloud) as forger:
        target = daemons[0].host.address

        def send(source, octets):
            if kind == "vxlan":
                forger.send(source, 50000, target, octets, VXLAN_PORT)
            else:
                raw.sendto(ipv4(source, target, socket.IPPROTO_GRE, octets), (target, 0))
        yield send


def counted(daemon):
    """But for what the hosts say of their groups meanwhile."""
    return {why: count for why, count in daemon.drops().items()
            if count and not why.startswith("report_")}


def moved(before, after):
    return {why: count - before.get(why, 0) for why, count in after.items()
            if count != before.get(why, 0)}


def shapes(kind):
    return VXLAN if kind == "vxlan" else GRE


@pytest.mark.parametrize("lab, shape", [(kind, shape) for kind in ("vxlan", "gre")
                                        for shape in shapes(kind)], indirect=["lab"])
def test_of_a_listed_peer(lab, shape):
    kind, _, (web1, web2) = lab
    octets, reason = shapes(kind)[shape]
    before = counted(web1)
    with Wire(web1.host, only=0x88b5) as wire, sending(lab) as send:
        for _ in range(COUNT):
            send(web2.host.address, octets)
        if reason:
            wait_for(lambda: moved(before, counted(web1)).get(reason, 0) >= COUNT, 3,
                     lambda: f"{reason}: {moved(before, counted(web1))}")
        assert len(wire.collect(0 if reason else COUNT)) == (0 if reason else COUNT)
    assert moved(before, counted(web1)) == ({reason: COUNT} if reason else {})


def test_of_a_stranger(lab):
    """Whatever it sends; from a host of the network, too, that is not listed."""
    kind, cloud, (web1, _) = lab
    before = counted(web1)
    sources = STRANGER, cloud.hosts[2].address
    believable = [octets for octets, _ in shapes(kind).values() if octets]
    with Wire(web1.host, only=0x88b5) as wire, sending(lab) as send:
        for source in sources:
            for octets in believable:
                send(source, octets)
        due = len(sources) * len(believable)
        wait_for(lambda: moved(before, counted(web1)).get("plain_stranger", 0) >= due, 3,
                 lambda: f"strangers: {moved(before, counted(web1))}")
        assert wire.collect(0) == []
    assert moved(before, counted(web1)) == {"plain_stranger": due}
    assert all(entry["mac"] != "02:00:00:00:66:01" or entry["owner"] != STRANGER
               for entry in web1.ctl("fdb"))


def test_a_flood_of_strangers_hides_no_peer(lab):
    _, _, (web1, web2) = lab
    octets = shapes(lab[0])["as it should be"][0]
    with sending(lab) as send:
        for number in range(20):
            for _ in range(500):
                send(STRANGER, octets)
            assert web2.host.ping(web1.host.tap4, wait=3), f"after {number}"


def test_who_is_listed_no_more_is_a_stranger_at_once(lab):
    kind, _, (web1, web2) = lab
    octets = shapes(kind)["as it should be"][0]
    web1.configure(peers=[])
    web1.ctl("reload")
    try:
        wait_for(lambda: web1.ctl("peers") == [], 3, "the peer to go")
        before = counted(web1).get("plain_stranger", 0)
        with Wire(web1.host, only=0x88b5) as wire, sending(lab) as send:
            send(web2.host.address, octets)
            wait_for(lambda: counted(web1).get("plain_stranger", 0) > before, 3, "a stranger")
            assert wire.collect(0) == []
    finally:
        web1.configure(peers=[web1.host.address, web2.host.address])
        web1.ctl("reload")
    wait_for(lambda: web1.host.ping(web2.host.tap4), 5, "web2 to be reached again")
    assert interface_mac(web2.host) in {entry["mac"] for entry in web1.ctl("fdb")}
