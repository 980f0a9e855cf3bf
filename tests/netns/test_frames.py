"""Every frame reaches every host that should have it: once, unchanged, in order."""

import contextlib
import hashlib
import random
import re
import socket
import struct
import threading

import pytest

from cloud import Wire, interface_mac, udp_socket, wait_for
from cloud.frames import BROADCAST, ETHERTYPE, checksum, frame, ipv4, mac_bytes, udp, udp_packet

STRANGER = "02:00:00:00:99:01"  # a MAC nobody has


@pytest.fixture(scope="module")
def hosts(module_trio):
    cloud, _ = module_trio
    return cloud.hosts


@pytest.fixture
def wires(hosts):
    """One Wire on each host's tap0, that shows the experimental ethertype only."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Wire(host, only=ETHERTYPE)) for host in hosts]


def settle_macs(hosts):
    """Every host has heard every other's MAC, so unicast is not flooded."""
    macs = [interface_mac(host) for host in hosts]
    for host, mac in zip(hosts, macs):
        with Wire(host) as wire:
            wire.send(frame(BROADCAST, mac, b"here I am", 0x9000))
    return macs


def wait_learned(daemon, mac, owner):
    wait_for(lambda: any(entry["mac"] == mac and entry["owner"] == owner
                         for entry in daemon.ctl("fdb")), 3,
             f"{daemon.host} to know {mac} at {owner}")


@pytest.fixture
def macs(hosts, module_trio):
    _, daemons = module_trio
    found = settle_macs(hosts)
    for daemon in daemons:
        for host, mac in zip(hosts, found):
            wait_learned(daemon, mac, "local" if host is daemon.host else host.name)
    return found


# ---- what applications do ----

def test_arp_finds_the_owner(hosts):
    web1, web2, _ = hosts
    web1.ip("neigh", "flush", "dev", "tap0")
    assert web1.reaches(web2.tap4)
    assert interface_mac(web2) in web1.ip("neigh", "show", web2.tap4)


def test_ipv4_ping_between_all(hosts):
    for source in hosts:
        for target in hosts:
            assert source.reaches(target.tap4)


def test_ipv6_ping_between_all(hosts):
    for source in hosts:
        for target in hosts:
            wait_for(lambda: source.ping(target.tap6), 5, f"ping {source} → {target}")


def test_ipv6_link_local_ping(hosts):
    web1, web2, _ = hosts
    address = re.search(r"fe80:\S+(?=/64)", web2.ip("-6", "addr", "show", "dev", "tap0"))[0]
    wait_for(lambda: web1.ping(f"{address}%tap0"), 5, "ping by link-local address")


def test_broadcast_ping_is_answered_by_all(hosts):
    web1, web2, web3 = hosts
    for host in (web2, web3):
        host.sysctl(net__ipv4__icmp_echo_ignore_broadcasts=0)
    out = web1.run("ping", "-b", "-c2", "-W1", "10.77.0.255", check=False).stdout
    assert f"from {web2.tap4}" in out and f"from {web3.tap4}" in out


def test_dhcp_discover_arrives_whole_with_its_checksum(hosts):
    """From a socket, so that the checksum is left to the card; a DHCP server reads
    raw frames and checks it itself."""
    web1, web2, web3 = hosts
    payload = bytes(range(250)) + b"\xff"
    with Wire(web2, only=0x0800) as w2, Wire(web3, only=0x0800) as w3, \
            udp_socket(web1, "tap0", 68) as client:
        client.sendto(payload, ("255.255.255.255", 67))
        for wire in (w2, w3):
            got = wire.collect(1, wanted=lambda f: f[23] == 17 and f[36:38] == b"\0\x43")
            assert len(got) == 1
            packet = got[0][14:]
            assert got[0][:6] == b"\xff" * 6 and packet[28:] == payload
            pseudo = packet[12:20] + struct.pack("!BBH", 0, 17, len(packet) - 20)
            assert checksum(pseudo + packet[20:]) == 0


def test_a_tcp_stream_arrives_unaltered(hosts):
    web1, web2, _ = hosts
    data = random.Random(7).randbytes(8 << 20)
    with web2.socket(socket.AF_INET, socket.SOCK_STREAM) as server, \
            web1.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        server.bind((web2.tap4, 7000))
        server.listen()
        client.settimeout(30)
        client.connect((web2.tap4, 7000))
        connection, _ = server.accept()
        connection.settimeout(30)

        def send():
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        digest, length = hashlib.sha256(), 0
        while piece := connection.recv(1 << 16):
            digest.update(piece)
            length += len(piece)
        sender.join()
        connection.close()
    assert length == len(data) and digest.digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("size", [1, 1472, 1473, 9000, 65507])
def test_a_udp_datagram_of_any_size_arrives(hosts, size):
    web1, web2, _ = hosts
    data = random.Random(size).randbytes(size)
    with udp_socket(web2, "tap0", 7001) as receiver, udp_socket(web1) as sender:
        sender.sendto(data, (web2.tap4, 7001))
        assert receiver.recv(1 << 16) == data


# ---- frames of any kind ----

