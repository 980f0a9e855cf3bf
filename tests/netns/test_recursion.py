"""Routes to peers that lead into the overlay itself, and those that only seem to."""

import pytest

from cloud import start_all, wait_for, wait_mesh


@pytest.fixture
def pair(make_cloud):
    cloud = make_cloud(2)
    return (*cloud.hosts, start_all(cloud))


def start_again(daemon):
    """After a crash: the interface stays, with its addresses."""
    daemon.kill()
    daemon.start()


def why(daemon, other):
    peer = daemon.peer(other)
    return peer["why"] if peer else ""


def is_said(daemon, other, within=2):
    """The reason, with the route to set, in the log and for tapctl."""
    route = f"ip route add {other.address4} via GATEWAY dev DEVICE"
    daemon.process.wait_log(f"the route to {other.address4}:8273 goes through the overlay itself",
                            within)
    assert route in daemon.process.log()
    wait_for(lambda: route in why(daemon, other), 8, lambda: f"the reason: {why(daemon, other)}")


def test_a_default_route_by_tap0_is_told_at_once(pair):
    """As DHCP there may hand it out: peers were reached by the old one."""
    web1, web2, daemons = pair
    via = web1.ip("route", "show", "default").split()
    web1.ip("route", "replace", "default", "via", web2.tap4, "dev", "tap0")
    is_said(daemons[0], web2)
    web1.ip("route", "add", web2.address4, *via[1:5])
    wait_mesh(daemons, within=6)
    assert why(daemons[0], web2) == ""


def test_an_address_of_the_underlays_subnet_on_tap0(pair):
    """A virtual one: the routes to the peers do not change, and so nothing else does."""
    web1, web2, daemons = pair
    via = web1.ip("route", "show", "default").split()
    web1.ip("route", "add", "10.9.0.0/24", *via[1:5])
    web1.ip("addr", "add", "10.9.0.200/24", "dev", "tap0")
    start_again(daemons[0])
    wait_mesh(daemons, within=6)
    web2.ip("route", "add", "10.9.0.200/32", "dev", "tap0")
    assert web2.reaches("10.9.0.200", "-I", web2.tap4)
    assert daemons[0].drops()["recursion"] == 0
    assert "overlay itself" not in daemons[0].process.log()


def test_an_overlay_wider_than_the_underlay(pair):
    """10.0.0.0/8 is on tap0; a peer's route is more specific, or it is told."""
    web1, web2, daemons = pair
    via = web1.ip("route", "show", "default").split()
    web1.ip("route", "add", f"{web2.address4}/32", *via[1:5])
    web1.ip("addr", "add", "10.200.0.1/8", "dev", "tap0")
    start_again(daemons[0])
    wait_mesh(daemons, within=6)
    web1.ip("route", "del", f"{web2.address4}/32")
    is_said(daemons[0], web2)
    web1.ip("route", "add", f"{web2.address4}/32", *via[1:5])
    wait_mesh(daemons, within=6)


def test_a_route_by_a_device_above_tap0(pair):
    web1, web2, daemons = pair
    web1.ip("link", "add", "br7", "type", "bridge")
    web1.ip("link", "set", "tap0", "master", "br7")
    web1.ip("link", "set", "br7", "up")
    web1.ip("route", "add", f"{web2.address4}/32", "dev", "br7")
    is_said(daemons[0], web2)
    web1.ip("route", "del", f"{web2.address4}/32")
    wait_mesh(daemons, within=6)
