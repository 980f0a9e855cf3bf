"""Hosts that do not snoop, among those that do; settings changed at run time."""

import struct

import pytest

from cloud import (Audience, Tapd, holds, interface_mac, member, multicast_sender, new_secret,
                   received, start_all, wait_for, wait_members, wait_mesh, wait_settled)
from cloud.frames import BROADCAST, frame
from cloud.reports import (QUERIER_MAC, group_frame, igmp_leave, igmp_query, igmp_report,
                           is_report, mld_report)

GROUP, PORT = "239.77.1.1", 7100


# ---- one host floods ----

@pytest.fixture(scope="module")
def mixed(make_module_cloud):
    """web1 and web2 snoop, web3 does not."""
    cloud = make_module_cloud(3)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{"multicast.snooping": host.name != "web3"}).launch()
               for host in cloud.hosts]
    for daemon in daemons:
        daemon.wait_ready()
    wait_mesh(daemons)
    with Audience(cloud.hosts) as audience:
        octets = group_frame(interface_mac(cloud.hosts[0]), "239.77.9.1", b"settled?")
        audience.wait_gets(cloud.hosts[0], octets, {"web3"}, within=8)
    return daemons


@pytest.fixture
def hosts(mixed):
    return [daemon.host for daemon in mixed]


@pytest.fixture
def audience(hosts):
    with Audience(hosts) as audience:
        yield audience


def test_without_snooping_a_host_floods_and_gets_everything(mixed, hosts, audience):
    web1, web2, web3 = hosts
    for host, names in ((web1, {"web3"}), (web2, {"web3"}), (web3, {"web1", "web2"})):
        octets = group_frame(interface_mac(host), GROUP, b"from " + host.name.encode())
        assert audience.who_gets(host, octets) == names
    status = mixed[2].status()["multicast"]
    assert status["snooping"] is False and mixed[0].status()["multicast"]["snooping"] is True


def test_groups_says_who_gets_it_without_having_joined(mixed, hosts):
    with member(hosts[1], GROUP, PORT):
        wait_for(lambda: mixed[0].group(GROUP), 3, "the group to be listed")
        entry = mixed[0].group(GROUP)
        assert entry["members"] == ["web2"] and entry["flooded"] and "web3" in entry["why"]
        assert "web3" in mixed[0].ctl_run("groups").stdout


def test_a_flooded_report_does_not_silence_a_member(mixed, hosts, audience):
    """Linux drops its own IGMPv2 report, and later its leave, when it hears another's."""
    web1, web2, web3 = hosts
    web2.sysctl(net__ipv4__conf__tap0__force_igmp_version=2)
    try:
        with member(web2, GROUP, PORT):
            wait_for(lambda: mixed[0].group(GROUP), 3, "web2 to be a member")
            before = mixed[1].drops()["report_foreign"]
            report = igmp_report(interface_mac(web3), GROUP, version=2, source=web3.tap4)
            seen = audience.seen(web3, *[report] * 10)
            assert not any(is_report(octets) for frames in seen.values() for octets in frames)
            assert mixed[1].drops()["report_foreign"] >= before + 10
            octets = group_frame(interface_mac(web1), GROUP, b"still there")
            assert audience.who_gets(web1, octets) == {"web2", "web3"}
        # Only the last reporter says that it leaves: web2 believes it is that.
        wait_for(lambda: mixed[0].group(GROUP) is None, 10,
                 lambda: f"the leave: {mixed[0].ctl('groups')}")
    finally:
        web2.sysctl(net__ipv4__conf__tap0__force_igmp_version=0)


def test_both_are_members_and_both_receive(mixed, hosts):
    web1, web2, web3 = hosts
    with member(web2, GROUP, PORT) as first, member(web3, GROUP, PORT) as second, \
            multicast_sender(web1) as sender:
        wait_for(lambda: mixed[0].group(GROUP), 3, "web2 to be a member")
        for number in range(100):
            sender.sendto(struct.pack("!I", number), (GROUP, PORT))
        for receiver in (first, second):
            assert [received(receiver) for _ in range(100)] == \
                [struct.pack("!I", number) for number in range(100)]


def test_a_query_without_a_source_from_a_peer_is_dropped(mixed, hosts, audience):
    """It would make the hosts here answer another host's querier."""
    before = [daemon.drops()["query_foreign"] for daemon in mixed[:2]]
    query = igmp_query(interface_mac(hosts[2]), "0.0.0.0")
    assert audience.who_gets(hosts[2], query) == set()
    assert [daemon.drops()["query_foreign"] for daemon in mixed[:2]] == [n + 1 for n in before]


# ---- what never leaves a host that snoops ----

