"""Hazelcast on tap0: members that find each other by multicast, and keep a map."""

import time

import pytest

import jvm
from cloud import start_all
from recipe import recipe

pytestmark = pytest.mark.timeout(300)  # the first build fetches what it needs
ENTRIES = 1000


@pytest.fixture(scope="module")
def classpath():
    return jvm.build("hazelcast")


@pytest.fixture
def members(make_cloud, classpath):
    cloud = make_cloud(3)
    start_all(cloud)
    members = []
    for host in cloud.hosts:
        conf = host.write("hazelcast.yaml", recipe("hazelcast", "hazelcast.yaml"))
        members.append(jvm.Member(host, classpath, f"-Dhazelcast.config={conf}"))
    yield members
    for member in members:
        member.close()


def test_members_meet_and_the_map_survives_a_death_and_a_return(members, record_property):
    first, *others = members
    for member in members:
        member.start()
    jvm.wait_cluster(members, 3, 60)
    first.ask(f"put {ENTRIES}", f"put {ENTRIES}")
    for member in others:
        member.ask(f"check {ENTRIES}", f"right {ENTRIES}")
    first.kill()
    killed = time.monotonic()
    jvm.wait_cluster(others, 2, 30)
    for member in others:
        member.ask(f"check {ENTRIES}", f"right {ENTRIES}")
    survived = time.monotonic() - killed
    first.start()
    started = time.monotonic()
    jvm.wait_cluster(members, 3, 60)
    first.ask(f"check {ENTRIES}", f"right {ENTRIES}")
    record_property("measured", f"Hazelcast: {ENTRIES} entries read again {survived:.1f} s after a "
                                f"member's death, by itself {time.monotonic() - started:.1f} s "
                                "after its return")
