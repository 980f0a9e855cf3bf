"""interface.address_from = "default": the host's part of tap0's addresses."""

import json

import pytest

from cloud import Tapd, holds, new_secret, wait_for, wait_mesh

BOTH = ["10.77.0.0/24", "fd77::/64"]
DEFAULT_ROUTES = {
    "v4": ["default", "via", "10.9.0.1", "dev", "eth0"],
    "v6": ["default", "via", "fe80::1", "dev", "eth0"],
}


def daemon_on(host, addresses, **settings):
    return Tapd(host, new_secret(), **{
        "interface.address": addresses, "interface.address_from": "default", **settings})


def addresses(host, interface="tap0"):
    """Its global ones, as ADDRESS/LENGTH."""
    shown = json.loads(host.ip("-j", "addr", "show", "dev", interface))[0]["addr_info"]
    return {f"{a['local']}/{a['prefixlen']}" for a in shown if a["scope"] == "global"}


def rename(host, name):
    """Its eth0 is called that, as on another cloud."""
    host.ip("link", "set", "eth0", "down")
    host.ip("link", "set", "eth0", "name", name)
    host.ip("link", "set", name, "up")
    host.ip("route", "add", "10.9.0.1/32", "dev", name, "scope", "link")
    host.ip("route", "add", "default", "via", "10.9.0.1", "dev", name)


def second_way(host, metric):
    """Another interface with a default route of its own."""
    host.ip("link", "add", "eth1", "type", "veth", "peer", "name", "far")
    host.ip("addr", "add", "10.8.0.99/24", "dev", "eth1")
    for name in "eth1", "far":
        host.ip("link", "set", name, "up")
    host.ip("-4", "route", "add", "default", "via", "10.8.0.1", "dev", "eth1", "metric", metric)


@pytest.mark.parametrize("family, prefixes, expected", [
    ("v4", ["10.77.0.0/24"], {"10.77.0.10/24"}),
    ("v6", ["fd77::/64"], {"fd77::10/64"}),
    ("dual", BOTH, {"10.77.0.10/24", "fd77::10/64"}),
], ids=["v4", "v6", "dual"])
def test_a_default_route_that_comes_late_is_waited_for(make_cloud, family, prefixes, expected):
    """As at boot, before DHCP or a router has answered."""
    host = make_cloud(1, family=family).hosts[0]
    families = ["v4", "v6"] if family == "dual" else [family]
    for one in families:
        host.ip(f"-{one[1]}", "route", "del", "default")
    daemon = daemon_on(host, prefixes).launch()
    holds(lambda: daemon.running and not host.has_interface(), 1, "it waits")
    for one in families:
        host.ip(f"-{one[1]}", "route", "add", *DEFAULT_ROUTES[one])
    daemon.wait_ready()
    assert addresses(host) == expected


def test_ipv4_waits_for_its_own_default_route(make_cloud):
    """A router's advertisement may be there before DHCP's answer."""
    host = make_cloud(1, family="dual").hosts[0]
    host.ip("-4", "route", "del", "default")
    daemon = daemon_on(host, BOTH).launch()
    holds(lambda: daemon.running and not host.has_interface(), 1, "it waits")
    second_way(host, 100)
    daemon.wait_ready()
    assert addresses(host) == {"10.77.0.99/24", "fd77::10/64"}


def test_hosts_whose_interfaces_have_other_names_share_a_file(make_cloud):
    """An underlay of IPv4 alone: the link-local address gives the IPv6 one."""
    cloud = make_cloud(3)
    for host, name in zip(cloud.hosts, ("eth0", "ens5", "enp1s0")):
        if name != "eth0":
            rename(host, name)
    secret = new_secret()
    daemons = [Tapd(host, secret, **{"interface.address": BOTH,
                                     "interface.address_from": "default"}).start()
               for host in cloud.hosts]
    wait_mesh(daemons)
    ours = [addresses(host) for host in cloud.hosts]
    assert [f"10.77.0.{10 + i}/24" in mine for i, mine in enumerate(ours)] == [True] * 3
    ipv6 = [next(a for a in mine if ":" in a).split("/")[0] for mine in ours]
    assert len(set(ipv6)) == 3 and all(a.startswith("fd77::") for a in ipv6)
    wait_for(lambda: cloud.hosts[0].ping("10.77.0.12") and cloud.hosts[0].ping(ipv6[1]), 10,
             "answers over tap0")


def test_a_reload_follows_the_default_route_or_changes_nothing(make_cloud):
    host = make_cloud(1).hosts[0]
    daemon = daemon_on(host, ["10.77.0.0/24"]).start()
    assert addresses(host) == {"10.77.0.10/24"}
    second_way(host, 100)
    assert daemon.ctl_ok("reload") and addresses(host) == {"10.77.0.10/24"}, \
        "no metric is the lowest"
    host.ip("route", "del", *DEFAULT_ROUTES["v4"])
    assert daemon.ctl_ok("reload") and addresses(host) == {"10.77.0.99/24"}
    host.ip("route", "del", "default")
    refused = daemon.ctl_run("reload")
    assert refused.returncode == 1 and "there is no IPv4 default route" in refused.stderr
    assert addresses(host) == {"10.77.0.99/24"}
