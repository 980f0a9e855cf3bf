"""Unicast to a host that is gone, or was replaced by another with its address."""

import json
import os
import re
import socket
import time

import pytest

from cloud import interface_mac, start_all, wait_for

PORT, PAYLOAD, INTERVAL = 5000, bytes(1400), 1400 * 8 / 9e6  # 9 Mb/s
MEASURED_S = 10


def sent_bytes(host):
    """What the host sent to the underlay so far."""
    return json.loads(host.ip("-j", "-s", "link", "show", "eth0"))[0]["stats64"]["tx"]["bytes"]


class Stream:
    """UDP from one host to another's tap0, as fast as on a clock."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.socket = source.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def run(self, seconds):
        """Sends for so long; how many bytes the source sent to the underlay."""
        before, start, sent = sent_bytes(self.source), time.monotonic(), 0
        while (elapsed := time.monotonic() - start) < seconds:
            while sent * INTERVAL < elapsed:
                try:
                    self.socket.sendto(PAYLOAD, (self.target.tap4, PORT))
                except OSError:  # its neighbour entry has failed
                    pass
                sent += 1
            time.sleep(INTERVAL)
        return sent_bytes(self.source) - before


@pytest.mark.parametrize("neighbour", ["resolved", "static"])
def test_a_hosts_death_under_a_stream_is_no_business_of_the_others(make_cloud, neighbour):
    cloud = make_cloud(6)
    daemons = start_all(cloud)
    source, target = cloud.hosts[:2]
    if neighbour == "static":
        source.ip("neigh", "replace", target.tap4, "lladdr", interface_mac(target), "dev", "tap0",
                  "nud", "permanent")
    stream = Stream(source, target)
    stream.run(2)
    alive = stream.run(MEASURED_S)
    with cloud.cut(target):
        dead = stream.run(MEASURED_S)
        assert daemons[0].peer_state(target) == "down"
        later = stream.run(MEASURED_S)
    assert dead <= 1.2 * alive, (dead, alive)
    assert later <= 1.2 * alive, (later, alive)
    if neighbour == "static":
        assert daemons[0].drops()["unknown_unicast"] > 0
    daemons[0].wait_up(target)
    wait_for(lambda: source.ping(target.tap4), 5, "a ping")


def neighbour(host, address):
    """(MAC, state) of the kernel's entry."""
    found = re.search(r"lladdr (\S+).* ([A-Z]+)\s*$",
                      host.ip("neigh", "show", address, "dev", "tap0"), re.MULTILINE)
    return found.groups() if found else (None, None)


def replace(daemon):
    """The instance is gone without a word; another one, with a key and so a MAC of its own, has
    its addresses."""
    daemon.kill()
    daemon.host.ip("link", "del", "tap0")
    os.unlink(daemon.settings["key_file"])
    daemon.start()
    return daemon.status()["key"]


@pytest.mark.deadline
@pytest.mark.timeout(400)
@pytest.mark.parametrize("family", ["v4", "v6"])
def test_a_replaced_host_is_reached_within_a_second_of_being_up(make_cloud, family):
    web1, web2, _ = start_all(make_cloud(3))
    here, address = web1.host, web2.host.tap4 if family == "v4" else web2.host.tap6
    for attempt in range(20):
        wait_for(lambda: here.ping(address), 5, f"{attempt}: a ping")
        old = interface_mac(web2.host)
        # Just confirmed, as a TCP connection would.
        here.ip("neigh", "change", address, "lladdr", old, "nud", "reachable", "dev", "tap0")
        assert neighbour(here, address) == (old, "REACHABLE")
        key = replace(web2)
        wait_for(lambda key=key: any(peer["key"] == key and peer["state"] == "up"
                                     for peer in web1.ctl("peers")), 6, f"{attempt}: a new peer")
        # An IPv6 address is nobody's until its host has looked for duplicates.
        wait_for(lambda: address not in web2.host.ip("-6", "address", "show", "tentative"), 6,
                 f"{attempt}: the address")
        up = time.monotonic()
        wait_for(lambda: here.ping(address, "-i0.2", wait=0.2), 2, f"{attempt}: a ping")
        assert time.monotonic() - up < 2.5
        assert neighbour(here, address)[0] == interface_mac(web2.host) != old


@pytest.mark.deadline
def test_a_new_mac_under_an_address_is_told_to_all(make_cloud):
    web1, web2 = start_all(make_cloud(2))
    here, there = web1.host, web2.host
    wait_for(lambda: here.ping(there.tap4) and here.ping(there.tap6), 5, "pings")
    there.ip("link", "set", "dev", "tap0", "address", "02:00:00:00:00:99")
    for address in (there.tap4, there.tap6):
        wait_for(lambda a=address: neighbour(here, a)[0] == "02:00:00:00:00:99", 2, address)
    assert here.reaches(there.tap4) and here.reaches(there.tap6)