KINDS = {
    "experimental": frame(BROADCAST, STRANGER, b"x" * 46),
    "minimum": frame(BROADCAST, STRANGER, b""),
    "one byte more": frame(BROADCAST, STRANGER, b"\x01"),
    "full size": frame(BROADCAST, STRANGER, bytes(range(250)) * 6),
    "full size to a group": frame("01:00:5e:01:02:03", STRANGER, b"g" * 1500),
    "tagged": frame(BROADCAST, STRANGER, b"t" * 46, vlan=100, priority=5),
    "tagged full size": frame(BROADCAST, STRANGER, b"T" * 1500, vlan=4094),
    "priority tag": frame(BROADCAST, STRANGER, b"p" * 46, vlan=0, priority=7),
    "LLDP": frame("01:80:c2:00:00:0e", STRANGER, b"\x02\x07\x04" + b"l" * 50, 0x88cc),
    "spanning tree": frame("01:80:c2:00:00:00", STRANGER, b"\x42\x42\x03" + b"s" * 35, 38),
    "unknown unicast": frame("02:00:00:00:99:99", STRANGER, b"u" * 46),
    "VRRP": frame("01:00:5e:00:00:12", "00:00:5e:00:01:33",
                  ipv4("10.77.0.1", "224.0.0.18", 112, b"\x21\x33\x64\x01" + b"v" * 16, 255)),
    "mDNS": frame("01:00:5e:00:00:fb", STRANGER,
                  udp_packet("10.77.0.1", "224.0.0.251", 5353, 5353, b"d" * 100, 255), 0x0800),
    "IGMP cut short": frame("01:00:5e:00:00:16", STRANGER,
                            ipv4("10.77.0.9", "224.0.0.22", 2, b"\x22\0\0", ttl=1), 0x0800),
    "IPv4 cut short": frame(BROADCAST, STRANGER, b"\x45\0\0", 0x0800),
    "IPv4 header of nonsense": frame(BROADCAST, STRANGER, b"\xff" * 40, 0x0800),
    "IPv6 cut short": frame("33:33:00:00:00:01", STRANGER, b"\x60\0\0\0\x40", 0x86dd),
    # Linux itself drops one with less than this behind its tag.
    "tagged minimum": frame(BROADCAST, STRANGER, b"\0\1", 0x0800, vlan=7),
}
KINDS["VRRP"] = KINDS["VRRP"][:12] + b"\x08\0" + KINDS["VRRP"][14:]


@pytest.mark.parametrize("kind", KINDS)
def test_arrives_everywhere_once_byte_for_byte(hosts, kind):
    octets = KINDS[kind]
    with Wire(hosts[0]) as w1, Wire(hosts[1]) as w2, Wire(hosts[2]) as w3:
        w1.send(octets)
        for wire in (w2, w3):
            assert wire.collect(1, wanted=lambda f: f[6:12] == octets[6:12]) == [octets]
        assert octets not in w1.pending(), "nothing comes back to its sender"


def test_frames_of_every_size_arrive_unaltered(wires):
    chance = random.Random(3)
    sent = [frame(BROADCAST, STRANGER, chance.randbytes(size)) for size in range(0, 1501, 5)]
    for octets in sent:
        wires[0].send(octets)
    for wire in wires[1:]:
        assert wire.collect(len(sent)) == sent
    assert wires[0].pending() == []


# ---- who gets a unicast ----

def test_known_unicast_goes_to_its_owner_alone(wires, macs):
    octets = frame(macs[1], macs[0], b"for web2")
    wires[0].send(octets)
    assert wires[1].collect(1) == [octets]
    assert wires[2].pending() == []


def test_unicast_and_broadcast_keep_one_order(wires, macs):
    count = 400
    sent = [frame(macs[1] if i % 3 else BROADCAST, macs[0], b"%06d" % i + b"." * (i % 7 * 200))
            for i in range(count)]
    for octets in sent:
        wires[0].send(octets)
    assert wires[1].collect(count) == sent
    assert wires[2].collect(1) == [f for f in sent if f[:6] == b"\xff" * 6]


def test_a_mac_moves_at_once(wires, macs, module_trio):
    moving = "02:00:00:00:99:02"
    to_it = frame(moving, macs[0], b"where are you")
    for at, other in ((1, 2), (2, 1), (1, 2)):
        wires[at].send(frame(BROADCAST, moving, b"I am here"))
        assert len(wires[0].collect(1)) == 1
        wires[other].collect(1)  # the announcement
        wires[0].send(to_it)
        assert wires[at].collect(1) == [to_it]
        assert wires[other].pending() == []


# ---- what must not pass ----

def test_a_multicast_source_is_dropped_and_counted(wires, module_trio):
    _, daemons = module_trio
    before = daemons[0].drops()["frame_bad_source"]
    wires[0].send(frame(BROADCAST, "03:00:00:00:00:01", b"a lie"))
    wait_for(lambda: daemons[0].drops()["frame_bad_source"] == before + 1, 3, "the drop's count")
    assert wires[1].pending() == [] and wires[2].pending() == []


def test_a_datagram_of_the_tunnel_never_enters_it(hosts, module_trio):
    """As when a route to a peer's address points into tap0."""
    _, daemons = module_trio
    web1, web2, web3 = hosts
    before = daemons[0].drops()["recursion"]
    octets = frame(BROADCAST, interface_mac(web1),
                   udp_packet(web1.address, web2.address, 8273, 8273, b"\x04" + bytes(40)), 0x0800)
    with Wire(web1) as w1, Wire(web2) as w2, Wire(web3) as w3:
        w1.send(octets)
        wait_for(lambda: daemons[0].drops()["recursion"] == before + 1, 3, "the drop's count")
        assert octets not in w2.pending() + w3.pending()


def test_udp_checksum_helper_agrees_with_the_kernel(hosts):
    """The frames above are only as good as the hand that made them."""
    web1 = hosts[0]
    with udp_socket(web1, port=7005) as receiver, web1.socket(
            socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        packet = ipv4("127.0.0.1", "127.0.0.1", 17,
                      udp("127.0.0.1", "127.0.0.1", 7006, 7005, b"checked"))
        raw.sendto(packet, ("127.0.0.1", 0))
        assert receiver.recv(100) == b"checked"
    assert mac_bytes(BROADCAST) == b"\xff" * 6
