"""TCP through the offloads, whatever it looks like and whatever the path does."""

import signal
import socket
import struct
import threading

import pytest

from cloud import Wire, interface_mac, start_all, udp_socket, wait_for
from cloud.frames import checksum
from cloud.streams import receive_all, send_run, stream, wait_addresses

MSS = [536, 537, 1000, 1447]


@pytest.fixture(scope="module")
def pair(make_module_cloud):
    cloud = make_module_cloud(2)
    daemons = start_all(cloud)
    wait_addresses(cloud.hosts)
    return cloud.hosts, daemons


def sizes(daemon):
    return [peer["datagram_size"] for peer in daemon.ctl("peers")]


@pytest.mark.parametrize("mss", MSS)
def test_an_odd_mss(pair, mss):
    (web1, web2), _ = pair

    def prepare(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)
    stream(web1, web2, web2.tap4, prepare=prepare)
    stream(web2, web1, web1.tap6, prepare=prepare)


def ce_packets(host):
    return int(host.run("nstat", "-asz", "IpExtInCEPkts").stdout.split()[-2])


def test_ecn_marks_come_through(pair):
    (web1, web2), _ = pair
    for host in (web1, web2):
        host.sysctl(net__ipv4__tcp_ecn=1)
    web1.run("nft", "-f", "-", input="""
        table inet marks { chain out { type filter hook output priority 0;
            oifname "tap0" tcp dport 7000 ip ecn ect0 numgen random mod 10 < 2 ip ecn set ce
            oifname "tap0" tcp dport 7000 ip ecn ect1 numgen random mod 10 < 2 ip ecn set ce
        }
        }""")
    try:
        before = ce_packets(web2)
        stream(web1, web2, web2.tap4)
        assert ce_packets(web2) > before
    finally:
        web1.run("nft", "delete", "table", "inet", "marks")


def test_ipv6_extension_headers(pair):
    (web1, web2), _ = pair
    padding = b"\0\0\1\4\0\0\0\0"  # PadN of 4

    def prepare(sock):
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, padding)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, padding)
    stream(web1, web2, web2.tap6, size=500_000, prepare=prepare)


def test_two_streams_and_datagrams_at_once(pair):
    (web1, web2), _ = pair
    failures = []

    def run(*arguments, **options):
        try:
            stream(*arguments, **options)
        except BaseException as error:  # shown by the main thread
            failures.append(error)
    threads = [threading.Thread(target=run, args=(web1, web2, web2.tap4), kwargs={"port": 7010}),
               threading.Thread(target=run, args=(web2, web1, web1.tap4), kwargs={"port": 7011}),
               threading.Thread(target=run, args=(web1, web2, web2.tap6), kwargs={"port": 7012})]
    for thread in threads:
        thread.start()
    with udp_socket(web2, "tap0", 7001) as receiver, udp_socket(web1) as sender:
        for seed in range(20):
            sent = send_run(sender, (web2.tap4, 7001), 700, 20, seed)
            assert receive_all(receiver, 20) == sent
    for thread in threads:
        thread.join()
    assert not failures, failures


@pytest.mark.parametrize("fault", ["loss", "duplicate", "reorder"])
def test_a_bad_path(make_cloud, fault):
    cloud = make_cloud(2)
    start_all(cloud)
    web1, web2 = cloud.hosts
    wait_addresses(cloud.hosts)
    with cloud.loss(1) if fault == "loss" else cloud.mangle(
            *(["--duplicate", "0.05"] if fault == "duplicate" else ["--jitter", "2"])):
        stream(web1, web2, web2.tap4, size=1 << 20)
        stream(web2, web1, web1.tap6, size=1 << 20)


# ---- who reads raw frames, and who passes them on ----

