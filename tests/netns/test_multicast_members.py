"""A group's frames reach those who joined it, and nobody else."""

import socket
import struct

import pytest

from cloud import (Audience, interface_mac, member, multicast_sender, pump, received, start_all,
                   wait_for, wait_members, wait_settled)
from cloud.frames import ETHERTYPE, frame, ipv4, mac_bytes
from cloud.reports import ETH_IPV4, ETH_IPV6, group_frame, group_mac
from cloud.sockets import family_of

GROUP, GROUP6, PORT = "239.77.1.1", "ff15::77", 7100
UDP_SEGMENT = 103


@pytest.fixture(scope="module")
def daemons(make_module_cloud):
    """Four hosts. web1 sends; web4 never joins anything."""
    cloud = make_module_cloud(4)
    daemons = start_all(cloud)
    for host in cloud.hosts[1:]:
        wait_for(lambda: cloud.hosts[0].ping(host.tap6), 5, "IPv6 on tap0 to be ready")
    wait_settled(daemons)
    return daemons


@pytest.fixture(scope="module")
def hosts(daemons):
    return [daemon.host for daemon in daemons]


@pytest.fixture
def audience(hosts):
    with Audience(hosts) as audience:
        yield audience


@pytest.mark.parametrize("group", [GROUP, GROUP6])
def test_a_group_reaches_its_members_and_nobody_else(daemons, hosts, audience, group):
    web1, web2, web3, _ = hosts
    octets = group_frame(interface_mac(web1), group, b"to members")
    with member(web2, group, PORT) as first, member(web3, group, PORT) as second:
        wait_members(daemons[0], group, web2, web3)
        assert audience.who_gets(web1, octets) == {"web2", "web3"}
        assert received(first) == received(second) == b"to members"
        with multicast_sender(web1, family=family_of(group)) as sender:
            sender.sendto(b"from a socket", (group, PORT))
            assert received(first) == received(second) == b"from a socket"


def test_groups_says_who_joined_and_that_none_is_flooded(daemons, hosts):
    _, web2, web3, _ = hosts
    with member(web2, GROUP, PORT), member(web3, GROUP, PORT):
        for daemon in daemons:
            joined = {"web2", "web3"}
            wait_members(daemon, GROUP, *(joined - {daemon.host.name}))
            entry = daemon.group(GROUP)
            assert entry["vlan"] == 0 and entry["local"] == (daemon.host.name in joined)
        text = daemons[0].ctl_run("groups").stdout
        line = next(line for line in text.splitlines() if GROUP in line)
        assert "web2" in line and "web3" in line and "web4" not in line
        assert daemons[1].status()["multicast"]["groups"] >= 1


def test_a_group_nobody_joined_goes_nowhere_and_is_counted(daemons, hosts, audience):
    before = daemons[0].drops()["no_member"]
    octets = group_frame(interface_mac(hosts[0]), "239.77.9.9", b"to nobody")
    assert audience.who_gets(hosts[0], octets) == set()
    assert daemons[0].drops()["no_member"] == before + 1


@pytest.mark.parametrize("one, other", [("239.1.2.3", "238.129.2.3"),
                                        ("ff15::1:2:3", "ff18::1:2:3")])
def test_groups_that_share_a_mac_are_kept_apart(daemons, hosts, audience, one, other):
    web1, web2, web3, _ = hosts
    assert group_mac(one) == group_mac(other)
    with member(web2, one, PORT), member(web3, other, PORT):
        wait_members(daemons[0], one, web2)
        wait_members(daemons[0], other, web3)
        for group, names in ((one, {"web2"}), (other, {"web3"})):
            octets = group_frame(interface_mac(web1), group, b"to " + group.encode())
            assert audience.who_gets(web1, octets) == names


@pytest.mark.parametrize("group", ["224.0.0.1", "224.0.0.18", "224.0.0.251", "224.0.0.200",
                                   "ff02::1", "ff02::12", "ff02::fb", "ff02::1:ff00:9999"])
