"""What a relay carries for others takes the room that its own traffic leaves."""

import statistics

import pytest

from cloud import wait_for
from cloud.nat import Nat, start_knowing, via, wait_via
from cloud.slow import round_trips, slow_down, udp_flood

pytestmark = pytest.mark.deadline


@pytest.fixture
def lab(make_cloud):
    """web1 relays for `one` and `two`, with a slow card; web2 is reached directly."""
    cloud = make_cloud(2)
    one, two = (Nat(cloud, "random").host(name) for name in ("one", "two"))
    daemons = start_knowing(cloud, cloud.hosts[0], relays=[cloud.hosts[0]])
    wait_via(*daemons[2:], "web1")
    slow_down(cloud.hosts[0])
    return (*daemons, one, two)


def test_a_relayed_flood_takes_nothing_from_the_relay(lab):
    carrier, direct, _, far, one, two = lab
    with udp_flood(one, two):
        wait_for(lambda: carrier.drops()["leg_room"] > 0, 10, "more than the card takes")
        trips = round_trips(carrier.host, direct.host)
        # Small ones of those that are relayed.
        relayed = round_trips(two, one)
    drops = carrier.drops()
    assert trips.count(float("inf")) == 0, drops
    assert statistics.median(trips) < 0.1, trips
    assert statistics.median(relayed) < 0.1, relayed
    assert drops["send_again"] == drops["send_nobufs"] == 0, drops
    assert via(lab[2], far) == "web1"
