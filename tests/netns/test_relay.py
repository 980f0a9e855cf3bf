"""Hosts that cannot meet directly: whoever relays may fail, and they go on."""

import contextlib

import pytest

from cloud import holds, wait_for
from cloud.nat import DIRECTLY, Nat, start_knowing, via, wait_via


class Relayed:
    """web1 … webN relay; `one` and `two` are behind NATs that keep them apart."""

    def __init__(self, cloud, kinds=("random", "random"), **settings):
        self.cloud = cloud
        self.relays = list(cloud.hosts)
        self.webs = [Nat(cloud, kind).host(name) for kind, name in zip(kinds, ("one", "two"))]
        *self.carriers, self.one, self.two = start_knowing(
            cloud, *self.relays, relays=self.relays, **settings)
        self.names = [host.name for host in self.relays]

    def wait_relayed(self, *names, within=10):
        """The name of the relay."""
        return wait_via(self.one, self.two, *(names or self.names), within=within)

    def carrier(self, name):
        return next(daemon for daemon in self.carriers if daemon.host.name == name)

    def passes(self):
        return self.webs[0].ping(self.webs[1].tap4)


@pytest.mark.deadline
@pytest.mark.parametrize("kinds", [("random", "random"), ("random", "preserving")],
                         ids=lambda kinds: "-".join(kinds))
def test_hosts_behind_symmetric_nats_are_relayed(make_cloud, stopwatch, kinds):
    cloud = make_cloud(1)
    with stopwatch(f"{' and '.join(kinds)} until relayed", 5) as watch:
        lab = Relayed(cloud, kinds)
        lab.wait_relayed(within=watch.left)
    assert lab.passes()


def test_it_tells_what_it_carries(make_cloud):
    cloud = make_cloud(1)
    lab = Relayed(cloud)
    lab.wait_relayed()
    carrier, = lab.carriers
    before = carrier.status()["relay"]
    assert before["on"] and before["legs"] == 1
    assert lab.webs[0].ok("ping", "-c", "20", "-i", "0.02", lab.webs[1].tap4)
    after = carrier.status()["relay"]
    assert after["datagrams"] - before["datagrams"] >= 40
    assert after["bytes"] - before["bytes"] >= 40 * 100
    assert via(lab.one, carrier) == DIRECTLY and via(carrier, lab.one) == DIRECTLY


def test_a_relay_that_is_restarted_relays_again(make_cloud, stopwatch):
    lab = Relayed(make_cloud(1))
    lab.wait_relayed()
    carrier, = lab.carriers
    with stopwatch("a relay killed and started until relayed again", 8) as watch:
        carrier.kill()
        carrier.start()
        wait_for(lab.passes, watch.left, "them to reach each other")
    lab.wait_relayed()


def test_another_relay_takes_over(make_cloud, stopwatch):
    lab = Relayed(make_cloud(2))
    first = lab.wait_relayed()
    other, = set(lab.names) - {first}
    with stopwatch("another relay after a clean stop", 5) as watch:
        lab.carrier(first).stop()
        wait_for(lab.passes, watch.left, "them to reach each other")
        lab.wait_relayed(other, within=watch.left)
    lab.carrier(first).start()
    lab.one.wait_up(lab.carrier(first))
    lab.two.wait_up(lab.carrier(first))
    with stopwatch("another relay after kill -9", 8) as watch:
        lab.carrier(other).kill()
        wait_for(lab.passes, watch.left, "them to reach each other")
        lab.wait_relayed(first, within=watch.left)


@contextlib.contextmanager
def frames_vanish(cloud, carrier):
    """At that relay the larger frames of others do; the sizes that probes have pass."""
    cloud.singles()
    rule = (f'{{}} "{carrier.host.port}" udp length 700-1100 @th,64,8 5 drop')
    faults = [rule.format("iifname"), rule.format("oifname")]
    handles = [cloud.add_rule(fault) for fault in faults]
    yield
    for handle in handles:
        cloud.nft(f"delete rule inet cloud faults handle {handle}")


def test_a_relay_that_drops_frames_and_passes_probes_is_left(make_cloud, stopwatch):
    lab = Relayed(make_cloud(2))
    first = lab.wait_relayed()
    other, = set(lab.names) - {first}
    pinging = lab.webs[0].start("ping", "-i", "0.1", "-s", "800", "-M", "do", lab.webs[1].tap4)
    pinging.wait_log("bytes from")
    with frames_vanish(lab.cloud, lab.carrier(first)):
        with stopwatch("a relay left that drops frames", 25) as watch:
            lab.wait_relayed(other, within=watch.left)
        wait_for(lambda: lab.webs[0].ping(lab.webs[1].tap4, "-s", "800"), 3, "frames to pass")
        holds(lambda: via(lab.one, lab.two) == other, 3, "the better relay")
    pinging.stop()


def test_nats_that_forget_or_move(make_cloud, stopwatch):
    lab = Relayed(make_cloud(1))
    lab.wait_relayed()
    with stopwatch("relayed again after both NATs forgot", 8) as watch:
        for web in lab.webs:
            web.box.forget()
        wait_for(lab.passes, watch.left, "them to reach each other")
    with stopwatch("relayed again after a NAT's address changed", 8) as watch:
        lab.webs[0].box.renumber("10.9.1.99")
        wait_for(lab.passes, watch.left, "them to reach each other")
    lab.wait_relayed()
