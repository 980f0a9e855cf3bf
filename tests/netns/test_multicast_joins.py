"""Joining and leaving, in every version of IGMP and MLD, and before tapd was there."""

import contextlib
import socket

import pytest

from cloud import (Audience, Stream, Tapd, holds, interface_mac, member, new_secret, wait_for,
                   wait_members, wait_mesh, wait_settled)
from cloud.frames import Wire
from cloud.reports import ETH_IPV4, group_frame, group_mac, is_report

PORT = 7100
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
IGMP, MLD = ("net__ipv4__conf__tap0__force_igmp_version",
             "net__ipv6__conf__tap0__force_mld_version")


@pytest.fixture(scope="module")
def settled(module_trio):
    """Each test has groups of its own: what one leaves may still be asked about."""
    cloud, daemons = module_trio
    wait_settled(daemons)
    return cloud.hosts, daemons


@pytest.fixture
def audience(settled):
    with Audience(settled[0]) as audience:
        yield audience


def report_kinds(wire):
    """The types of the reports that a host sent."""
    return {octets[38 if octets[12:14] == ETH_IPV4.to_bytes(2, "big") else 62]
            for octets in wire.pending() if is_report(octets)}


# In IGMP of version 1 nobody can say that he leaves.
@pytest.mark.parametrize("setting, version, group, report, leaves",
                         [(IGMP, 1, "239.77.2.1", 0x12, False),
                          (IGMP, 2, "239.77.2.2", 0x16, True),
                          (IGMP, 3, "239.77.2.3", 0x22, True),
                          (MLD, 1, "ff15::2:1", 131, True),
                          (MLD, 2, "ff15::2:2", 143, True)],
                         ids=["IGMPv1", "IGMPv2", "IGMPv3", "MLDv1", "MLDv2"])
def test_a_join_and_a_leave_in_each_version(settled, audience, setting, version, group, report,
                                            leaves):
    (web1, web2, _), daemons = settled
    web2.sysctl(**{setting: version})
    octets = group_frame(interface_mac(web1), group, b"now")
    try:
        assert audience.who_gets(web1, octets) == set()
        with Wire(web2, own=True) as own, member(web2, group, PORT):
            wait_members(daemons[0], group, web2)
            assert audience.who_gets(web1, octets) == {"web2"}
            assert report in report_kinds(own), "the host spoke the version that was asked for"
        if leaves:
            wait_members(daemons[0], group, within=10)
            assert daemons[0].group(group) is None, "the group is gone"
            assert audience.who_gets(web1, octets) == set()
    finally:
        web2.sysctl(**{setting: 0})


def test_the_last_of_several_sockets_leaves_for_the_host(settled, audience):
    (web1, web2, _), daemons = settled
    group = "239.77.2.10"
    octets = group_frame(interface_mac(web1), group, b"now")
    with member(web2, group, PORT):
        with member(web2, group, PORT):
            wait_members(daemons[0], group, web2)
        holds(lambda: audience.who_gets(web1, octets) == {"web2"}, 1, "its membership")
    wait_members(daemons[0], group, within=10)


def test_joined_again_while_it_is_being_asked_whether_all_left(settled):
    (web1, web2, _), daemons = settled
    group = "239.77.2.11"
    with Wire(web2) as wire:
        with member(web2, group, PORT):
            wait_members(daemons[0], group, web2)
        wait_for(lambda: any(f[:6].hex(":") == group_mac(group) for f in wire.pending()), 3,
                 "a query about the group")
    with member(web2, group, PORT) as receiver:
        wait_members(daemons[0], group, web2)
        with Stream(web1, group, PORT) as stream:
            # Beyond the two seconds after which the leave would have been declared.
            stream.wait_sent(1100)
            assert stream.finish(receiver) == list(range(stream.sent))


# ---- all-multicast ----

def test_an_all_multicast_interface_gets_every_group_until_it_is_no_more(settled, audience):
    (web1, web2, web3), daemons = settled
    group = "239.77.2.20"
    octets = group_frame(interface_mac(web1), group, b"to whoever wants everything")
    assert audience.who_gets(web1, octets) == set()
    web2.ip("link", "set", "tap0", "allmulticast", "on")
    audience.wait_gets(web1, octets, {"web2"}, within=3)
    assert "all-multicast" in daemons[1].status()["multicast"]["wants_all"]
    assert not daemons[2].status()["multicast"]["wants_all"]
    with member(web3, group, PORT):
        wait_for(lambda: daemons[0].group(group), 3, "the group to be listed")
        entry = daemons[0].group(group)
        assert entry["members"] == ["web3"] and entry["flooded"] and "web2" in entry["why"]
    web2.ip("link", "set", "tap0", "allmulticast", "off")
    audience.wait_gets(web1, octets, set(), within=6)  # web3's leave takes a while, too
    assert daemons[1].status()["multicast"]["wants_all"] is None


def test_a_promiscuous_interface_gets_nothing_more(settled, audience):
    """tcpdump must not change what it shows."""
    (web1, web2, _), daemons = settled
    octets = group_frame(interface_mac(web1), "239.77.2.21", b"not for tcpdump")
    with web2.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sniffer:
        sniffer.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP,
                           web2.ifindex().to_bytes(4, "little")
                           + PACKET_MR_PROMISC.to_bytes(2, "little") + bytes(10))
        assert "promiscuity 1" in web2.ip("-d", "link", "show", "tap0")
        # tapd looks at its interface every second.
        holds(lambda: audience.who_gets(web1, octets) == set()
              and not daemons[1].status()["multicast"]["wants_all"], 2.5, "nothing")


# ---- joined before tapd was started ----

def test_who_joined_before_tapd_was_started_misses_nothing(make_cloud):
    """In any version; web1 runs tapd and sends, the others have a tap0 and none yet."""
    cloud = make_cloud(4)
    web1, *members = cloud.hosts
    groups = ("239.77.2.30", "ff15::2:30")
    secret = new_secret()
    daemons = [Tapd(web1, secret).start()]
    wait_for(lambda: "tentative" not in web1.ip("-6", "addr", "show", "dev", "tap0"), 5,
             "web1 to have its IPv6 addresses")
    with contextlib.ExitStack() as stack:
        receivers = {group: [] for group in groups}
        for host, igmp, mld in zip(members, (1, 2, 3), (1, 2, 0)):
            host.ip("tuntap", "add", "dev", "tap0", "mode", "tap")
            host.sysctl(**{IGMP: igmp, MLD: mld})
            host.ip("addr", "add", f"{host.tap4}/24", "dev", "tap0")
            host.ip("addr", "add", f"{host.tap6}/64", "dev", "tap0", "nodad")
            host.ip("link", "set", "tap0", "up")
            for group in groups:
                receivers[group].append(stack.enter_context(member(host, group, PORT)))
            daemons.append(Tapd(host, secret, **{"interface.address": None}).launch())
        for daemon in daemons:
            daemon.wait_ready()
        wait_mesh(daemons)
        streams = [stack.enter_context(Stream(web1, group, PORT)) for group in groups]
        for group in groups:
            wait_for(lambda: set((daemons[0].group(group) or {"members": ()})["members"])
                     >= {"web3", "web4"}, 6, lambda: f"members: {daemons[0].group(group)}")
        # A host with IGMPv1 may take 10 s to answer; until then it is flooded.
        for stream in streams:
            stream.wait_sent(1000)
        for group, stream in zip(groups, streams):
            for receiver in receivers[group]:
                assert stream.finish(receiver) == list(range(stream.sent))
