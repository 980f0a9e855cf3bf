"""The deadlines of the design on two shared cores, asserted at twice their value.

What was measured is printed at the end of the run.
"""

import time

import pytest

from cloud import Tapd, Wire, interface_mac, new_secret, start_all, wait_for
from cloud.frames import BROADCAST, frame

pytestmark = pytest.mark.deadline


@pytest.mark.parametrize("count, design", [(24, 15), (40, 30)])
def test_daemons_started_together_form_a_full_mesh(make_cloud, stopwatch, count, design):
    cloud = make_cloud(count)
    secret = new_secret()
    daemons = [Tapd(host, secret) for host in cloud.hosts]
    with stopwatch(f"{count} daemons to a full mesh", design) as watch:
        for daemon in daemons:
            daemon.launch()
        waiting = list(daemons)

        def all_up():
            while waiting and waiting[0].ctl_ok("status") \
                    and waiting[0].status()["peers"]["up"] == count - 1:
                waiting.pop(0)
            return not waiting
        wait_for(all_up, watch.left, "a full mesh", every=0.2)
    # What was up first is still up.
    assert all(d.status()["peers"]["up"] == count - 1 for d in daemons)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_a_restarted_peer_is_back_in_every_peer(make_cloud, stopwatch, how):
    cloud = make_cloud(8)
    daemons = start_all(cloud)
    again, others = daemons[0], daemons[1:]
    getattr(again, how)()
    with stopwatch(f"back in every peer after {how}", 3) as watch:
        again.launch()
        wait_for(lambda: again.host.has_interface() and "LOWER_UP" in
                 again.host.ip("link", "show", "tap0"), watch.left, "tap0")
        passes_both_ways(again, others, watch)
        for daemon in others:
            daemon.wait_up(again, within=max(watch.left, 0))


def passes_both_ways(one, others, watch):
    """Frames of this moment pass, whatever a peer still believes of the last life."""
    with Wire(one.host, only=0x88b5) as here:
        for other in others:
            with Wire(other.host, only=0x88b5) as there:
                out = frame(BROADCAST, interface_mac(one.host), b"out %d" % other.host.index)
                back = frame(BROADCAST, interface_mac(other.host), b"back %d" % other.host.index)

                def passed():
                    here.send(out)
                    there.send(back)
                    return out in there.collect(1, 0.1, 0) and back in here.collect(1, 0.1, 0)
                wait_for(passed, watch.left, f"frames between {one.host} and {other.host}")


def test_a_cut_off_host_is_down_and_back(make_cloud, stopwatch):
    cloud = make_cloud(8)
    daemons = start_all(cloud)
    lost, others = daemons[0], daemons[1:]
    with stopwatch("a cut off host is down in every peer", 4) as watch:
        fault = cloud.cut(lost.host)
        for daemon in others:
            daemon.wait_down(lost, within=max(watch.left, 0))
        wait_for(lambda: not lost.up(), watch.left, "it to be alone")
    with stopwatch("and back after healing", 6) as watch:
        fault.heal()
        for daemon in others:
            daemon.wait_up(lost, within=max(watch.left, 0))
        lost.wait_up(*others, within=max(watch.left, 0))


def test_a_host_cut_off_for_long_is_back_as_soon(make_cloud, stopwatch):
    """Retries have backed off by then; anything heard must reset them."""
    cloud = make_cloud(4)
    daemons = start_all(cloud)
    lost, others = daemons[0], daemons[1:]
    with cloud.cut(lost.host):
        for daemon in others:
            daemon.wait_down(lost)
        end = time.monotonic() + 20
        wait_for(lambda: time.monotonic() >= end, 21, "20 s of silence", every=1)
    with stopwatch("back after 20 s off", 6) as watch:
        for daemon in others:
            daemon.wait_up(lost, within=max(watch.left, 0))


def test_a_clean_stop_takes_less_than_its_five_seconds(make_cloud):
    cloud = make_cloud(8)
    daemons = start_all(cloud)
    for daemon in daemons:
        start = time.monotonic()
        assert daemon.stop() == 0
        assert time.monotonic() - start < 5
