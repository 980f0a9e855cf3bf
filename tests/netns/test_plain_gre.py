"""GRE with Open vSwitch: with and without a key, with a checksum."""

import contextlib

import pytest

from cloud import Audience, interface_mac, member, multicast_sender, pump, wait_for
from cloud.frames import BROADCAST, frame
from cloud.streams import datagrams, streams
from cloud.vteps import PlainHosts

GROUP, PORT = "239.77.1.1", 7100
# A raw socket takes and gives no batch that the kernel cuts or merges.
BATCH = {"send": "batch", "receive": "batch"}
LEVELS = [BATCH, {"tap": "tso", "merge": "tcp", **BATCH},
          {"tap": "none", "merge": "none", "send": "single", "receive": "single"},
          {"checksums": "complete", **BATCH}]
# The key, what Open vSwitch is told, and the smallest MTU of the three.
SHAPES = {"no key": (None, {}, 1462),
          "key and checksum": (0x7ffffffe, {"key": "2147483646", "csum": "true"}, 1454),
          "IPv6": (7, {"key": "7"}, 1438)}


@pytest.fixture(scope="module", params=SHAPES)
def lab(request, make_module_cloud):
    key, options, mtu = SHAPES[request.param]
    cloud = make_module_cloud(names=["tapd1", "ovs", "tapd2"],
                              family="v6" if request.param == "IPv6" else "v4")
    lab = PlainHosts(cloud, ["tapd", "ovs", "tapd"], kind="gre", network_id=key,
                     ovs_options=options)
    lab.wait_reached()
    assert lab.mtu == mtu
    return lab


def test_full_packets_reach_all(lab):
    for family, header in ("tap4", 20 + 8), ("tap6", 40 + 8):
        full = ("-M", "do", "-s", lab.mtu - header)
        wait_for(lambda: not lab.unreached(*full, family=family), 10,
                 lambda: f"full packets: {lab.unreached(*full, family=family)}")
    assert lab.cloud.fragments() == 0


def test_a_broadcast_reaches_each_once(lab):
    with Audience(lab.hosts) as audience:
        for host in lab.hosts:
            octets = frame(BROADCAST, interface_mac(host), b"to all" * 10)
            assert audience.who_gets(host, octets) == \
                {other.name for other in lab.hosts if other is not host}


def test_a_group_reaches_its_members(lab):
    sender, *members = lab.hosts
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(member(host, GROUP, PORT)) for host in members]
        wait_for(lambda: len((lab.daemons[0].group(GROUP) or {"members": ()})["members"]) == 2,
                 20, lambda: f"two members: {lab.daemons[0].ctl('groups')}")
        pump(stack.enter_context(multicast_sender(sender)), (GROUP, PORT), sockets, 2_000)


@pytest.mark.parametrize("levels", LEVELS, ids=str)
def test_streams_both_ways(lab, levels):
    lab.daemons[0].use_levels(**levels)
    host, *others = lab.hosts
    streams(*((host, other, other.tap4) for other in others),
            *((other, host, host.tap6) for other in others), size=300_000)
    for other in others:
        datagrams(host, other, other.tap4, size=1201, count=50)
        datagrams(other, host, host.tap6, size=1202, count=50)


def test_it_is_told(lab):
    status = lab.daemons[0].status()
    assert (status["sealed"], status["encapsulation"]) == (False, "gre")
    dropped = {why: count for why, count in lab.daemons[0].drops().items() if count}
    assert not dropped.keys() & {"gre_bad", "gre_key", "gre_checksum", "plain_stranger",
                                 "frame_long", "csum_bad", "send_failed"}, dropped
