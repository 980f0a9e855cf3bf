"""Relayed hosts whose NATs change: a direct path is taken as soon as there is one."""

import pytest

from cloud import Stream, member, wait_for
from cloud.nat import DIRECTLY, wait_via
from test_relay import Relayed

GROUP, PORT = "239.77.4.4", 7440


@pytest.mark.timeout(180)
def test_it_is_direct_once_the_nats_allow_it_and_nothing_overtakes(make_cloud, stopwatch):
    """The next try is 60 s later at most."""
    lab = Relayed(make_cloud(1))
    lab.wait_relayed()
    with member(lab.webs[1], GROUP, PORT) as sock, Stream(
            lab.webs[0], GROUP, PORT, interval=0.01) as stream:
        stream.wait_sent(20)
        with stopwatch("direct after the NATs were changed", 65) as watch:
            for web in lab.webs:
                web.box.become("preserving")
                web.box.forget()
            wait_via(lab.one, lab.two, DIRECTLY, within=watch.left)
        stream.wait_sent(100)
        got = stream.finish(sock)
    assert got == sorted(set(got)), "none twice, none before another that was sent later"
    for web in lab.webs:
        web.box.become("random")
        web.box.forget()
    with stopwatch("relayed after the NATs no longer allow a direct path", 10) as watch:
        lab.wait_relayed(within=watch.left)
        wait_for(lab.passes, watch.left, "them to reach each other")
