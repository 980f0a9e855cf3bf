"""MTU is not the user's problem, and the underlay never carries an IP fragment."""

import pytest

from cloud import Wire, start_all, wait_for
from cloud.frames import BROADCAST, frame

MIXES = {
    "576": [576] * 3,
    "1280": [1280] * 3,
    "1400": [1400] * 3,
    "1500": [1500] * 3,
    "9001": [9001] * 3,
    "mixed": [576, 1280, 1400, 1500, 9001],
}


def full_pings(hosts, size=1472):
    """Pairs between which a full packet that must not be fragmented does not pass."""
    return [(source, target) for source in hosts for target in hosts if source is not target
            and not source.ping(target.tap4, "-M", "do", "-s", size)]


@pytest.mark.parametrize("mix", MIXES)
def test_full_packets_over(make_cloud, mix):
    cloud = make_cloud(len(MIXES[mix]), mtu=MIXES[mix])
    start_all(cloud)
    wait_for(lambda: not full_pings(cloud.hosts), 10, "full packets between all", every=0)
    octets = frame(BROADCAST, "02:00:00:00:99:01", bytes(range(250)) * 6)
    for sender in cloud.hosts:
        wires = [Wire(host, only=0x88b5) for host in cloud.hosts if host is not sender]
        with Wire(sender) as wire:
            wire.send(octets)
        for wire in wires:
            assert wire.collect(1, settle=0.1) == [octets], f"{sender} → {wire.host}"
            wire.close()
    assert cloud.fragments() == 0


def test_full_packets_over_ipv6_of_1280(make_cloud):
    cloud = make_cloud(3, family="v6", mtu=[1280, 1500, 1280])
    start_all(cloud)
    wait_for(lambda: not full_pings(cloud.hosts), 10, "full packets between all", every=0)
    assert cloud.fragments() == 0


@pytest.mark.parametrize("limit", [1300, 800])
def test_a_path_that_silently_drops_large_packets(make_cloud, limit):
    """From the start, and again when it begins while traffic flows."""
    cloud = make_cloud(2, mtu=9001)
    fault = cloud.drop_larger(limit)
    daemons = start_all(cloud)
    wait_for(lambda: not full_pings(cloud.hosts), 15, "full packets", every=0)
    fault.heal()
    assert not full_pings(cloud.hosts)
    with cloud.drop_larger(limit):
        wait_for(lambda: not full_pings(cloud.hosts), 15, "full packets", every=0)
        for daemon in daemons:
            assert all(peer["datagram_size"] <= limit - 28 for peer in daemon.ctl("peers"))
    assert cloud.fragments() == 0


def test_a_jumbo_tap_over_a_small_underlay(make_cloud):
    cloud = make_cloud(2, mtu=[1500, 1280])
    start_all(cloud, **{"interface.mtu": 9000})
    wait_for(lambda: not full_pings(cloud.hosts, 8972), 10, "jumbo packets", every=0)
    assert cloud.fragments() == 0


def test_taps_that_differ_in_mtu_are_warned_of(make_cloud):
    cloud = make_cloud(2)
    web1, web2 = start_all(cloud)
    web2.host.ip("link", "set", "tap0", "mtu", "1400")
    wait_for(lambda: any("1400" in text for text in web1.status()["warnings"]), 5,
             "web1 to warn that web2's MTU is 1400")
