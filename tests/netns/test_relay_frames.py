"""What passes between two hosts that a third one relays: all that passes anywhere."""

import time

import pytest

from cloud import (Audience, interface_mac, member, multicast_sender, pump, wait_for,
                   wait_members, wait_settled)
from cloud.frames import BROADCAST, frame
from cloud.nat import Nat, start_knowing, via, wait_via
from cloud.streams import datagrams, stream, streams
from cloud.underlay import RELAYED, Forger, Recorder

GROUP, PORT = "239.77.4.5", 7450


class Lab:
    """web1 relays for `one` and `two`; web2 is a fourth that all reach."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.web1, self.web2 = cloud.hosts
        self.one, self.two = (Nat(cloud, "random").host(name) for name in ("one", "two"))
        self.daemons = start_knowing(cloud, self.web1, relays=[self.web1])
        wait_via(*self.daemons[2:], "web1")

    def still_relayed(self):
        return via(self.daemons[2], self.daemons[3]) == "web1"


@pytest.fixture(scope="module")
def lab(make_module_cloud):
    lab = Lab(make_module_cloud(2))
    yield lab
    assert lab.still_relayed()


def test_broadcast_and_multicast_come_once(lab):
    hosts = lab.cloud.hosts
    wait_settled(lab.daemons)
    with Audience(hosts) as audience:
        for number, sender in enumerate(hosts):
            others = {host.name for host in hosts if host is not sender}
            octets = frame(BROADCAST, interface_mac(sender), b"to all %d" % number)
            assert audience.who_gets(sender, octets) == others


def test_members_get_a_group_once_and_in_order(lab):
    with member(lab.two, GROUP, PORT) as two, member(lab.web2, GROUP, PORT) as web2, \
            multicast_sender(lab.one) as sender:
        wait_members(lab.daemons[2], GROUP, lab.two, lab.web2)
        pump(sender, (GROUP, PORT), [two, web2], 3000)


def full_pings(one, two):
    """Whether full packets that must not be fragmented pass, both ways."""
    return all(source.ping(target.tap4, "-M", "do", "-s", 1472)
               for source, target in ((one, two), (two, one)))


def relayed_sizes(lab, host):
    """The largest IP packet of a relayed full frame that leaves this host's NAT."""
    with Recorder(host) as recorder:
        assert host.reaches(lab.two.tap4, "-M", "do", "-s", 1472)
        return sorted(len(d.payload) + 28 for d in recorder.datagrams(lab.web1, RELAYED))


def test_full_frames_pass_whole(lab, record_property):
    wait_for(lambda: full_pings(lab.one, lab.two), 5, "full packets", every=0)
    sizes = relayed_sizes(lab, lab.one)
    record_property("measured", f"IP packets of a relayed frame of 1500 bytes: {sizes}")
    assert sizes[-1] <= 1500 and lab.cloud.fragments() == 0


@pytest.mark.parametrize("limit", [1280, 576])
def test_full_frames_pass_where_the_network_carries_less(make_cloud, limit):
    """From some moment on, and nobody is told."""
    cloud = make_cloud(2)
    lab = Lab(cloud)
    with cloud.drop_larger(limit):
        wait_for(lambda: full_pings(lab.one, lab.two), 15, "full packets", every=0)
        assert relayed_sizes(lab, lab.one)[-1] <= limit
        assert lab.still_relayed() and cloud.fragments() == 0


def rate(source, target, size):
    began = time.monotonic()
    stream(source, target, target.tap4, size)
    return size / (time.monotonic() - began)


def test_tcp_and_udp_pass_unaltered(lab, record_property):
    size = 16 << 20
    direct = rate(lab.one, lab.web2, size)
    relayed = rate(lab.one, lab.two, size)
    record_property("measured", f"TCP relayed: {relayed / 1e6:.0f} MB/s, {relayed / direct:.2f} "
                                f"of the {direct / 1e6:.0f} MB/s directly")
    assert relayed > direct / 10
    streams((lab.one, lab.two, lab.two.tap4), (lab.two, lab.one, lab.one.tap6),
            (lab.one, lab.web2, lab.web2.tap4))
    datagrams(lab.one, lab.two, lab.two.tap4)


def test_a_stranger_cannot_use_a_leg(lab):
    """Somebody who saw what goes to the relay, and sends it from elsewhere."""
    with Recorder(lab.one) as recorder, Forger(lab.cloud) as forger:
        assert lab.one.reaches(lab.two.tap4)
        seen = recorder.datagrams(lab.web1, RELAYED)[-1]
        before, carried = lab.daemons[0].drops(), lab.daemons[0].status()["relay"]["datagrams"]
        for number in range(1, 51):
            forger.send(lab.web2.address, 4000 + number, lab.web1.address, seen.payload)
            forger.send(seen.source, 4000 + number, lab.web1.address, seen.payload)
            forger.send(seen.source, seen.source_port, lab.web1.address,
                        bytes((5, 0, 0, 0)) + number.to_bytes(4, "big") + seen.payload[8:])
        wait_for(lambda: lab.daemons[0].drops().get("leg_source", 0)
                 - before.get("leg_source", 0) >= 100, 3, "what came from elsewhere dropped")
        assert lab.daemons[0].drops()["leg_unknown"] - before.get("leg_unknown", 0) >= 50
        assert lab.daemons[0].status()["relay"]["datagrams"] - carried < 50
    assert lab.one.reaches(lab.two.tap4)