STAYS = {
    "IGMPv1 report": lambda mac: igmp_report(mac, "239.77.7.1", version=1),
    "IGMPv2 report": lambda mac: igmp_report(mac, "239.77.7.1", version=2),
    "IGMPv3 report": lambda mac: igmp_report(mac, "239.77.7.1"),
    "IGMPv2 leave": lambda mac: igmp_leave(mac, "239.77.7.1", version=2),
    "MLDv2 report": lambda mac: mld_report(mac, "ff15::7:1"),
    "report of a group for all": lambda mac: igmp_report(mac, "224.0.0.251", version=2),
}


@pytest.mark.parametrize("kind", STAYS)
def test_a_report_stays_on_its_host_and_is_counted(mixed, hosts, audience, kind):
    before = mixed[0].drops()["report_kept"]
    octets = STAYS[kind]("02:00:00:00:99:07")
    assert audience.who_gets(hosts[0], octets) == set()
    assert mixed[0].drops()["report_kept"] > before


def test_a_frame_of_our_own_querier_is_dropped(mixed, hosts, audience):
    """As when the TAP is looped."""
    before = mixed[0].drops()["querier_own"]
    for octets in (igmp_query(QUERIER_MAC, "0.0.0.0"), frame(BROADCAST, QUERIER_MAC, b"looped")):
        assert audience.who_gets(hosts[0], octets) == set()
    assert mixed[0].drops()["querier_own"] == before + 2


def test_a_malformed_report_is_flooded_and_counted(mixed, hosts, audience):
    before = mixed[0].drops()["membership_bad"]
    good = igmp_report(interface_mac(hosts[0]), "239.77.7.2")
    bad = good[:-1] + bytes([good[-1] ^ 1])  # its checksum is wrong now
    assert "web3" in audience.who_gets(hosts[0], bad)
    assert mixed[0].drops()["membership_bad"] == before + 1
    assert mixed[0].group("239.77.7.2") is None and mixed[0].group("239.77.7.3") is None


# ---- changed at run time ----

@pytest.mark.parametrize("setting", ["snooping", "querier"])
def test_switched_off_and_on_again(trio, setting):
    cloud, daemons = trio
    web1, web2, web3 = cloud.hosts
    wait_settled(daemons)
    frames = {host: group_frame(interface_mac(host), GROUP, b"from " + host.name.encode())
              for host in cloud.hosts}
    with Audience(cloud.hosts) as audience, member(web2, GROUP, PORT):
        for daemon in (daemons[0], daemons[2]):
            wait_members(daemon, GROUP, web2)
        assert audience.who_gets(web1, frames[web1]) == {"web2"}
        daemons[2].configure(**{f"multicast.{setting}": False})
        assert f"multicast.{setting}" in " ".join(daemons[2].ctl("reload")["changes"])
        audience.wait_gets(web1, frames[web1], {"web2", "web3"}, within=3)
        assert daemons[2].status()["multicast"][setting] is False
        flooded = daemons[0].status()["multicast"]["flooded"]
        assert [entry["peer"] for entry in flooded] == ["web3"]
        # Without a querier it still knows whom to send to.
        audience.wait_gets(web3, frames[web3], {"web1", "web2"} if setting == "snooping"
                           else {"web2"}, within=3)
        daemons[2].configure(**{f"multicast.{setting}": True})
        daemons[2].reload()
        audience.wait_gets(web1, frames[web1], {"web2"}, within=6)
        audience.wait_gets(web3, frames[web3], {"web2"}, within=6)
        assert daemons[2].status()["multicast"]["wants_all"] is None


def test_members_lose_nothing_while_a_sender_switches(trio):
    cloud, daemons = trio
    web1, web2, _ = cloud.hosts
    with member(web2, GROUP, PORT) as receiver, multicast_sender(web1) as sender:
        wait_settled(daemons)
        wait_members(daemons[0], GROUP, web2)
        number = 0

        def each_arrives():
            nonlocal number
            number += 1
            sender.sendto(struct.pack("!I", number), (GROUP, PORT))
            return received(receiver) == struct.pack("!I", number)
        for on in (False, True, False, True):
            daemons[0].configure(**{"multicast.snooping": on})
            daemons[0].reload()
            holds(each_arrives, 0.5, "delivery", every=0)
            wait_for(lambda: daemons[0].status()["multicast"]["snooping"] is on, 3, "the reload")


def test_all_hosts_without_snooping_are_a_plain_ethernet(make_cloud):
    cloud = make_cloud(3)
    start_all(cloud, **{"multicast.snooping": False})
    web1 = cloud.hosts[0]
    with Audience(cloud.hosts) as audience:
        for make in (*STAYS.values(), lambda mac: group_frame(mac, GROUP, b"flooded"),
                     lambda mac: igmp_query(mac, "0.0.0.0")):
            assert audience.who_gets(web1, make("02:00:00:00:99:08")) == {"web2", "web3"}
