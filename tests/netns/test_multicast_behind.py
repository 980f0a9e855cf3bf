"""More than one member behind a TAP: a macvlan, a bridge and its guests."""

import pytest

from cloud import (Audience, Stream, interface_mac, member, start_all, wait_for, wait_members,
                   wait_settled)
from cloud.frames import Wire
from cloud.reports import QUERIER_MAC, group_frame, group_mac

GROUP, PORT = "239.77.1.1", 7100


@pytest.fixture
def settled(trio):
    cloud, daemons = trio
    wait_settled(daemons)
    return cloud.hosts, daemons


@pytest.fixture
def beside(settled):
    """web2 has a macvlan mv0 on tap0, as Keepalived's use_vmac makes one."""
    (_, web2, _), _ = settled
    web2.ip("link", "add", "mv0", "link", "tap0", "type", "macvlan", "mode", "bridge")
    web2.ip("addr", "add", "10.77.0.102/24", "dev", "mv0")
    web2.ip("link", "set", "mv0", "up")
    return settled


def queries_about(wire, group):
    return [octets for octets in wire.pending()
            if octets[6:12].hex(":") == QUERIER_MAC and octets[:6].hex(":") == group_mac(group)]


@pytest.mark.parametrize("leaves", ["tap0", "mv0"])
def test_a_host_and_its_macvlan_one_leaves_and_then_the_other(beside, leaves):
    (web1, web2, web3), daemons = beside
    stays = "mv0" if leaves == "tap0" else "tap0"
    with member(web2, GROUP, PORT, leaves) as going, member(web2, GROUP, PORT, stays) as staying, \
            Stream(web1, GROUP, PORT) as stream:
        wait_members(daemons[0], GROUP, web2)
        stream.wait_sent(20)
        first = stream.sent
        with Wire(web2) as wire:
            going.close()
            wait_for(lambda: queries_about(wire, GROUP), 3, "a query about the group")
        stream.wait_sent(1100)  # past the end of the second query, had nobody answered
        assert daemons[0].group(GROUP)["members"] == ["web2"]
        got = [number for number in stream.finish(staying) if number >= first]
        assert got == list(range(first, stream.sent))
    wait_members(daemons[0], GROUP, within=10)
    octets = group_frame(interface_mac(web1), GROUP, b"to nobody")
    with Audience([web1, web2, web3]) as audience:
        assert audience.who_gets(web1, octets) == set()


@pytest.fixture
def bridged(make_cloud):
    """web2's tap0 is a port of a bridge, behind which is web4, which has no tapd."""
    cloud = make_cloud(4)
    *hosts, guest = cloud.hosts
    daemons = start_all_of(cloud, hosts)
    web2 = hosts[1]
    web2.ip("link", "add", "br0", "type", "bridge")
    web2.ip("link", "add", "port1", "type", "veth", "peer", "name", "lan0", "netns", guest.netns)
    guest.ip("addr", "add", f"{guest.tap4}/24", "dev", "lan0")
    guest.ip("link", "set", "lan0", "up")
    web2.ip("addr", "flush", "dev", "tap0")
    for name in ("tap0", "port1"):
        web2.ip("link", "set", name, "master", "br0")
    for name in ("port1", "br0"):
        web2.ip("link", "set", name, "up")
    wait_for(lambda: hosts[0].ping(guest.tap4), 10, "the guest to be reached")
    return hosts, guest, daemons


def start_all_of(cloud, hosts):
    """As start_all, leaving out what is to be no tapd host."""
    left, cloud.hosts = cloud.hosts, hosts
    try:
        return start_all(cloud)
    finally:
        cloud.hosts = left


def test_a_guest_of_a_bridge_behind_the_tap_gets_its_group(bridged):
    (web1, web2, web3), guest, daemons = bridged
    wait_for(lambda: "bridge" in (daemons[1].status()["multicast"]["wants_all"] or ""), 3,
             "web2 to want everything, as a bridge does")
    octets = group_frame(interface_mac(web1), GROUP, b"for the bridge to decide")
    with Audience([web1, web2, web3]) as audience:
        # web3 is a host as any other, and wants nothing.
        audience.wait_gets(web1, octets, {"web2"}, within=6)
    with member(guest, GROUP, PORT, "lan0") as receiver:
        wait_for(lambda: (daemons[0].group(GROUP) or {"members": []})["members"] == ["web2"], 3,
                 "the guest's report to be heard")
        entry = daemons[0].group(GROUP)
        assert entry["flooded"] and "web2" in entry["why"]
        with Stream(web1, GROUP, PORT) as stream:
            stream.wait_sent(500)
            assert stream.finish(receiver) == list(range(stream.sent))


def test_a_guest_that_joined_long_before_goes_on_receiving(bridged):
    """The bridge snoops, too: with our queries it hears its own guests' answers."""
    (web1, _, _), guest, daemons = bridged
    with member(guest, GROUP, PORT, "lan0") as receiver:
        daemons[1].restart()
        daemons[0].wait_up(daemons[1])
        web2 = daemons[1].host
        web2.ip("link", "set", "tap0", "master", "br0")  # a clean stop removed tap0
        with Stream(web1, GROUP, PORT) as stream:
            wait_for(lambda: (daemons[0].group(GROUP) or {"members": []})["members"] == ["web2"],
                     6, "the guest's answer to be heard")
            first = stream.sent
            stream.wait_sent(200)
            got = [number for number in stream.finish(receiver) if number >= first]
            assert got == list(range(first, stream.sent))