def test_a_link_local_group_reaches_all_without_a_join(hosts, audience, group):
    octets = group_frame(interface_mac(hosts[0]), group, b"to all on the link")
    assert audience.who_gets(hosts[0], octets) == {"web2", "web3", "web4"}


NOT_A_GROUP = {
    "not IP": (ETHERTYPE, b"n" * 60),
    "IPv4 to another group's MAC": (ETH_IPV4, ipv4("10.77.0.9", "239.77.9.8", 17, bytes(20))),
    "IPv4 unicast": (ETH_IPV4, ipv4("10.77.0.9", "10.77.0.250", 17, bytes(20))),
    "IPv4 cut short": (ETH_IPV4, b"\x45\0\0"),
    "IPv6 of nonsense": (ETH_IPV6, b"\xff" * 60),
}


@pytest.mark.parametrize("kind", NOT_A_GROUP)
def test_what_is_no_groups_frame_reaches_all(hosts, audience, kind):
    """The MAC alone says nothing: 32 groups share it."""
    ethertype, payload = NOT_A_GROUP[kind]
    octets = frame("01:00:5e:4d:09:09", interface_mac(hosts[0]), payload, ethertype)
    assert audience.who_gets(hosts[0], octets) == {"web2", "web3", "web4"}


@pytest.mark.parametrize("group", [GROUP, GROUP6])
def test_a_datagram_of_45_fragments_reaches_the_member_alone(daemons, hosts, audience, group):
    web1, web2, _, _ = hosts
    data = bytes(range(256)) * 255
    with member(web2, group, PORT) as receiver, \
            multicast_sender(web1, family=family_of(group)) as sender:
        wait_members(daemons[0], group, web2)
        sender.sendto(data, (group, PORT))
        assert received(receiver) == data
        addresses = mac_bytes(group_mac(group)) + mac_bytes(interface_mac(web1))
        pieces = {name: sum(octets[:12] == addresses for octets in frames)
                  for name, frames in audience.seen(web1).items()}
    assert pieces.pop("web2") >= 45 and not any(pieces.values())


def test_a_run_that_the_card_cuts_arrives_as_its_datagrams(daemons, hosts):
    web1, web2, web3, _ = hosts
    with member(web2, GROUP, PORT) as first, member(web3, GROUP, PORT) as second, \
            multicast_sender(web1) as sender:
        wait_members(daemons[0], GROUP, web2, web3)
        sender.setsockopt(socket.SOL_UDP, UDP_SEGMENT, 1000)
        sender.sendto(b"".join(struct.pack("!I", i) * 250 for i in range(40)), (GROUP, PORT))
        for receiver in (first, second):
            assert [received(receiver) for _ in range(40)] == \
                [struct.pack("!I", i) * 250 for i in range(40)]


def test_unicast_and_a_group_keep_one_order(daemons, hosts):
    """Corosync's token must not overtake the data that it speaks of."""
    web1, web2, _, _ = hosts
    with member(web2, GROUP, PORT) as receiver, multicast_sender(web1) as sender:
        wait_members(daemons[0], GROUP, web2)
        assert web1.reaches(web2.tap4)  # its MAC is known: nothing waits for ARP
        for start in range(0, 2000, 50):
            for number in range(start, start + 50):
                to = web2.tap4 if number % 3 == 0 else GROUP
                sender.sendto(struct.pack("!I", number), (to, PORT))
            for number in range(start, start + 50):
                assert received(receiver) == struct.pack("!I", number)


def test_every_member_may_send_to_the_others(daemons, hosts):
    members = hosts[:3]
    sockets = [member(host, GROUP, PORT) for host in members]
    try:
        for daemon in daemons[:3]:
            wait_members(daemon, GROUP, *(h for h in members if h is not daemon.host))
        for host in members:
            with multicast_sender(host) as sender:
                pump(sender, (GROUP, PORT), sockets, 200)  # its own member hears it too
    finally:
        for sock in sockets:
            sock.close()
