"""Groups inside a tag are groups of their own.

Made by hand, tags and all, as not every kernel has VLAN devices: nobody answers the
tagged queries, and what was reported is kept.
"""

import pytest

from cloud import (Audience, interface_mac, start_all, wait_for, wait_members, wait_settled)
from cloud.frames import BROADCAST, frame
from cloud.reports import group_frame, igmp_leave, igmp_report, mld_report

GROUP, GROUP6 = "239.77.1.1", "ff15::77"


@pytest.fixture(scope="module")
def daemons(make_module_cloud):
    """web2 has reported GROUP and GROUP6 in VLAN 100, web3 in VLAN 200; all know both."""
    cloud = make_module_cloud(4)
    daemons = start_all(cloud)
    with Audience(cloud.hosts) as audience:
        # A host that has not seen a VLAN does not know yet what it wants there.
        for host in cloud.hosts:
            for vlan in (100, 200):
                audience.seen(host, frame(BROADCAST, interface_mac(host), b"hello", vlan=vlan))
        for host, vlan in ((cloud.hosts[1], 100), (cloud.hosts[2], 200)):
            mac = interface_mac(host)
            audience.seen(host, igmp_report(mac, GROUP, vlan=vlan),
                          mld_report(mac, GROUP6, vlan=vlan))
    wait_settled(daemons, 15)
    for group in (GROUP, GROUP6):
        wait_members(daemons[0], group, "web2", vlan=100)
        wait_members(daemons[0], group, "web3", vlan=200)
    return daemons


@pytest.fixture
def audience(daemons):
    with Audience([daemon.host for daemon in daemons]) as audience:
        yield audience


@pytest.mark.parametrize("group", [GROUP, GROUP6])
def test_a_tagged_report_makes_a_member_of_that_vlan_alone(daemons, audience, group):
    web1 = daemons[0].host
    for vlan, names in ((100, {"web2"}), (200, {"web3"}), (None, set())):
        octets = group_frame(interface_mac(web1), group, b"in %d" % (vlan or 0), vlan)
        assert audience.who_gets(web1, octets) == names


def test_a_priority_tag_is_no_vlan(daemons, audience):
    """A group joined untagged; frames with VID 0 are for its members."""
    web1, web4 = daemons[0].host, daemons[3].host
    audience.seen(web4, igmp_report(interface_mac(web4), "239.77.1.4"))
    wait_members(daemons[0], "239.77.1.4", "web4")
    for vlan in (None, 0):
        octets = group_frame(interface_mac(web1), "239.77.1.4", b"untagged", vlan)
        assert audience.who_gets(web1, octets) == {"web4"}


def test_what_is_for_all_is_for_all_in_every_vlan(daemons, audience):
    web1 = daemons[0].host
    for group in ("224.0.0.18", "ff02::12"):
        octets = group_frame(interface_mac(web1), group, b"tagged", 100)
        assert audience.who_gets(web1, octets) == {"web2", "web3", "web4"}


def test_groups_tells_the_vlan(daemons):
    assert daemons[1].group(GROUP, 100)["local"] is True
    assert daemons[1].group(GROUP, 200)["members"] == ["web3"]
    assert daemons[1].group(GROUP) is None


def test_who_has_never_spoken_in_the_vlan_is_flooded(daemons, audience):
    web1, web4 = daemons[0].host, daemons[3].host
    octets = group_frame(interface_mac(web1), GROUP, b"in a new one", 300)
    # Nobody has said yet that he has no member there.
    assert audience.who_gets(web1, octets) == {"web2", "web3", "web4"}
    audience.seen(web4, group_frame(interface_mac(web4), GROUP, b"here too", 300))
    wait_for(lambda: audience.who_gets(web1, octets) == {"web2", "web3"}, 15,
             "web4 to have been asked")


def test_a_tagged_leave_is_of_that_vlan_alone(daemons, audience):
    web1, web4 = daemons[0].host, daemons[3].host
    mac = interface_mac(web4)
    audience.seen(web4, igmp_report(mac, "239.77.1.5", vlan=100),
                  igmp_report(mac, "239.77.1.5", vlan=200))
    for vlan in (100, 200):
        wait_members(daemons[0], "239.77.1.5", web4, vlan=vlan)
    audience.seen(web4, igmp_leave(mac, "239.77.1.5", vlan=100))
    wait_members(daemons[0], "239.77.1.5", vlan=100, within=10)
    octets = {vlan: group_frame(interface_mac(web1), "239.77.1.5", b"t", vlan)
              for vlan in (100, 200)}
    assert audience.who_gets(web1, octets[100]) == set()
    assert audience.who_gets(web1, octets[200]) == {"web4"}