def tcp_checksum_is_right(octets):
    packet = octets[14:]
    header, length = (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
    segment = packet[header:length]
    pseudo = packet[12:20] + struct.pack("!BBH", 0, 6, len(segment))
    return checksum(pseudo + segment) == 0


def test_a_reader_of_raw_frames_may_have_complete_checksums(make_cloud):
    cloud = make_cloud(2)
    start_all(cloud, **{"offload.checksums": "complete"})
    web1, web2 = cloud.hosts
    with Wire(web2, only=0x0800) as wire:
        stream(web1, web2, web2.tap4, size=200_000)
        segments = [f for f in wire.pending() if f[23] == 6 and f[30:34] == bytes(
            map(int, web2.tap4.split(".")))]
    assert len(segments) > 100
    assert all(len(octets) <= 1514 for octets in segments)
    assert all(tcp_checksum_is_right(octets) for octets in segments)


@pytest.mark.parametrize("how", ["routed", "bridged"])
def test_a_host_that_passes_gso_frames_on(make_cloud, how):
    """A guest behind web2's tap0, which has no tapd, both ways."""
    cloud = make_cloud(3)
    *hosts, guest = cloud.hosts
    cloud.hosts = hosts
    start_all(cloud)
    cloud.hosts = [*hosts, guest]
    web1, web2 = hosts
    web2.ip("link", "add", "port1", "type", "veth", "peer", "name", "lan0", "netns", guest.netns)
    if how == "bridged":
        web2.ip("link", "add", "br0", "type", "bridge")
        web2.ip("addr", "flush", "dev", "tap0")
        for name in ("tap0", "port1"):
            web2.ip("link", "set", name, "master", "br0")
        for name in ("port1", "br0"):
            web2.ip("link", "set", name, "up")
        address = guest.tap4
        guest.ip("addr", "add", f"{address}/24", "dev", "lan0")
        guest.ip("link", "set", "lan0", "up")
    else:
        address = "10.88.0.2"
        web2.sysctl(net__ipv4__ip_forward=1)
        web2.ip("addr", "add", "10.88.0.1/24", "dev", "port1")
        web2.ip("link", "set", "port1", "up")
        guest.ip("addr", "add", f"{address}/24", "dev", "lan0")
        guest.ip("link", "set", "lan0", "up")
        guest.ip("route", "add", "10.77.0.0/24", "via", "10.88.0.1")
        web1.ip("route", "add", "10.88.0.0/24", "via", web2.tap4)
    wait_for(lambda: web1.ping(address), 10, "the guest to be reached")
    stream(web1, guest, address)
    stream(guest, web1, web1.tap4)
    with udp_socket(guest, "lan0", 7001) as receiver, udp_socket(web1) as sender:
        sent = send_run(sender, (address, 7001), 1000, 40)
        assert receive_all(receiver, 40) == sent


# ---- the datagram size ----

@pytest.mark.parametrize("mtu, size", [(1400, 1372), (1500, 1472), (9001, 8972)])
def test_the_datagram_size_grows_to_what_the_underlay_carries(make_cloud, mtu, size):
    cloud = make_cloud(2, mtu=mtu)
    daemons = start_all(cloud)
    web1, web2 = cloud.hosts
    for daemon in daemons:
        wait_for(lambda: sizes(daemon) == [size], 10, f"datagrams of {size} bytes")
    stream(web1, web2, web2.tap4)
    assert cloud.fragments() == 0


def test_a_black_hole_under_a_stream_is_left(make_cloud):
    cloud = make_cloud(2, mtu=9001)
    daemons = start_all(cloud)
    web1, web2 = cloud.hosts
    wait_for(lambda: sizes(daemons[0]) == [8972], 10, "jumbo datagrams")
    with cloud.drop_larger(1500):
        stream(web1, web2, web2.tap4, size=1 << 20)
        wait_for(lambda: sizes(daemons[0])[0] <= 1472, 15, "datagrams that pass")
    assert cloud.fragments() == 0


# ---- who shares one thread ----

def test_a_flood_of_one_peer_starves_nobody(make_cloud):
    cloud = make_cloud(3)
    start_all(cloud)
    web1, web2, web3 = cloud.hosts
    stop = threading.Event()

    def flood():
        with udp_socket(web3) as sender:
            while not stop.is_set():
                send_run(sender, (web2.tap4, 7999), 1400, 40)
    flooder = threading.Thread(target=flood)
    flooder.start()
    try:
        stream(web1, web2, web2.tap4, size=4 << 20)
        assert web1.ping(web2.tap4, wait=3) or web1.ping(web2.tap4, wait=3)
    finally:
        stop.set()
        flooder.join()


def test_a_peer_that_is_stopped_delays_nobody(make_cloud):
    cloud = make_cloud(3)
    daemons = start_all(cloud)
    web1, web2, web3 = cloud.hosts
    web1.ip("neigh", "replace", web3.tap4, "lladdr", interface_mac(web3), "dev", "tap0",
            "nud", "permanent")
    daemons[2].process.signal(signal.SIGSTOP)
    try:
        with udp_socket(web1) as sender:
            for seed in range(50):  # to the one that does not read
                send_run(sender, (web3.tap4, 7999), 1400, 40, seed)
            stream(web1, web2, web2.tap4)
    finally:
        daemons[2].process.signal(signal.SIGCONT)
