"""docs/recipes/nat: hosts behind NATs meet, as the page says, by what it says."""

import re

import pytest

from apps.recipe import page, recipe
from cloud import holds, new_secret, wait_for
from cloud.nat import Nat
from test_how_to import OfTheManual

# What the page calls the kinds of the lab.
KINDS = {"open": "cone", "same port": "preserving", "other ports": "random"}


def table():
    """(row, column, word) for each pair of the page's table."""
    lines = page("nat").split("WHO IS DIRECT\n")[1].strip("\n").splitlines()[:4]
    head, *rows = [re.split(r"\s{2,}", line.strip()) for line in lines]
    assert head == [row[0] for row in rows] == list(KINDS)
    return [(row[0], column, word) for i, row in enumerate(rows)
            for column, word in list(zip(head, row[1:]))[i:]]


def conf(place, **changes):
    return recipe("nat", f"/etc/tapd/tap0.conf{place}", changes)


def start(host, secret, text):
    daemon = OfTheManual(host, secret)
    return daemon.use(f'{text}secret_file = "{daemon.secret_file}";\n').start()


def start_three(cloud, webs, relays=True):
    """gw1, and those that know it alone."""
    gw1, secret = cloud.hosts[0], new_secret()
    text = conf("")
    assert "relay = true;\n" in text
    daemons = [start(gw1, secret, text if relays else text.replace("relay = true;\n", ""))]
    for web in webs:
        daemons.append(start(web, secret, conf(
            " on web2", **{"198.51.100.1": gw1.address, "10.77.0.2": web.tap4})))
    return daemons


def way(daemon, web):
    """direct, relayed, or why neither."""
    peer = daemon.peer(web) or {"state": "not known", "via": None}
    if peer["state"] != "up":
        return peer["state"]
    assert peer["via"] in (None, "gw1")
    return "relayed" if peer["via"] else "direct"


def stays(daemons, webs, word):
    def both():
        return [way(daemons[1], webs[1]), way(daemons[2], webs[0])] == [word] * 2
    wait_for(both, 20, lambda: f"{word}: {[d.ctl('peers') for d in daemons[1:]]}")
    holds(both, 3, word)
    # Probes of ways that lead nowhere are no loss; few others are late on a busy machine.
    for daemon in daemons[1:]:
        assert all((peer["loss"] or 0) < 0.1 for peer in daemon.ctl("peers")), \
            daemon.ctl("peers")
    assert webs[0].reaches(webs[1].tap4) and webs[1].reaches(webs[0].tap4)


@pytest.fixture
def cloud(make_cloud):
    return make_cloud(names=["gw1"])


@pytest.mark.parametrize("one, other, word", table(), ids=str)
def test_the_table_of_who_is_direct(cloud, one, other, word):
    webs = [Nat(cloud, KINDS[kind]).host(f"web{number}")
            for number, kind in enumerate((one, other), 2)]
    stays(start_three(cloud, webs), webs, word)


@pytest.mark.parametrize("kind, word", [("same port", "direct"), ("other ports", "connecting")])
def test_without_a_relay_those_meet_that_can_be_direct(cloud, kind, word):
    webs = [Nat(cloud, KINDS[kind]).host(name) for name in ("web2", "web3")]
    daemons = start_three(cloud, webs, relays=False)
    if word == "direct":
        stays(daemons, webs, word)
    else:
        holds(lambda: way(daemons[1], webs[1]) not in ("direct", "relayed"), 15, "them apart")


def test_a_forwarded_port_of_one_with_other_ports_has_to_be_listed(cloud):
    webs = [Nat(cloud, "random").host(name) for name in ("web2", "web3")]
    webs[0].box.run("nft", "add", "rule", "inet", "nat", "in", "iifname", "eth0", "udp", "dport",
                    "8273", "dnat", "ip", "to", webs[0].address)
    daemons = start_three(cloud, webs)
    stays(daemons, webs, "relayed")
    daemons[2].process.stop()
    text = conf(" on web2", **{"10.77.0.2": webs[1].tap4, "198.51.100.1":
                               f'{cloud.hosts[0].address}", "{webs[0].box.address}'})
    daemons[2].use(f'{text}secret_file = "{daemons[2].secret_file}";\n').start()
    stays(daemons, webs, "direct")


def test_two_behind_one_go_by_their_local_addresses(cloud):
    box = Nat(cloud, "random")
    webs = [box.host("web2"), box.host("web3")]
    daemons = start_three(cloud, webs)
    stays(daemons, webs, "direct")
    assert daemons[1].peer(webs[1])["endpoint"] == f"{webs[1].address}:8273"


def test_a_linux_host_with_the_pages_rules_lets_them_meet(cloud):
    webs = [Nat(cloud).host("web2"), Nat(cloud).host("web3")]
    for web in webs:
        web.box.run("nft", "delete", "table", "inet", "nat")
        web.box.run("nft", "-f", web.box.write("nftables.conf",
                                               recipe("nat", "/etc/nftables.conf")))
    stays(start_three(cloud, webs), webs, "direct")
