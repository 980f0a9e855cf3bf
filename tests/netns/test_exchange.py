"""Daemons that know one other daemon, and are told of the rest."""

import contextlib
import os

import pytest

from cloud import (Stream, Tapd, holds, member, new_secret, wait_for, wait_members, wait_mesh,
                   wait_settled)

GROUP, PORT = "239.77.2.1", 7200


def knowing(cloud, seed, secret=None, **settings):
    """A daemon on each host, all of which have that one address; none is started."""
    secret = secret or new_secret()
    return [Tapd(host, secret, peers=[seed.address], **settings) for host in cloud.hosts]


def start_seeded(cloud, within=20):
    daemons = knowing(cloud, cloud.hosts[0])
    for daemon in daemons:
        daemon.launch()
    for daemon in daemons:
        daemon.wait_ready()
    wait_mesh(daemons, within)
    return daemons


def wait_ready_mesh(daemons, watch):
    """The same as wait_mesh, and looks at each until it has all: 32 take their time."""
    waiting = list(daemons)

    def all_up():
        while waiting and waiting[0].ctl_ok("status") \
                and waiting[0].status()["peers"]["up"] == len(daemons) - 1:
            waiting.pop(0)
        return not waiting
    wait_for(all_up, watch.left, lambda: f"a full mesh: {waiting[0].host} has "
             f"{waiting[0].up() if waiting[0].ctl_ok('status') else 'not begun'}")
    # What was up first is still up.
    assert all(d.status()["peers"]["up"] == len(daemons) - 1 for d in daemons)


def wait_keys(daemons, within=10):
    """Until each has up the keys that the others have now, and no others."""
    keys = {daemon: daemon.status()["key"] for daemon in daemons}

    def up(daemon):
        return {peer["key"] for peer in daemon.ctl("peers") if peer["state"] == "up"}

    def wrong():
        return [d.host.name for d in daemons if up(d) != set(keys.values()) - {keys[d]}]
    wait_for(lambda: not wrong(), within, lambda: f"the keys of now to be up at {wrong()}")
    return keys


def become_another(daemon, how):
    """Another instance at its address: nothing was on its disk."""
    getattr(daemon, how)()
    os.unlink(daemon.settings["key_file"])
    daemon.launch()


@pytest.mark.deadline
def test_daemons_that_know_one_seed_form_a_full_mesh(make_cloud, stopwatch):
    """And again when all of them restart at once."""
    cloud = make_cloud(32)
    daemons = knowing(cloud, cloud.hosts[0])
    for daemon in daemons:
        daemon.launch()
    with stopwatch("32 daemons that know one seed: from the last start", 5) as watch:
        wait_ready_mesh(daemons, watch)
    for daemon in daemons:
        daemon.kill()
    for daemon in daemons:
        daemon.launch()
    with stopwatch("… all killed and started again", 5) as watch:
        wait_ready_mesh(daemons, watch)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_newcomers_meet_all_though_the_seed_dies(make_cloud, how):
    cloud = make_cloud(12)
    seed, *old = knowing(cloud, cloud.hosts[0])
    old, new = old[:6], old[6:]
    for daemon in (seed, *old):
        daemon.start()
    wait_mesh([seed, *old])
    for daemon in new:
        daemon.launch()
    for daemon in new:
        daemon.wait_ready()
    # That the seed has them says nothing of what they were told.
    known = {daemon.host.name for daemon in old}
    wait_for(lambda: all(d.up() & known for d in new), 10,
             lambda: f"each to know an old one: {[sorted(d.up()) for d in new]}")
    getattr(seed, how)()
    wait_for(lambda: all(len(d.up() - {seed.host.name}) == 10 for d in old + new), 10,
             lambda: f"all to meet: {[sorted(d.up()) for d in old + new]}")


def test_a_seed_that_comes_back_elsewhere(make_cloud):
    """Nobody knows its new address, and it knows one of them."""
    cloud = make_cloud(8)
    hosts, spare = cloud.hosts[:7], cloud.hosts[7]
    secret = new_secret()
    seed, *others = [Tapd(host, secret, peers=[hosts[0].address]) for host in hosts]
    for daemon in (seed, *others):
        daemon.start()
    wait_mesh([seed, *others])
    seed.kill()
    elsewhere = Tapd(spare, secret, peers=[hosts[3].address], name=seed.host.name,
                     key_file=seed.settings["key_file"]).start()
    wait_for(lambda: len(elsewhere.up()) == 6, 10, lambda: f"all to meet: {elsewhere.up()}")
    for daemon in others:
        daemon.wait_up(seed)
        assert daemon.peer(seed)["endpoint"].startswith(spare.address)


def test_an_address_is_used_again_with_a_new_key(make_cloud):
    cloud = make_cloud(6)
    daemons = start_seeded(cloud)
    for again, how in ((daemons[4], "kill"), (daemons[2], "stop"), (daemons[0], "kill")):
        old = again.status()["key"]
        become_another(again, how)
        again.wait_ready()
        assert wait_keys(daemons)[again] != old


@pytest.mark.timeout(400)
def test_instances_are_replaced_one_by_one_under_a_stream(make_cloud):
    """Three stay: of what one of them sends the two others lose nothing."""
    cloud = make_cloud(19)
    daemons = start_seeded(cloud)
    replaced, (sender, *stay) = daemons[:16], daemons[16:]
    with contextlib.ExitStack() as stack:
        ears = [stack.enter_context(member(daemon.host, GROUP, PORT)) for daemon in stay]
        wait_settled(daemons, 20)
        wait_members(sender, GROUP, *(daemon.host for daemon in stay))
        stream = stack.enter_context(Stream(sender.host, GROUP, PORT, 0.005))
        stream.wait_sent(20)
        for i, daemon in enumerate(replaced):
            become_another(daemon, "stop" if i % 2 else "kill")
            daemon.wait_ready()
            wait_keys(daemons, 20)
        stream.wait_sent(20)
        heard = [stream.finish(ear) for ear in ears]
        assert heard == [list(range(stream.sent))] * 2


def test_without_the_exchange_a_seed_stays_a_hub(make_cloud):
    cloud = make_cloud(4)
    daemons = knowing(cloud, cloud.hosts[0], **{"discover.peer_exchange": False})
    for daemon in daemons:
        daemon.start()
    daemons[0].wait_up(*daemons[1:])
    holds(lambda: all(d.up() == {daemons[0].host.name} for d in daemons[1:]), 5,
          "nobody is told of others")
    for daemon in daemons:
        daemon.configure(**{"discover.peer_exchange": True})
        daemon.reload()
    wait_mesh(daemons, 15)
