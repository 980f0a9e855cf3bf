"""JGroups on tap0, with the stack for multicast that it ships."""

import time

import pytest

import jvm
from cloud import start_all
from cloud.streams import bulk
from recipe import recipe

pytestmark = pytest.mark.timeout(300)  # the first build fetches what it needs


@pytest.fixture(scope="module")
def classpath():
    return jvm.build("jgroups")


@pytest.fixture
def members(make_cloud, classpath):
    cloud = make_cloud(3)
    start_all(cloud)
    options = recipe("jgroups", "The JVM's options").split()
    members = [jvm.Member(host, classpath, *options) for host in cloud.hosts]
    yield members
    for member in members:
        member.close()


def exchange(members, count, size):
    """Each sends that many, each receives all of them."""
    started = time.monotonic()
    for member in members:
        member.tell(f"send {count} {size}")
    for member in members:
        member.tell(f"await {len(members) * count}")
    for member in members:
        # A fragment that a busy host has no room for costs its datagram, which is sent again.
        member.wait_answer(f"received {len(members) * count}", within=60)
    return time.monotonic() - started


def test_members_meet_exchange_bursts_and_survive_a_death(members, record_property):
    victim, *others = members
    for member in members:
        member.start()
    jvm.wait_cluster(members, 3, 40)
    # 60 KB is one datagram: 41 IP fragments, to every member.
    seconds = exchange(members, 100, 60000)
    record_property("measured", f"JGroups: 300 multicasts of 60 KB to 3 members in {seconds:.1f} s")
    hosts = [member.host for member in members]
    with bulk(hosts[0], hosts[1]):
        beside = exchange(members, 20, 60000)
    record_property("measured", f"JGroups: 60 multicasts beside bulk in {beside:.1f} s")
    victim.kill()
    jvm.wait_cluster(others, 2, 40)
    exchange(others, 10, 1000)
    victim.start()
    jvm.wait_cluster(members, 3, 40)
    exchange(members, 20, 1000)
