"""Multicast routers behind a TAP: they alone hear reports, and they get every group."""

import pytest

from cloud import Audience, interface_mac, member, start_all, wait_for, wait_settled
from cloud.frames import BROADCAST, ETHERTYPE, frame
from cloud.reports import (group_frame, igmp_query, igmp_report, is_report, mld_query, mld_report,
                           pim_hello, router_advertisement)

PORT = 7100
# Who becomes a router, and by what. Once one, it is for 255 s: each has its own.
ROUTERS = {
    "IGMP query": ("web3", lambda mac: igmp_query(mac, "10.77.0.3")),
    "MLD query": ("web4", lambda mac: mld_query(mac, "fe80::4")),
    "PIM hello": ("web5", lambda mac: pim_hello(mac, "10.77.0.5")),
    "router advertisement": ("web6", lambda mac: router_advertisement(mac, "10.77.0.6")),
}


@pytest.fixture(scope="module")
def daemons(make_module_cloud):
    """web1 sends and joins; web2 is never a router."""
    cloud = make_module_cloud(6)
    daemons = start_all(cloud)
    wait_settled(daemons)
    return daemons


@pytest.fixture
def audience(daemons):
    with Audience([daemon.host for daemon in daemons]) as audience:
        yield audience


def become_router(daemons, audience, how):
    """The daemon of the host where that frame was sent, known to all as a router."""
    name, make = ROUTERS[how]
    daemon = next(d for d in daemons if d.host.name == name)
    octets = make(interface_mac(daemon.host))
    everybody = {d.host.name for d in daemons} - {name}
    assert audience.who_gets(daemon.host, octets) == everybody, "all hear of a router"
    wait_for(lambda: daemon.status()["multicast"]["router"], 3, "it to be a router")
    return daemon


@pytest.mark.parametrize("how", ROUTERS)
def test_a_router_gets_every_group_and_hears_every_report(daemons, audience, how):
    web1, web2 = daemons[0].host, daemons[1].host
    router = become_router(daemons, audience, how)
    name = router.host.name
    unjoined = group_frame(interface_mac(web1), "239.77.8.8", b"of no member")
    wait_for(lambda: name in audience.who_gets(web1, unjoined), 3, "all groups to come there")
    assert "web2" not in audience.who_gets(web1, unjoined)
    assert router.status()["multicast"]["wants_all"]
    for report in (igmp_report(interface_mac(web1), "239.77.8.1"),
                   igmp_report(interface_mac(web1), "239.77.8.2", version=2),
                   mld_report(interface_mac(web1), "ff15::8:1")):
        heard = audience.who_gets(web1, report)
        assert name in heard and "web2" not in heard


def test_a_real_hosts_report_reaches_the_router_alone(daemons, audience):
    web2 = daemons[1].host
    router = become_router(daemons, audience, "IGMP query")
    heard = {daemon.host.name: [] for daemon in daemons}

    def at_router():
        for name, frames in audience.seen(web2).items():
            heard[name] += [f for f in frames if is_report(f) and bytes((239, 77, 8, 7)) in f]
        return heard[router.host.name]
    with member(web2, "239.77.8.7", PORT):
        wait_for(at_router, 3, "the report to reach the router")
        for daemon in daemons:
            if daemon.host is not web2:
                wait_for(lambda: daemon.group("239.77.8.7"), 3, f"{daemon.host} to hear of it")
                assert daemon.group("239.77.8.7")["members"] == ["web2"]
    assert heard["web1"] == []


@pytest.mark.parametrize("report", ["igmp", "mld"])
def test_a_membership_report_moves_no_mac(trio, report):
    """A VRRP backup's macvlan reports with the virtual MAC that the master uses."""
    cloud, daemons = trio
    web1, web2, web3 = cloud.hosts
    mac = interface_mac(web1)
    virtual = f"00:00:5e:00:01:{'21' if report == 'igmp' else '22'}"
    backup = igmp_report(virtual, "224.0.0.18", version=2) if report == "igmp" \
        else mld_report(virtual, "ff02::12")
    to_master = frame(virtual, mac, b"to the master")
    with Audience(cloud.hosts) as audience:
        # web1 must hear the report, or it could not believe it.
        assert audience.who_gets(web1, pim_hello(mac, web1.tap4)) == {"web2", "web3"}
        announced = frame(BROADCAST, virtual, b"the master", ETHERTYPE)
        assert audience.who_gets(web2, announced) == {"web1", "web3"}
        wait_for(lambda: audience.who_gets(web3, backup) == {"web1"}, 3, "web1 to hear reports")
        assert audience.who_gets(web1, to_master) == {"web2"}
        # Nor did web3's own tapd take the MAC for one of its side.
        assert audience.who_gets(web3, frame(virtual, interface_mac(web3), b"too")) == {"web2"}
