"""Hosts behind NATs meet by a host that both reach, which relays for nobody: it only
carries their first handshake."""

import pytest

from cloud import holds, wait_for
from cloud.nat import DIRECTLY, Nat, start_knowing, via, wait_via


def behind(cloud, *kinds, lan=None):
    """A host behind a NAT of each kind: web2, web3 …"""
    return [Nat(cloud, kind, lan=lan).host(f"web{number}")
            for number, kind in enumerate(kinds, 2)]


def outer_address(daemon, other):
    return daemon.peer(other)["endpoint"].rpartition(":")[0]


@pytest.mark.parametrize("kinds", [("preserving", "preserving"), ("cone", "preserving"),
                                   ("cone", "random")], ids=lambda kinds: "-".join(kinds))
def test_two_that_can_meet_do(make_cloud, stopwatch, kinds):
    """Behind each is the same net, and each host has the same address there."""
    cloud = make_cloud(1)
    web2, web3 = behind(cloud, *kinds, lan="192.168.1")
    assert web2.address == web3.address
    with stopwatch(f"{' and '.join(kinds)} to a direct path", 5) as watch:
        one, two, three = start_knowing(cloud, cloud.hosts[0])
        wait_via(two, three, DIRECTLY, within=watch.left)
    assert outer_address(two, three) == web3.box.address
    assert outer_address(three, two) == web2.box.address
    assert web2.reaches(web3.tap4)
    one.stop()
    holds(lambda: web2.reaches(web3.tap4) and via(two, three) == DIRECTLY, 5,
          "the two without the one that introduced them")
    assert two.drops().get("leg_source", 0) == 0


@pytest.mark.parametrize("kind", ["preserving", "random"])
def test_two_behind_one_nat_meet_by_their_own_addresses(make_cloud, stopwatch, kind):
    cloud = make_cloud(1)
    web2, = behind(cloud, kind)
    web3 = web2.box.host("web3")
    with stopwatch(f"two behind one {kind} NAT to a direct path", 5) as watch:
        _, two, three = start_knowing(cloud, cloud.hosts[0])
        wait_via(two, three, DIRECTLY, within=watch.left)
    assert two.peer(web3)["endpoint"] == f"{web3.address}:8273"
    assert three.peer(web2)["endpoint"] == f"{web2.address}:8273"
    assert web2.reaches(web3.tap4)


def test_two_behind_symmetric_ones_are_not_up_without_a_relay(make_cloud):
    """And are once the host between them carries more than handshakes."""
    cloud = make_cloud(1)
    web2, web3 = behind(cloud, "random", "random")
    one, two, three = start_knowing(cloud, cloud.hosts[0])
    two.wait_up(cloud.hosts[0])
    three.wait_up(cloud.hosts[0])
    holds(lambda: via(two, three) is None and via(three, two) is None, 8, "the two apart")
    assert not web2.ping(web3.tap4)
    one.configure(relay=True)
    one.reload()
    wait_via(two, three, "web1", within=20)
    assert web2.reaches(web3.tap4)
    one.configure(relay=False)
    one.reload()
    wait_for(lambda: via(two, three) is None and via(three, two) is None, 10, "them apart")


def test_a_nat_that_forgets_or_moves_is_followed(make_cloud, stopwatch):
    cloud = make_cloud(1)
    web2, web3 = behind(cloud, "preserving", "preserving")
    _, two, three = start_knowing(cloud, cloud.hosts[0], relays=cloud.hosts[:1])
    wait_via(two, three, DIRECTLY)
    with stopwatch("a direct path healed after its NAT forgot", 5) as watch:
        web2.box.forget()
        wait_for(lambda: web3.ping(web2.tap4), watch.left, "web2 to be reached")
    with stopwatch("a path healed after a NAT's address changed", 6) as watch:
        web2.box.renumber("10.9.1.99")
        wait_for(lambda: web3.ping(web2.tap4), watch.left, "web2 to be reached")
    wait_via(two, three, DIRECTLY)
    assert outer_address(three, two) == "10.9.1.99"
