"""The test cloud is what it claims to be: a network that drops multicast."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from cloud import Wire, member, multicast_sender, udp_socket, wait_for
from cloud.frames import BROADCAST, frame, interface_mac


@pytest.fixture(scope="module")
def cloud(make_module_cloud):
    return make_module_cloud(3, family="dual")


def receiver(host, group=None):
    return member(host, group, 5000, "eth0") if group else udp_socket(host, port=5000)


def datagrams(sock, marker):
    """Everything up to the datagram that says `marker`."""
    got = []
    while not got or got[-1] != marker:
        got.append(sock.recv(2048))
    return got[:-1]


def test_unicast_passes_in_both_families(cloud):
    web1, web2, _ = cloud.hosts
    assert web1.reaches(web2.address4) and web1.reaches(web2.address6)


@pytest.mark.parametrize("target", ["224.0.0.18", "239.1.2.3", "255.255.255.255"])
def test_multicast_and_broadcast_do_not_pass(cloud, target):
    web1, web2, _ = cloud.hosts
    group = None if target == "255.255.255.255" else target
    with multicast_sender(web1, "eth0") as sender, receiver(web2, group) as sock:
        sender.sendto(b"to all", (target, 5000))
        # Unicast sent after it arrives: nothing is merely late.
        sender.sendto(b"to one", (web2.address4, 5000))
        assert datagrams(sock, b"to one") == []


@pytest.mark.parametrize("destination", [BROADCAST, "01:00:5e:00:00:12", "02:00:00:00:00:09"])
def test_a_foreign_frame_reaches_nobody(cloud, destination):
    web1, web2, web3 = cloud.hosts
    with Wire(web1, "eth0") as sender, Wire(web2, "eth0", only=0x88b5) as w2, \
            Wire(web3, "eth0", only=0x88b5) as w3:
        sender.send(frame(destination, interface_mac(web1, "eth0"), b"hello" * 10))
        assert web1.reaches(web2.address4) and web1.reaches(web3.address4)
        assert w2.pending() == [] and w3.pending() == []


def test_each_host_has_its_own_mtu(make_cloud):
    cloud = make_cloud(2, mtu=[1500, 576])
    web1, web2 = cloud.hosts
    assert web1.reaches(web2.address, "-M", "do", "-s", 548)
    assert not web1.ping(web2.address, "-M", "do", "-s", 549)
    assert cloud.fragments() == 0
    assert web1.reaches(web2.address, "-M", "dont", "-s", 1000)
    assert cloud.fragments() > 0, "the detector sees a fragment"


def test_fragments_of_ipv6_are_detected(make_cloud):
    cloud = make_cloud(2, family="v6", mtu=[1500, 1280])
    web1, web2 = cloud.hosts
    web1.ping(web2.address, "-s", 1400)  # learns the path's MTU
    assert web1.reaches(web2.address, "-s", 1400)
    assert cloud.fragments() > 0


def test_large_packets_can_vanish_silently(cloud):
    web1, web2, _ = cloud.hosts
    with cloud.drop_larger(1300):
        assert web1.reaches(web2.address, "-M", "do", "-s", 1300 - 28)
        assert not web1.ping(web2.address, "-M", "do", "-s", 1301 - 28)
    assert web1.reaches(web2.address, "-M", "do", "-s", 1301 - 28)


def test_a_cut_host_is_off_and_comes_back(cloud):
    web1, web2, web3 = cloud.hosts
    with cloud.cut(web2):
        assert not web1.ping(web2.address)
        assert web1.reaches(web3.address)
    assert web1.reaches(web2.address)


@pytest.mark.parametrize("cut, heard", [("cut_from", False), ("cut_to", True)])
def test_a_host_can_be_cut_one_way(cloud, cut, heard):
    web1, web2, _ = cloud.hosts
    with getattr(cloud, cut)(web1), receiver(web2) as sock, \
            web1.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"out", (web2.address4, 5000))
        if heard:
            assert sock.recv(10) == b"out"
        else:
            with pytest.raises(TimeoutError):
                sock.recv(10)
        assert not web1.ping(web2.address)


def test_loss_takes_its_share(cloud):
    web1, web2, _ = cloud.hosts
    with cloud.loss(20), receiver(web2) as sock, \
            web1.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(2000):
            sender.sendto(b"x", (web2.address4, 5000))
        for _ in range(100):  # one of them gets through
            sender.sendto(b"end", (web2.address4, 5000))
        got = len(datagrams(sock, b"end"))
    assert 1500 < got < 1700


def test_packets_can_be_duplicated_delayed_and_reordered(cloud):
    web1, web2, _ = cloud.hosts
    with cloud.mangle("--duplicate", 0.2, "--delay", 2, "--jitter", 20), \
            receiver(web2) as sock, web1.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for i in range(200):
            sender.sendto(b"%d" % i, (web2.address4, 5000))
        sock.settimeout(3)
        got = []
        with pytest.raises(TimeoutError):
            while True:
                got.append(int(sock.recv(100)))
    assert set(got) == set(range(200))
    assert 210 < len(got) < 290
    assert got != sorted(got)


def test_hosts_know_each_other_by_name(cloud):
    web1, web2, _ = cloud.hosts
    out = web1.run("getent", "ahosts", "web2.internal").stdout
    assert web2.address4 in out and web2.address6 in out


def namespaces():
    return subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_however_the_run_ends(end):
    # A run in the background of a shell is born deaf to SIGINT.
    script = ("import signal, sys, time; sys.path.insert(0, sys.argv[1])\n"
              "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
              "from cloud import Cloud\n"
              "cloud = Cloud(2); cloud.hosts[0].start('sleep', '1000')\n"
              "print(cloud.prefix, cloud.directory, flush=True)\n"
              "time.sleep(1000)")
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with subprocess.Popen([sys.executable, "-c", script, tests], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True) as run:
        prefix, directory = run.stdout.readline().split()
        assert prefix in namespaces() and os.path.exists(directory)
        run.send_signal(end)
    wait_for(lambda: prefix not in namespaces() and not os.path.exists(directory), 5,
             "everything to be gone")
