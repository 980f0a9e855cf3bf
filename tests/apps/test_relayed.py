"""Keepalived on hosts that no two of reach each other but by a relay."""

import time
from types import SimpleNamespace

import pytest

from cloud import wait_for
from cloud.nat import Nat, start_knowing, wait_via
from test_keepalived import VIP, Group, took  # noqa: F401: a fixture


@pytest.fixture
def group(make_cloud):
    cloud = make_cloud(1)
    relay, = cloud.hosts
    webs = [Nat(cloud, "random").host(f"inside{number}") for number in (1, 2, 3)]
    _, *daemons = start_knowing(cloud, relay, relays=[relay])
    for one, two in ((0, 1), (0, 2), (1, 2)):
        wait_via(daemons[one], daemons[two], relay.name, within=15)
    return Group(SimpleNamespace(hosts=webs, cut=cloud.cut), daemons=daemons).start()


@pytest.mark.deadline
def test_failover_and_failback_between_relayed_hosts(group, took):  # noqa: F811
    ping = group.client.start("ping", "-D", "-i", "0.05", VIP, log="ping.log")
    ping.wait_log("bytes from")

    def back():
        times = [float(line[1:line.index("]")]) for line in ping.log().splitlines()
                 if line.startswith("[") and "bytes from" in line]
        return [when for when in times if when > cut + 0.5]
    with group.cloud.cut(group.host1):
        cut = time.time()
        took("failover between relayed hosts",
             group.ka2.wait_state("MASTER", 2 * group.patience) - cut, group.patience)
        outage = wait_for(back, 2 * group.patience, "pings to be answered again")[0] - cut
        took("a client's outage by it, all relayed", outage, group.patience)
        group.client_reaches(group.host2)
    group.ka2.wait_state("BACKUP", 12 + 2 * group.patience)
    group.settled()
    ping.stop()
