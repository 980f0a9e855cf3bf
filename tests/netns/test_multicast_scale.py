"""Many frames, many members."""

import contextlib
import struct
import time

import pytest

from cloud import (Wire, counters, member, multicast_sender, pump, received, sanitized, start_all,
                   wait_for, wait_members, wait_settled)
from cloud.frames import BROADCAST, frame, interface_mac

GROUP, PORT = "239.77.1.1", 7100


@pytest.mark.timeout(400)
def test_of_many_frames_members_get_each_and_the_rest_of_the_hosts_none(make_cloud,
                                                                        record_property):
    """Nor do the rest's underlays carry them."""
    cloud = make_cloud(7)
    daemons = start_all(cloud)
    sender_host, members, others = cloud.hosts[0], cloud.hosts[1:3], cloud.hosts[3:]
    count = 10_000 if sanitized() else 100_000
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(member(host, GROUP, PORT)) for host in members]
        sender = stack.enter_context(multicast_sender(sender_host))
        wait_settled(daemons)
        wait_members(daemons[0], GROUP, *members)
        wires = [stack.enter_context(Wire(host, only=0x0800)) for host in others]
        before = {host: counters(host, "eth0")["rx"]["bytes"] for host in cloud.hosts}
        start = time.monotonic()
        pump(sender, (GROUP, PORT), receivers, count)
        took = time.monotonic() - start
        got = {host: counters(host, "eth0")["rx"]["bytes"] - before[host] for host in cloud.hosts}
        # Nothing was merely late: what a broadcast follows has come before it.
        end = frame(BROADCAST, interface_mac(sender_host), bytes(46), 0x0800)
        with Wire(sender_host) as wire:
            wire.send(end)
        for wire in wires:
            assert [f for f in wire.until(end) if f[30:34] == bytes((239, 77, 1, 1))] == []
    member_bytes = min(got[host] for host in members)
    most = max(got[host] for host in others)
    record_property("measured", f"{count} frames to 2 members of 6: {took:.1f} s, "
                    f"{member_bytes} bytes each; to another host at most {most}")
    assert member_bytes > count * 100
    assert most < member_bytes * 0.05


def test_forty_receivers_of_one_group(make_cloud):
    cloud = make_cloud(41)
    sender_host, hosts = cloud.hosts[0], cloud.hosts[1:]
    daemons = start_all(cloud, mesh_within=60)
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(member(host, GROUP, PORT)) for host in hosts]
        sender = stack.enter_context(multicast_sender(sender_host))
        wait_for(lambda: (daemons[0].group(GROUP) or {"flooded": True})["flooded"] is False
                 and len(daemons[0].group(GROUP)["members"]) == 40, 20,
                 lambda: f"40 members: {daemons[0].group(GROUP)}")
        pump(sender, (GROUP, PORT), receivers, 200, burst=8, window=32)
        sender.sendto(struct.pack("!I", 7), (GROUP, PORT))
        for receiver in receivers:
            assert received(receiver) == struct.pack("!I", 7)


def test_many_groups_of_one_host_are_declared_and_taken_back(trio):
    """More than one record holds."""
    cloud, daemons = trio
    web2 = cloud.hosts[1]
    names = [f"239.78.{i // 250}.{1 + i % 250}" for i in range(300)]
    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(member(web2, name, PORT))
        wait_for(lambda: {g["group"] for g in daemons[0].ctl("groups") if g["members"] == ["web2"]}
                 >= set(names), 8, "all groups to be declared")
        wait_settled(daemons)
    wait_for(lambda: not {g["group"] for g in daemons[0].ctl("groups")} & set(names), 8,
             lambda: f"all groups to be taken back: {len(daemons[0].ctl('groups'))} left")
